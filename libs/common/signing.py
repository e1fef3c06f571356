"""Signatures that outlive a connection: a compact JWS (Ed25519) over the hash of a body."""

import hashlib
import json
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey


class BadSignature(Exception):
    """A signature is missing, malformed, by another key, or over another body."""


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no blanks, UTF-8: the one text of a value that is hashed and signed.

    Raises ValueError on what JSON cannot say (NaN, infinities, lone surrogates).
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sign(private: dict[str, Any], claims: dict[str, Any]) -> str:
    """A compact JWS whose payload is the canonical JSON of the claims."""
    key = OKPKey.import_key(private)
    return str(jws.serialize_compact({"alg": "Ed25519", "kid": private["kid"]}, canonical(claims), key, ["Ed25519"]))


def verify(public: dict[str, Any], token: str) -> dict[str, Any]:
    """The claims of a compact JWS by this key. Raises BadSignature."""
    try:
        payload = jws.deserialize_compact(token.strip(), OKPKey.import_key(public), ["Ed25519"]).payload
        claims = json.loads(payload)
    except (JoseError, ValueError, TypeError) as error:
        raise BadSignature(f"{type(error).__name__}: {error}") from None
    if not isinstance(claims, dict):
        raise BadSignature("the signed payload is no JSON object")
    return claims
