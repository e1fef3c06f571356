"""The real register and its log, read apart from the product."""

from datetime import date

import pytest
import register
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://twitter.com/ParcsCanada?lang=fr", "https://x.com/parcscanada"),
        ("https://www.twitter.com/@ECCC_CHC", "https://Twitter.com/ECCC_CHC/"),
        ("https://m.facebook.com/OCAOGC?_rdr", "https://www.facebook.com/ocaogc/"),
        ("https://www.facebook.com/pg/MauricieNP/", "https://facebook.com/MauricieNP/about"),
        (
            "https://www.facebook.com/pages/Public-Health-Agency-of-Canada/10860597051?fref=ts",
            "https://facebook.com/profile.php?id=10860597051",
        ),
        ("https://www.instagram.com/canadaarctic/?hl=en", "https://instagram.com/canadaarctic"),
        ("https://www.youtube.com/user/rcmpnlsocial/featured", "https://youtube.com/user/RCMPnlsocial"),
        ("https://ca.linkedin.com/company/transport-canada", "https://linkedin.com/company/Transport-Canada/about/"),
        ("http://www.flickr.com/photos/cfcombatcamera", "https://flickr.com/people/cfcombatcamera/"),
    ],
)
def test_two_spellings_of_one_account_agree(url: str, same: str) -> None:
    assert register.identity(url) == register.identity(same)


def test_what_differs_stays_apart() -> None:
    assert register.identity("https://youtube.com/user/otccta") != register.identity("https://youtube.com/@otccta")
    assert register.identity("https://youtube.com/channel/UCa") != register.identity("https://youtube.com/channel/UCA")
    assert register.identity("https://x.com/grcyukon") != register.identity("https://facebook.com/grcyukon")
    with pytest.raises(ValueError, match="no known network"):
        register.identity("https://example.org/a")


@given(st.text(alphabet="abcXYZ019._-", min_size=1, max_size=20).filter(lambda n: n.strip("./") == n))
def test_an_identity_names_itself(name: str) -> None:
    for network, host in (("x", "x.com"), ("instagram", "www.instagram.com")):
        found = register.identity(f"https://{host}/{name}/")
        assert found == (network, name.lower())
        assert register.identity(f"https://{host}/{found[1]}") == found


def test_the_real_register_and_its_log() -> None:
    rows, changes = register.read_register(), register.read_changes()
    assert (len(rows), len(changes)) == (1802, 220)
    assert [(later.line, earlier.line) for later, earlier in register.twins(rows)] == [
        (957, 719),
        (1170, 187),
        (1663, 1042),
    ]
    known = register.accounts(rows, changes)
    assert len(known) == 1910
    assert [a.identity[1] for a in known.values() if len(a.listed) > 1] == ["cdndemocracy", "democratiecdn"]
    # The log removes the French hurricane centre twice, under both spellings: it can go only once.
    assert sum(len(a.delisted) for a in known.values()) == sum(row.change == "removed" for row in changes) - 1
    assert sum(a.listed_on(register.LAST_DAY) for a in known.values()) == 1837


def test_who_answers_follows_the_amendments() -> None:
    coast_guard = register.accounts(register.read_register(), register.read_changes())[("x", "coastguardcan")]
    assert coast_guard.department_on(date(2025, 9, 25)) == "Fisheries and Oceans Canada"
    assert coast_guard.department_on(date(2025, 9, 26)) == "National Defence and the Canadian Armed Forces"
