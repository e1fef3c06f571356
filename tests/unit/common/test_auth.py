"""Who asks and what they may do: deny by default (architecture 9.8)."""

import base64
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from deploy.local.issuer import issue
from libs.common.errors import Forbidden, Unauthenticated
from libs.common.security import tokens
from libs.common.security.tokens import Authenticator, Principal

KEY = tokens.new_key("k1")
STRANGER = tokens.new_key("k1")  # the same name, another key
JWKS = tokens.public_jwks(KEY)


def token(key: dict[str, Any] = KEY, **changed: Any) -> str:
    """A token as a real issuer would make it; `changed` replaces claims, None removes one."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": "https://id.example.gov",
        "aud": "jianfu",
        "sub": "ada",
        "roles": ["operator"],
        "iat": now,
        "exp": now + 600,
    } | changed
    claims = {name: value for name, value in claims.items() if value is not None}
    return str(jwt.encode({"alg": "Ed25519", "kid": key["kid"]}, claims, OKPKey.import_key(key), ["Ed25519"]))


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(JWKS, allow_local=False)


def test_a_good_token(authenticator: Authenticator) -> None:
    """Subject, roles and the unit's scope come from the claims; a second use answers the same."""
    bearer = f"Bearer {token(roles=['unit', 'viewer'], unit='cn-uscc:1')}"
    for _ in range(2):
        assert authenticator.principal(bearer) == Principal(
            "ada", frozenset({"unit", "viewer"}), "cn-uscc:1", issuer="https://id.example.gov"
        )
    assert authenticator.principal(bearer.replace("Bearer", "bearer")).subject == "ada"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        f"Token {token()}",
        "Bearer x.y.z",
        "Bearer é",
        f"Bearer {token()}x",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
    ],
)
def test_no_token_at_all(authenticator: Authenticator, authorization: str | None) -> None:
    """What is missing or no token is unauthenticated, never an error of ours."""
    with pytest.raises(Unauthenticated):
        authenticator.principal(authorization)


def seconds(ahead: int) -> Callable[[], int]:
    """So far from now: from when the test runs, and not from when the tests were collected."""
    return lambda: int(time.time()) + ahead


def called(changed: dict[str, Any]) -> str:
    """A name that is the same in every worker: keys and functions have another text in each."""
    return str({name: name if name == "key" or callable(value) else value for name, value in changed.items()})


@pytest.mark.parametrize(
    "changed",
    [
        {"key": STRANGER},
        {"exp": seconds(-120)},
        {"exp": None},
        {"exp": "tomorrow"},
        {"nbf": seconds(+120)},
        {"iat": seconds(+120)},
        {"aud": "another service"},
        {"aud": None},
        {"sub": None},
        {"iss": None},
        {"roles": None},
        {"roles": "operator"},
        {"roles": [{"operator": True}]},
        {"sub": 7},
        {"unit": ["cn-uscc:1"]},
        {"sources": "s"},
        {"sources": [7]},
    ],
    ids=called,
)
def test_a_bad_token(authenticator: Authenticator, changed: dict[str, Any]) -> None:
    """Wrong key, expired, for somebody else, or without what we decide by."""
    made = token(**{name: value() if callable(value) else value for name, value in changed.items()})
    with pytest.raises(Unauthenticated):
        authenticator.principal(f"Bearer {made}")


def test_clocks_may_differ_by_a_minute(authenticator: Authenticator) -> None:
    """An issuer whose clock is a little ahead, or a token that has just expired, is no reason to send anyone away."""
    now = int(time.time())
    for bearer in (token(exp=now - 30), token(iat=now + 30, nbf=now + 30)):
        assert authenticator.principal(f"Bearer {bearer}").subject == "ada"


def test_a_secret_made_of_the_public_key(authenticator: Authenticator) -> None:
    """The algorithm is ours to say, not the token's."""
    claims = {"iss": "x", "aud": "jianfu", "sub": "eve", "roles": ["operator"], "exp": int(time.time()) + 600}
    forged = jwt.encode({"alg": "HS256", "kid": "k1"}, claims, OctKey.import_key(JWKS["keys"][0]["x"]), ["HS256"])
    with pytest.raises(Unauthenticated):
        authenticator.principal(f"Bearer {forged}")


