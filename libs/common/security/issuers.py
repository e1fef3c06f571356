"""The keys of those who issue tokens: which of a JWKS are taken, and what is wrong with a token, in two languages.

A key says by its own `kty`, `crv` and `alg` for which algorithms it stands (RFC 8725 section 3.1); the token's `alg`
chooses among these and no others. Neither `none` nor a shared secret is ever among them.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import ExceededSizeError, JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from libs.common.security.signing import ED25519, EitherName
from libs.common.strings import quoted
from libs.common.text import Text

Why = tuple[str, str]  # Chinese, English
LEAST_RSA = 2048  # bits; RFC 7518 sections 3.3 and 3.5
KINDS: dict[tuple[str, str | None], tuple[type[OKPKey | RSAKey | ECKey], tuple[str, ...], tuple[str, ...]]] = {
    ("OKP", "Ed25519"): (OKPKey, ("kty", "crv", "x"), ED25519),
    ("EC", "P-256"): (ECKey, ("kty", "crv", "x", "y"), ("ES256",)),
    ("RSA", None): (RSAKey, ("kty", "n", "e"), ("RS256", "PS256")),
}  # what is read of a key, and for which algorithms it may stand: a local key's is always Ed25519
ALGORITHMS = tuple(sorted({name for _, _, names in KINDS.values() for name in names}))


class BadToken(Exception):
    """What is wrong with a token, in Chinese and in English."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(text.en)


