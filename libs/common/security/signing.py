"""Signatures that outlive a connection: a compact JWS (Ed25519) over the hash of a body."""

import base64
import hashlib
import json
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from libs.common.errors import Unfit
from libs.common.text import Text

P = 2**255 - 19  # the field of Curve25519; RFC 8032 section 5.1
D = -121665 * pow(121666, -1, P) % P
# The second coordinates of the eight points whose multiple by the cofactor is the neutral point: a signature "by" one
# of them can be made without any private key.
SMALL = frozenset(
    {
        0,
        1,
        P - 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    }
)


ED25519 = ("Ed25519",)


class EitherName(jws.JWSRegistry):
    """RFC 9864 names by its curve what RFC 8037 calls EdDSA: here both mean Ed25519, and never Ed448."""

    def get_alg(self, name: str) -> Any:
        return super().get_alg("Ed25519" if name == "EdDSA" else name)


class UnfitKey(Unfit):
    """A public key that is none, is not written in its one form, or by which anybody can sign."""


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


def check_key(public: dict[str, Any]) -> None:
    """Raise UnfitKey unless it is the JWK of an Ed25519 public key, in the one form of RFC 8032 section 5.1.3."""
    x = public.get("x")
    if public.get("kty") != "OKP" or public.get("crv") != "Ed25519" or not isinstance(x, str):
        raise UnfitKey(
            Text("须为 JWK,kty 为 OKP,crv 为 Ed25519,并有 x", "expected a JWK with kty OKP, crv Ed25519 and x")
        )
    try:
        raw = base64.urlsafe_b64decode(x.encode("ascii") + b"=" * (-len(x) % 4))
    except ValueError:
        raise UnfitKey(Text("x 不是 base64url", "x is not base64url")) from None
    if len(raw) != 32 or base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != x:
        raise UnfitKey(
            Text("x 不是 32 字节唯一的 base64url 写法", "x is not 32 bytes in the one base64url form that they have")
        )
    number = int.from_bytes(raw, "little")
    y, odd = number & (2**255 - 1), number >> 255
    if y >= P:
        raise UnfitKey(Text("该点不是规范写法", "the point is not written in its canonical form"))
    if y in SMALL:
        raise UnfitKey(Text("该点阶数过小,任何人都能代其签名", "the point has small order: anybody could sign for it"))
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    if pow(square, (P - 1) // 2, P) != 1:
        raise UnfitKey(Text("曲线上没有该点", f"there is no point with this y and the sign {odd}"))


def verify(public: dict[str, Any], token: str) -> dict[str, Any]:
    """The claims of a compact JWS by this key, with `alg` Ed25519 or EdDSA and no `crit`. Raises BadSignature."""
    try:
        check_key(public)
        # Of the key its point alone: whichever of the two names stands in it, or in the signature, is the same.
        key = OKPKey.import_key({name: public[name] for name in ("kty", "crv", "x")})
        signed = jws.deserialize_compact(token.strip(), key, registry=EitherName(algorithms=ED25519))
        claims = json.loads(signed.payload)
    except (JoseError, ValueError, TypeError) as error:
        raise BadSignature(f"{type(error).__name__}: {error}") from None
    if "crit" in signed.headers():
        raise BadSignature("its header has a crit, of which nothing is understood")
    if not isinstance(claims, dict):
        raise BadSignature("the signed payload is no JSON object")
    return claims