def test_a_token_that_expires_while_it_is_remembered(
    authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verifying is remembered for speed, and no longer than the token lives."""
    bearer = f"Bearer {token(exp=int(time.time()) + 60)}"
    authenticator.principal(bearer)
    later = time.time() + 60 + tokens.LEEWAY + 1
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(Unauthenticated):
        authenticator.principal(bearer)


def test_what_waited_on_a_topic_is_judged_as_of_when_it_came(authenticator: Authenticator) -> None:
    """A service that was away longer than tokens live would refuse all that had been sent to it meanwhile."""
    now = int(time.time())
    bearer = f"Bearer {token(iat=now - 9 * 3600, exp=now - 3600)}"
    for _ in range(2):
        assert authenticator.principal(bearer, at=now - 5 * 3600).subject == "ada"
    for at in (None, now - 1800):
        with pytest.raises(Unauthenticated):
            authenticator.principal(bearer, at=at)


def test_an_agent_speaks_for_the_sources_of_its_token(authenticator: Authenticator) -> None:
    """For none where the claim is missing."""
    assert authenticator.principal(f"Bearer {token(roles=['agent'], sources=['a', 'b'])}").sources == {"a", "b"}
    assert authenticator.principal(f"Bearer {token(roles=['agent'])}").sources == frozenset()


def test_an_unknown_role_gives_nothing(authenticator: Authenticator) -> None:
    """A role we do not know is no right; issuing one is refused."""
    principal = authenticator.principal(f"Bearer {token(roles=['root', 'viewer'])}")
    assert principal.roles == {"viewer"}
    with pytest.raises(Forbidden, match="operator"):
        principal.require("operator", "approver")
    with pytest.raises(ValueError, match="root"):
        issue(KEY, "ada", ["viewer", "root"])


def test_the_local_issuer_is_refused_beyond_loopback() -> None:
    """Its key lies on a disk beside the stack; only a service that nobody else can reach takes it."""
    bearer = f"Bearer {issue(KEY, 'me', ['clock'], unit='ca-name:x')}"
    assert Authenticator(JWKS, allow_local=True).principal(bearer) == Principal("me", frozenset({"clock"}), "ca-name:x")
    with pytest.raises(Unauthenticated, match="loopback"):
        Authenticator(JWKS, allow_local=False).principal(bearer)


def test_the_local_key_is_refused_beyond_loopback_whatever_issuer_it_names() -> None:
    """The issuer is a claim, and the holder of a key can claim anything."""
    local = tokens.new_key(tokens.LOCAL_KEY)
    bearer = f"Bearer {token(local, iss='https://id.example.gov')}"
    both = {"keys": [*tokens.public_jwks(local)["keys"], *JWKS["keys"]]}
    assert Authenticator(both, allow_local=True).principal(bearer).subject == "ada"
    with pytest.raises(Unauthenticated):
        Authenticator(both, allow_local=False).principal(bearer)
    with pytest.raises(ValueError, match="beyond loopback"):
        Authenticator(tokens.public_jwks(local), allow_local=False)
    assert Authenticator(both, allow_local=False).principal(f"Bearer {token()}").subject == "ada"


@pytest.mark.parametrize("header", [{"crit": 5}, {"crit": ["b64"], "b64": False}, {"kid": 5}, {"kid": ["k1"]}, 5, []])
def test_a_header_may_hold_anything(authenticator: Authenticator, header: Any) -> None:
    """Anyone can write a header; what cannot be read is no token, never an error of ours."""
    if isinstance(header, dict):
        header = {"alg": "Ed25519", "kid": "k1"} | header
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    with pytest.raises(Unauthenticated):
        authenticator.principal(f"Bearer {head}.{token().partition('.')[2]}")


def test_several_keys(tmp_path: Path) -> None:
    """Keys are rotated by having two for a while; a token by a key that was taken out is refused."""
    second = tokens.new_key("k2")
    both = {"keys": [*JWKS["keys"], *tokens.public_jwks(second)["keys"]]}
    (tmp_path / "jwks.json").write_text(json.dumps(both))
    authenticator = Authenticator.from_file(tmp_path / "jwks.json", allow_local=False)
    assert authenticator.principal(f"Bearer {token(KEY)}").subject == "ada"
    assert authenticator.principal(f"Bearer {token(second)}").subject == "ada"
    with pytest.raises(Unauthenticated):
        authenticator.principal(f"Bearer {token(tokens.new_key('k3'))}")


def test_the_public_half_is_public() -> None:
    """What services read holds nothing one could sign with."""
    assert "d" in KEY
    assert "d" not in JWKS["keys"][0]


@pytest.mark.parametrize(
    "subject", ["", " ada", "ada ", "a  b", "a\tb", "ada\u200b", "\uff41da", "\u0430da", "a" * 256, "ada\u202e", "ﬁ"]
)
def test_a_subject_that_is_not_in_normal_form_is_refused(authenticator: Authenticator, subject: str) -> None:
    """One person with two spellings of a name would be four eyes by himself."""
    with pytest.raises(Unauthenticated):
        authenticator.principal(f"Bearer {token(sub=subject)}")


def test_one_person_has_one_identity(authenticator: Authenticator) -> None:
    """Letters' case and a stroke at the issuer's end make no second person; another issuer does."""

    def identity(**changed: Any) -> str:
        return authenticator.principal(f"Bearer {token(**changed)}").identity

    assert identity() == identity(sub="ADA") == identity(iss="https://id.example.gov/")
    assert identity() != identity(iss="https://id.example.org")
    assert identity(sub="张三") == "https://id.example.gov|张三"


# --- the algorithms of an issuer are those that its JWKS says


def made(kind: type[RSAKey | ECKey | OKPKey], size: Any, kid: str, **said: str) -> dict[str, Any]:
    key: dict[str, Any] = dict(kind.generate_key(size).as_dict(private=True))
    return key | {"kid": kid} | said


RSA_KEY = made(RSAKey, 2048, "rsa")
EC_KEY = made(ECKey, "P-256", "ec")
IMPORTED = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


def by(key: dict[str, Any], alg: str, **changed: Any) -> str:
    """A bearer token signed by a key, with any word for the algorithm."""
    now = int(time.time())
    claims = {"iss": "https://id.example.gov", "aud": "jianfu", "sub": "ada", "roles": ["viewer"], "exp": now + 600}
    bare = {name: value for name, value in key.items() if name not in ("alg", "use")}
    signer = IMPORTED[key["kty"]].import_key(bare)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns of the older name
        return "Bearer " + str(jwt.encode({"alg": alg, "kid": key["kid"]}, claims | changed, signer, [alg]))


def published(*keys: dict[str, Any]) -> dict[str, Any]:
    secret = {"d", "p", "q", "dp", "dq", "qi"}
    return {"keys": [{name: value for name, value in key.items() if name not in secret} for key in keys]}


@pytest.mark.parametrize("named", [None, "EdDSA", "Ed25519"])
@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_ed25519_has_two_names(alg: str, named: str | None) -> None:
    key = {name: value for name, value in KEY.items() if name != "alg"} | ({"alg": named} if named else {})
    assert Authenticator(published(key), allow_local=False).principal(by(key, alg)).subject == "ada"


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (RSA_KEY, "RS256"),
        (RSA_KEY, "PS256"),
        (EC_KEY, "ES256"),
        (RSA_KEY | {"alg": "RS256", "use": "sig"}, "RS256"),
        (RSA_KEY | {"alg": "PS256"}, "PS256"),
        (EC_KEY | {"alg": "ES256"}, "ES256"),
    ],
)
def test_what_the_jwks_says_is_taken(key: dict[str, Any], alg: str) -> None:
    """Most identity providers sign with RSA."""
    authenticator = Authenticator(published(KEY, key), allow_local=False)
    assert authenticator.principal(by(key, alg)).subject == "ada"
    assert authenticator.principal(by(KEY, "Ed25519")).subject == "ada"


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (RSA_KEY | {"alg": "PS256"}, "RS256"),
        (RSA_KEY | {"alg": "RS256"}, "PS256"),
        (RSA_KEY, "RS512"),
        (RSA_KEY | {"alg": "RSA-OAEP"}, "RS256"),
        (RSA_KEY | {"use": "enc"}, "RS256"),
        (made(ECKey, "P-384", "ec"), "ES384"),
        (made(OKPKey, "Ed448", "ok"), "EdDSA"),
    ],
)
def test_the_token_alone_does_not_choose(key: dict[str, Any], alg: str) -> None:
    authenticator = Authenticator(published(KEY, key), allow_local=False)
    with pytest.raises(Unauthenticated, match=r"not taken|does not say"):
        authenticator.principal(by(key, alg))


def test_a_secret_in_the_jwks_is_no_key() -> None:
    """A shared secret would let everybody who verifies sign as well."""
    secret = {"kty": "oct", "k": base64.urlsafe_b64encode(b"s" * 32).rstrip(b"=").decode(), "kid": "s", "alg": "HS256"}
    with pytest.raises(ValueError, match="no key to verify with"):
        Authenticator({"keys": [secret]}, allow_local=False)
    authenticator = Authenticator({"keys": [secret, *JWKS["keys"]]}, allow_local=False)
    claims = {"iss": "x", "aud": "jianfu", "sub": "eve", "roles": ["operator"], "exp": int(time.time()) + 600}
    forged = jwt.encode({"alg": "HS256", "kid": "s"}, claims, OctKey.import_key(secret), ["HS256"])
    with pytest.raises(Unauthenticated, match="its alg HS256 is not taken"):
        authenticator.principal(f"Bearer {forged}")


def test_the_local_issuer_signs_with_ed25519_alone() -> None:
    """Neither is its key of another kind, nor does another kind of key speak in its name."""
    local = RSA_KEY | {"kid": tokens.LOCAL_KEY}
    with pytest.raises(Unauthenticated, match="Ed25519"):
        Authenticator(published(KEY, local), allow_local=True).principal(by(local, "RS256"))
    with pytest.raises(Unauthenticated, match="Ed25519"):
        Authenticator(published(RSA_KEY), allow_local=True).principal(by(RSA_KEY, "RS256", iss=tokens.LOCAL_ISSUER))


def test_a_small_rsa_key_is_none() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        small = made(RSAKey, 1024, "small")
        bearer = by(small, "RS256")
    with pytest.raises(Unauthenticated, match="fewer than 2048 bits"):
        Authenticator(published(KEY, small), allow_local=False).principal(bearer)


@pytest.mark.parametrize(
    ("bearer", "zh", "en"),
    [
        ("Bearer x", "以点分隔的三段", "three parts"),
        (lambda: f"Bearer {token(exp=1_700_000_000)}", "已于 2023-11-14T22:13:20+00:00 过期", "it expired at 2023"),
        (lambda: f"Bearer {token(nbf=9_000_000_000)}", "起才有效(nbf)", "not valid before 2255"),
        (lambda: f"Bearer {token(exp=10**400)}", "exp 须为", "its exp is no number"),
        (lambda: f"Bearer {token(exp=True)}", "exp 须为", "its exp is no number"),
        (lambda: f"Bearer {token(aud='other')}", "不是发给 jianfu 的", "not for jianfu"),
        (lambda: f"Bearer {token(exp=None)}", "缺少声明 exp", "lacks the claim exp"),
        (lambda: f"Bearer {token(iss=7)}", "声明 iss 须为", "claim iss is no text"),
        (lambda: f"Bearer {token(sub='a  b')}", "中间无连续空格", "two in a row"),
        (lambda: f"Bearer {token(STRANGER)}", "签名与签发方的公钥不符", "its signature is not by"),
        (lambda: f"Bearer {token(tokens.new_key('k3'))}", "没有密钥 k3", "holds no key k3"),
        (lambda: by(EC_KEY | {"kid": "k1"}, "ES256"), "未声明该密钥用于 ES256", "that this key is for ES256"),
        ("Bearer eyJhbGciOiJub25lIn0.e30.", "不接受签名算法 none", "its alg none is not taken; taken are EdDSA"),
    ],
)
def test_what_is_wrong_is_said_in_words(authenticator: Authenticator, bearer: Any, zh: str, en: str) -> None:
    """A sender reads what to mend, in both languages; the name of a class tells nobody anything."""
    with pytest.raises(Unauthenticated) as refused:
        authenticator.principal(bearer() if callable(bearer) else bearer)
    assert zh in refused.value.text.zh
    assert en in refused.value.text.en
    assert "Error" not in refused.value.text.zh + refused.value.text.en