class _Unfit(Exception):
    """Why a key of a JWKS is not taken."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(text.en)


@dataclass(frozen=True, slots=True)
class _Key:
    kid: str
    algorithms: tuple[str, ...]
    key: OKPKey | RSAKey | ECKey


class IssuerKeys:
    """The public keys of a JWKS. What is no key to verify with is passed over (RFC 7517 section 5) and remembered, so
    that a token by it is told why. `only_ed25519` names keys that are taken as Ed25519 or not at all.

    Raises ValueError where no key is left.
    """

    def __init__(self, jwks: Mapping[str, Any], *, only_ed25519: frozenset[str] = frozenset()) -> None:
        self._keys: list[_Key] = []
        self._unfit: dict[str, Text] = {}
        for jwk in jwks["keys"]:
            try:
                key = _taken(jwk)
                if key.kid in only_ed25519 and key.algorithms != ED25519:
                    raise _Unfit(Text("只能是 Ed25519 密钥", "it has to be an Ed25519 key"))
                self._keys.append(key)
            except _Unfit as error:
                kid = jwk.get("kid") if isinstance(jwk, dict) else None
                self._unfit[kid if isinstance(kid, str) else ""] = error.text
        if not self._keys:
            told = "; ".join(f"{kid or 'a key without kid'}: {text.en}" for kid, text in self._unfit.items())
            raise ValueError(f"the issuer's key set holds no key to verify with ({told or 'it is empty'})")

    def open(self, token: str) -> tuple[dict[str, Any], str]:
        """The claims of a token that one of the keys has signed, and by which algorithm. Raises BadToken."""
        header = _header(token)
        algorithm = header.get("alg")
        wanted = "Ed25519" if algorithm == "EdDSA" else algorithm
        if not isinstance(algorithm, str) or wanted not in ALGORITHMS:
            shown, taken = _shown(algorithm), ", ".join(("EdDSA", *ALGORITHMS))
            raise BadToken(
                Text(f"不接受签名算法 {shown},可用:{taken}", f"its alg {shown} is not taken; taken are {taken}")
            )
        fitting = [key for key in self._named(header.get("kid")) if wanted in key.algorithms]
        if not fitting:
            raise BadToken(
                Text(
                    f"签发方的公钥集未声明该密钥用于 {_shown(algorithm)}",
                    f"the issuer's JWKS does not say that this key is for {_shown(algorithm)}",
                ),
            )
        for key in fitting:
            claims = _verified(token, key, str(wanted))
            if claims is not None:
                return claims, str(wanted)
        raise BadToken(Text("签名与签发方的公钥不符", "its signature is not by the issuer's key"))

    def _named(self, kid: Any) -> list[_Key]:
        """The keys that a token may be by. Raises BadToken where it names one that is not held."""
        if kid is None:
            return self._keys
        if not isinstance(kid, str):
            raise BadToken(Text("令牌头的 kid 不是文本", "the kid in its header is no text"))
        found = [key for key in self._keys if key.kid == kid]
        if not found and kid in self._unfit:
            text = Text("签发方公钥集中的密钥 {kid} 不可用:{why}", "the key {kid} is not taken: {why}")
            raise BadToken(text.format(kid=_shown(kid), why=self._unfit[kid]))
        if not found:
            raise BadToken(
                Text(f"签发方的公钥集中没有密钥 {_shown(kid)}", f"the issuer's JWKS holds no key {_shown(kid)}")
            )
        return found


def _taken(jwk: Any) -> _Key:
    if not isinstance(jwk, dict):
        raise _Unfit(Text("不是以花括号书写的 JSON", "it is no JSON object"))
    kty, alg, operations = jwk.get("kty"), jwk.get("alg"), jwk.get("key_ops", ["verify"])
    kind = KINDS.get((str(kty), None if kty == "RSA" else str(jwk.get("crv"))))
    if kind is None:
        raise _Unfit(Text("只接受 Ed25519、P-256 和 RSA 密钥", "only keys of Ed25519, P-256 and RSA are taken"))
    made, members, algorithms = kind
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise _Unfit(Text("不是用于签名的密钥", "it is not for signatures"))
    if alg is not None:
        alg = "Ed25519" if alg == "EdDSA" else alg
        algorithms = tuple(name for name in algorithms if name == alg)
        if not algorithms:
            raise _Unfit(Text(f"不接受其算法 {_shown(jwk['alg'])}", f"its alg {_shown(jwk['alg'])} is not taken"))
    try:
        bits = _bits(jwk) if kty == "RSA" else LEAST_RSA
        if bits < LEAST_RSA:
            raise _Unfit(Text(f"RSA 密钥不足 {LEAST_RSA} 位", f"its RSA key has fewer than {LEAST_RSA} bits"))
        key = made.import_key({name: jwk[name] for name in members})
        _ = key.public_key  # some faults show only when the key is made
    except (JoseError, ValueError, TypeError, KeyError):
        raise _Unfit(Text("密钥内容无法读取", "its numbers cannot be read")) from None
    kid = jwk.get("kid")
    return _Key(kid if isinstance(kid, str) else key.thumbprint(), algorithms, key)


def _bits(jwk: Mapping[str, Any]) -> int:
    """How large an RSA key is, by its modulus."""
    modulus = str(jwk["n"]).rstrip("=")
    return int.from_bytes(base64.urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4))).bit_length()


def _header(token: str) -> dict[str, Any]:
    try:
        header = jws.extract_compact(token.encode(), registry=EitherName(strict_check_header=False)).headers()
    except ExceededSizeError:
        raise BadToken(Text("令牌过长", "it is too long")) from None
    except (JoseError, ValueError, TypeError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise BadToken(
            Text("不是 JWT(以点分隔的三段 base64url)", "it is no JWT: three parts of base64url with dots between")
        )
    for name in ("crit", "b64"):
        if name in header:
            raise BadToken(Text(f"令牌头含有不支持的 {name}", f"its header has a {name}, which is not understood"))
    return header


def _verified(token: str, key: _Key, algorithm: str) -> dict[str, Any] | None:
    """The claims, or None where this key has not signed them. Raises BadToken on a payload that holds none."""
    registry = EitherName(algorithms=[algorithm], strict_check_header=False)
    try:
        payload = jws.deserialize_compact(token.encode(), key.key, registry=registry).payload
    except (JoseError, ValueError, TypeError):
        return None
    try:
        claims = json.loads(payload or b"")
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise BadToken(Text("令牌的载荷不是以花括号书写的 JSON", "its payload is no JSON object"))
    return claims


def _shown(value: Any) -> str:
    return quoted(str(value), 60)
