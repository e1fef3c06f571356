"""Signatures that outlive a connection (promise 7: verified offline, by anyone, years later)."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey

from libs.common import auth
from libs.common.signing import BadSignature, canonical, sha256, sign, verify

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
KEY = auth.new_key("a")
OTHER = auth.new_key("b")
PUBLIC = auth.public_key(KEY)


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
