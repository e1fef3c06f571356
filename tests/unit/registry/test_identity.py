"""The same thing written differently is the same thing; two things never become one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.identity import UnreadableAddress, canonical

SAME = [
    ["https://twitter.com/CanBorder", "https://x.com/canborder/", "http://mobile.twitter.com/CanBorder?lang=fr"],
    ["https://www.facebook.com/GCIndigenous/", "https://facebook.com/gcindigenous?ref=hl", "https://m.facebook.com/GCIndigenous"],
    ["https://www.facebook.com/pg/CanadaBusiness/about/?ref=page_internal", "https://facebook.com/canadabusiness"],
    ["https://www.facebook.com/pages/Public-Health/10860597051?fref=ts", "https://facebook.com/pages/Other/10860597051"],
    ["https://www.facebook.com/Ambassade-du-Canada-745106998847176/?fref=nf", "https://www.facebook.com/745106998847176"],
    ["https://www.facebook.com/profile.php?id=100072520562001", "https://facebook.com/profile.php?id=100072520562001&ref=x"],
    ["https://www.instagram.com/cafoperations/?hl=en", "https://instagram.com/CAFoperations"],
    ["https://www.youtube.com/user/rcmpnlsocial/featured?disable_polymer=1", "https://youtube.com/user/RCMPNLsocial"],
    ["https://ca.linkedin.com/company/infrastructure-canada", "https://www.linkedin.com/company/Infrastructure-Canada/about"],
    ["https://www.flickr.com/photos/rideauhall/", "https://flickr.com/photos/RideauHall"],
]  # fmt: skip
DIFFERENT = [
    ("https://youtube.com/user/abc", "https://youtube.com/c/abc"),
    ("https://youtube.com/channel/UCabc", "https://youtube.com/channel/UCABC"),
    ("https://linkedin.com/company/abc", "https://linkedin.com/showcase/abc"),
    ("https://x.com/abc", "https://instagram.com/abc"),
    ("https://facebook.com/profile.php?id=1", "https://facebook.com/profile.php?id=2"),
]


@pytest.mark.parametrize("addresses", SAME)
def test_spellings_of_one_account_agree(addresses: list[str]) -> None:
    assert len({(c.platform, c.identity) for c in (canonical("account", "?", a) for a in addresses)}) == 1


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_accounts_stay_different(one: str, other: str) -> None:
    first, second = canonical("account", "?", one), canonical("account", "?", other)
    assert (first.platform, first.identity) != (second.platform, second.identity)


def test_the_host_overrules_a_misnamed_platform_and_says_so() -> None:
    found = canonical("account", "Instagram", "https://www.flickr.com/photos/somebody")
    assert (found.platform, found.corrected) == ("flickr", True)
    assert canonical("account", "Intagram", "https://instagram.com/a").corrected is False


@pytest.mark.parametrize(
    "address", ["https://x.com/", "https://linkedin.com/company", "https://flickr.com/photos", "  "]
)
def test_an_address_without_an_account_is_refused_naming_the_field(address: str) -> None:
    with pytest.raises(UnreadableAddress) as refused:
        canonical("account", "X", address)
    assert refused.value.field == "address"
    assert refused.value.accepted


def test_other_kinds_keep_their_identifiers() -> None:
    assert canonical("app", "android", "cn.gov.Example").identity == "cn.gov.Example"
    assert canonical("group", "微信", "工作群  12").platform == "wechat"
    assert canonical("account", "微信公众号", "gh_0123").platform == "wechat"


handles = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{2,20}", fullmatch=True)


@given(
    handle=handles,
    host=st.sampled_from(
        ["x.com", "twitter.com", "www.twitter.com", "mobile.x.com", "instagram.com", "www.facebook.com"]
    ),
    noise=st.sampled_from(["", "/", "?hl=en", "/?lang=fr", "#top", "/?ref=x&y=1"]),
    scheme=st.sampled_from(["https://", "http://", "HTTPS://"]),
)
def test_noise_never_changes_identity(handle: str, host: str, noise: str, scheme: str) -> None:
    bare = canonical("account", "?", f"https://{host}/{handle.lower()}")
    noisy = canonical("account", "?", f"  {scheme}{host.upper()}/{handle}{noise} ")
    assert (noisy.platform, noisy.identity) == (bare.platform, bare.identity)
