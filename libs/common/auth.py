"""Who asks and what they may do: JWTs signed with Ed25519, roles as claims, deny by default."""

import json
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from libs.common import ids
from libs.common.errors import Forbidden, Unauthenticated
from libs.common.visible import visible

LOCAL_ISSUER = "jianfu-local"
LOCAL_KEY = "local-issuer"  # the id of its key: who holds that key could name any issuer
AUDIENCE = "jianfu"
LEEWAY = 60  # seconds by which the issuer's clock and ours may differ (RFC 7519 §4.1.4: "a few minutes" at most)
LOOK_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"})
ROLES = frozenset({"viewer", "registrar", "unit", "agent", "operator", "approver", "auditor", "clock"})


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller; `scope` is what a `unit` claim says (`scheme:value`), None without one.

    `sources` are those that an agent speaks for, by a claim of that name: none without it, all with `*`.
    """

    subject: str
    roles: frozenset[str]
    scope: str | None = None
    sources: frozenset[str] = frozenset()
    issuer: str = LOCAL_ISSUER

    @property
    def identity(self) -> str:
        """Who this is, in the one form of `ids.identity`."""
        return ids.identity(self.issuer, self.subject)

    def require(self, *roles: str) -> None:
        """Raise Forbidden unless the caller has one of the roles."""
        if not self.roles & set(roles):
            named = ", ".join(sorted(roles))
            raise Forbidden(why=(f"需要以下角色之一:{named}", f"one of the roles {named} is needed"))


def check_subject(subject: str) -> None:
    """Raise ValueError unless a subject is in normal form, so that one person cannot stand beside himself.

    Up to 255 printable and visible characters in NFKC, single blanks inside; letters of one alphabet, since those of
    several look alike (RFC 7519 section 4.1.2 compares bytes, which is right for machines and wrong for four eyes).
    """
    if not 1 <= len(subject) <= 255 or not subject.isprintable():
        raise ValueError("expected 1 to 255 printable characters")
    if visible(subject) != subject:
        raise ValueError("expected no character that is drawn as nothing")
    if " ".join(subject.split()) != subject or unicodedata.normalize("NFKC", subject) != subject:
        raise ValueError("expected the normal form NFKC, without blanks around it or two in a row")
    alphabets = {unicodedata.name(sign, "").split(" ")[0] for sign in subject if sign.isalpha()}
    if len(alphabets & LOOK_ALIKE) > 1:
        raise ValueError("expected letters of one alphabet")


def new_key(kid: str) -> dict[str, Any]:
    """A fresh private Ed25519 key as a JWK."""
    key = OKPKey.generate_key("Ed25519", {"kid": kid, "use": "sig", "alg": "Ed25519"})
    return dict(key.as_dict(private=True))


def public_key(private: dict[str, Any]) -> dict[str, Any]:
    """The public half of a JWK."""
    return dict(OKPKey.import_key(private).as_dict(private=False))


def public_jwks(private: dict[str, Any]) -> dict[str, Any]:
    """A key set with only the public half, as services read it."""
    return {"keys": [public_key(private)]}


class Authenticator:
    """Turns a bearer token into a Principal with the public keys it was given. Raises ValueError without any."""

    def __init__(self, keys: dict[str, Any], *, allow_local: bool) -> None:
        usable = [key for key in keys["keys"] if allow_local or key.get("kid") != LOCAL_KEY]
        if not usable:
            raise ValueError("the issuer's key set holds no key that a service bound beyond loopback takes")
        self._keys = KeySet.import_key_set({"keys": usable})
        self._allow_local = allow_local
        self._seen: dict[str, tuple[float, Principal]] = {}

    @classmethod
    def from_file(cls, path: Path, *, allow_local: bool) -> "Authenticator":
        return cls(json.loads(path.read_text()), allow_local=allow_local)

    def principal(self, authorization: str | None, *, at: float | None = None) -> Principal:
        """The caller behind an `Authorization: Bearer …` value. Raises Unauthenticated with the reason.

        What has waited on a topic is judged as of when the broker took it: `at`, in seconds since 1970.
        """
        if not authorization or not authorization.lower().startswith("bearer "):
            how = "'Authorization: Bearer <token>'"
            raise Unauthenticated(why=(f"请以 {how} 发送", f"send it as {how}"))
        token = authorization[7:].strip()
        now = time.time() if at is None else at  # machine time
        cached = self._seen.get(token)
        if cached is not None and cached[0] > now:
            return cached[1]
        claims = self._claims(token, now)
        roles, sources = frozenset(claims["roles"]) & ROLES, frozenset(claims.get("sources", ()))
        principal = Principal(claims["sub"], roles, claims.get("unit"), sources, claims["iss"])
        if len(self._seen) > 10_000:
            self._seen.clear()
        self._seen[token] = (float(claims["exp"]), principal)
        return principal

    def _claims(self, token: str, now: float) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(token, self._keys, algorithms=["Ed25519"]).claims
            jwt.JWTClaimsRegistry(
                now=int(now), leeway=LEEWAY, iss={"essential": True}, sub={"essential": True}, exp={"essential": True},
                aud={"essential": True, "value": AUDIENCE},
            ).validate(claims)  # fmt: skip
        except (JoseError, ValueError, TypeError) as error:  # a stranger's header may hold anything
            name = type(error).__name__
            raise Unauthenticated(why=(f"令牌无效({name})", f"the token is not valid ({name})")) from None
        if claims["iss"] == LOCAL_ISSUER and not self._allow_local:
            en = "tokens of the local issuer are refused by a service bound beyond loopback"
            raise Unauthenticated(why=("服务未限于本机回环地址,不接受本地签发的令牌", en))
        for name, words in (("roles", claims.get("roles")), ("sources", claims.get("sources", []))):
            if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
                raise Unauthenticated(why=(f"令牌缺少列表 {name}", f"the token lacks a list of {name}"))
        if not isinstance(claims["sub"], str) or not isinstance(claims.get("unit", ""), str):
            raise Unauthenticated(why=("令牌的 sub 或 unit 不是文本", "the token's sub or unit is no text"))
        try:
            check_subject(claims["sub"])
        except ValueError as error:
            raise Unauthenticated(why=(f"令牌的 sub 不是规范形式:{error}", f"the token's sub: {error}")) from None
        return claims
