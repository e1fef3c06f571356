"""Signatures that outlive a connection (promise 7: verified offline, by anyone, years later)."""

import base64
import json
import math
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey

from libs.common.security import signing, tokens
from libs.common.security.signing import BadSignature, canonical, sha256, sign, verify

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
KEY = tokens.new_key("a")
OTHER = tokens.new_key("b")
PUBLIC = tokens.public_key(KEY)


@given(JSON)
def test_canonical_text_is_the_value(value: Any) -> None:
    """What is hashed can be read back, and reading back and writing again gives the same bytes."""
    assert json.loads(canonical(value)) == value
    assert canonical(json.loads(canonical(value))) == canonical(value)


@given(st.dictionaries(TEXT, JSON, max_size=6), st.randoms())
def test_canonical_text_knows_no_order_of_keys(value: dict[str, Any], random: Any) -> None:
    """Two parties that built the same object in another order sign the same bytes."""
    items = list(value.items())
    random.shuffle(items)
    assert canonical(dict(items)) == canonical(value)


def test_canonical_text_is_fixed() -> None:
    """The bytes themselves are a promise: old signatures must verify under new versions."""
    value = {"b": [1, 2.5, True, None], "a": {"单位": "某局", "é": '"\\\n'}}
    assert canonical(value).decode() == '{"a":{"é":"\\"\\\\\\n","单位":"某局"},"b":[1,2.5,true,null]}'
    assert sha256(canonical({})) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize("value", [math.nan, math.inf, [-math.inf], {"a": "\ud800"}])
def test_what_json_cannot_say_has_no_canonical_text(value: Any) -> None:
    """NaN would be text that other readers refuse."""
    with pytest.raises(ValueError):  # noqa: PT011 - json's and the codec's own words
        canonical(value)


@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_what_is_signed_is_what_is_read(claims: dict[str, Any]) -> None:
    """Round trip; the public half is enough to read."""
    assert "d" not in PUBLIC
    assert verify(PUBLIC, sign(KEY, claims)) == claims


@given(st.data())
def test_a_changed_byte_is_seen(data: st.DataObject) -> None:
    """Change any character of the token and it is refused, or it decodes to the very same bytes."""
    token = sign(KEY, {"sha256": "x" * 64, "purpose": "notice"})
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCabc012-_.").filter(lambda c: c != token[place]))
    changed = token[:place] + other + token[place + 1 :]
    try:
        claims = verify(PUBLIC, changed)
    except BadSignature:
        return
    assert claims == {"sha256": "x" * 64, "purpose": "notice"}
    assert place == len(token) - 1  # base64's last character carries bits that mean nothing


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "a.b.c.d", "é.é.é", "..", sign(OTHER, {"a": 1})])
def test_what_is_no_signature_by_this_key_is_refused(token: str) -> None:
    """Missing, malformed or somebody else's: one error."""
    with pytest.raises(BadSignature):
        verify(PUBLIC, token)


def test_other_algorithms_are_refused() -> None:
    """The reader says which algorithm it takes: neither `none` nor a secret made of the public key."""
    unsigned = "eyJhbGciOiJub25lIn0.e30."
    secret = OctKey.import_key(PUBLIC["x"])
    hmac = jws.serialize_compact({"alg": "HS256"}, b"{}", secret, ["HS256"])
    for token in (unsigned, hmac):
        with pytest.raises(BadSignature):
            verify(PUBLIC, token)


@pytest.mark.parametrize("named", [None, "EdDSA", "Ed25519"])
@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_one_algorithm_has_two_names(alg: str, named: str | None) -> None:
    """RFC 8037 calls it EdDSA and RFC 9864 Ed25519, in a signature as in a key; neither is a fault of the sender."""
    assert verify(PUBLIC | ({"alg": named} if named else {}), raw({"alg": alg}, b'{"a":1}')) == {"a": 1}


def test_what_is_critical_is_understood_or_refused() -> None:
    """RFC 7515 section 4.1.11: nothing that may be named there is understood, and the verifier of case files agrees."""
    with pytest.raises(BadSignature):
        verify(PUBLIC, raw({"alg": "EdDSA", "crit": ["b64"], "b64": True}, b"{}"))


