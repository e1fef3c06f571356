"""What a client needs of signatures: keys from a seed, receipts to sign, and the product's own signature to check."""

import hashlib
import json
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64encode

ALGORITHMS = ["Ed25519"]
Jwk = dict[str, Any]


class BadSignature(Exception):
    """No known key signed this, or it was signed for another body, purpose, idempotency key or address."""


def unit_key(seed: int, unit_id: str) -> Jwk:
    """A unit's private key, the same for the same seed and unit, so that receipts do not differ between runs."""
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"{seed}:unit:{unit_id}".encode()).digest())
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    private = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": unit_id,
        "alg": "Ed25519",
        "use": "sig",
        "x": urlsafe_b64encode(public).decode(),
        "d": urlsafe_b64encode(private).decode(),
    }


def public(key: Jwk) -> Jwk:
    """The half that may be shown."""
    return {name: value for name, value in key.items() if name != "d"}


def sign(key: Jwk, claims: dict[str, Any]) -> str:
    """A compact JWS over the claims as JSON with sorted keys."""
    payload = json.dumps(claims, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return jws.serialize_compact({"alg": "Ed25519", "kid": key["kid"]}, payload, OKPKey.import_key(key), ALGORITHMS)


def check_call(
    keys: list[Jwk], token: str | None, body: bytes, purpose: str, *, key: str | None = None, path: str | None = None
) -> None:
    """Raise BadSignature unless one of the keys signed this very body for this purpose.

    And, where the signature says so, for this idempotency key and for an address with this path. A receiver that knows
    its own address compares all of it; this one is spoken to at whatever port was free.
    """
    wanted = {"purpose": purpose, "sha256": hashlib.sha256(body).hexdigest()}
    for known in keys:
        try:
            payload = jws.deserialize_compact((token or "").strip(), OKPKey.import_key(known), ALGORITHMS).payload
            claims = json.loads(payload)
        except (JoseError, ValueError, TypeError):
            continue
        if not isinstance(claims, dict) or any(claims.get(name) != value for name, value in wanted.items()):
            continue
        meant = urlsplit(str(claims.get("target", ""))).path or path
        if claims.get("key", key) == key and path in (None, meant):
            return
    raise BadSignature(f"no known key signed this body as a {purpose} under this key and for this address")