def raw(header: dict[str, Any], payload: bytes) -> str:
    """A JWS made without the library that reads it."""
    key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(KEY["d"] + "="))
    head, body = (base64.urlsafe_b64encode(part).rstrip(b"=") for part in (canonical(header), payload))
    signature = base64.urlsafe_b64encode(key.sign(head + b"." + body)).rstrip(b"=")
    return b".".join((head, body, signature)).decode()


def test_a_payload_that_is_no_object_is_refused() -> None:
    """A signed list is not a set of claims."""
    from joserfc.jwk import OKPKey

    token = jws.serialize_compact({"alg": "Ed25519"}, b"[1]", OKPKey.import_key(KEY), ["Ed25519"])
    with pytest.raises(BadSignature, match="object"):
        verify(PUBLIC, token)


@pytest.mark.parametrize("key", [{}, {"kty": "OKP"}, {"kty": "OKP", "crv": "Ed25519", "x": "!"}, {"kty": "RSA"}])
def test_a_key_that_is_none_is_refused(key: dict[str, Any]) -> None:
    """A unit may register rubbish as its key; its receipts are then bad, and nothing breaks."""
    with pytest.raises(BadSignature):
        verify(key, sign(KEY, {}))


# --- public keys by which anybody can sign, and second spellings of others

SIGNED_ONCE = {"notice_sha256": "0" * 64}


def add(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """The curve's addition (RFC 8032 section 5.1.4), the slow way."""
    (x1, y1), (x2, y2) = one, other
    product = signing.D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, signing.P)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, signing.P)
    return x % signing.P, y % signing.P


def x_of(y: int) -> int:
    square = (y * y - 1) * pow(signing.D * y * y + 1, -1, signing.P) % signing.P
    x = pow(square, (signing.P + 3) // 8, signing.P)
    if (x * x - square) % signing.P:
        x = x * pow(2, (signing.P - 1) // 4, signing.P) % signing.P
    assert (x * x - square) % signing.P == 0
    return x


def jwk(number: int) -> dict[str, Any]:
    raw = number.to_bytes(32, "little")
    return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}


def test_the_small_points_are_the_eight_and_no_others() -> None:
    """Eight times each of them is the neutral point; and there are eight, by their two signs."""
    found = set()
    for y in signing.SMALL:
        for x in {x_of(y), -x_of(y) % signing.P}:
            point = (x, y)
            for _ in range(3):
                point = add(point, point)
            assert point == (0, 1)
            found.add((x, y))
    assert len(found) == 8


ODD = 1 << 255
SMALL = [y | sign for y in sorted(signing.SMALL) for sign in (0, ODD)]
SECOND_SPELLINGS = [(signing.P + y) | sign for y in range(19) for sign in (0, ODD)]
NO_POINTS = [2, 7, 2 | ODD]  # their x would be no number of the field


@pytest.mark.parametrize("number", [*SMALL, *SECOND_SPELLINGS, *NO_POINTS], ids=hex)
def test_a_point_of_small_order_or_of_a_second_spelling_is_no_key(number: int) -> None:
    with pytest.raises(signing.UnfitKey):
        signing.check_key(jwk(number))


def test_a_signature_that_anybody_can_make_is_refused() -> None:
    """Under the neutral point R = sB and any s verify whatever the message is: here s = 0."""
    header = {"alg": "Ed25519"}
    parts = [
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (
            canonical(header),
            canonical(SIGNED_ONCE),
            (1).to_bytes(32, "little") + bytes(32),
        )
    ]
    with pytest.raises(BadSignature):
        verify(jwk(1), ".".join(parts))


@given(st.integers(0, 2**256 - 1))
def test_every_key_that_can_be_made_is_taken(seed: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed.to_bytes(32, "little"))
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signing.check_key(jwk(int.from_bytes(raw, "little")))


def test_a_key_has_one_text() -> None:
    """Another last letter, a padding sign or a line break would be the same bytes under another thumbprint."""
    x = PUBLIC["x"]
    last = next(
        sign
        for sign in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        if sign != x[-1] and base64.urlsafe_b64decode(x[:-1] + sign + "=") == base64.urlsafe_b64decode(x + "=")
    )
    signing.check_key(PUBLIC)
    for other in (x[:-1] + last, x + "=", x + "\n", x[:-1], x + "AA", "é" * 43):
        with pytest.raises(signing.UnfitKey):
            signing.check_key(PUBLIC | {"x": other})
