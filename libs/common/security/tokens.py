"""Who asks and what they may do: JWTs by the keys of an issuer, roles as claims, deny by default."""

import json
import time
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, MissingClaimError
from joserfc.jwk import OKPKey

from libs.common import ids
from libs.common.errors import Forbidden, Unauthenticated, Unfit
from libs.common.security.issuers import BadToken, IssuerKeys
from libs.common.security.roles import ROLES
from libs.common.security.signing import ED25519
from libs.common.security.visible import visible
from libs.common.text import Text

LOCAL_ISSUER = "jianfu-local"
LOCAL_KEY = "local-issuer"  # the id of its key: who holds that key could name any issuer
AUDIENCE = "jianfu"
LAST_SECOND = 253_402_300_799  # of the year 9999: what is later is no time that anybody means
NOT_VALID = Text("令牌无效:{why}", "the token is not valid: {why}")
LEEWAY = 60  # seconds by which the issuer's clock and ours may differ (RFC 7519 §4.1.4: "a few minutes" at most)
LOOK_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"})


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

    @property
    def speaks_for(self) -> str | None:
        """The `unit` claim in the form in which it is compared, where the role of that name is there; None else."""
        return " ".join((self.scope or "").split()).casefold() or None if "unit" in self.roles else None

    @property
    def unit_code(self) -> tuple[str, str] | None:
        """The `unit` claim as scheme and value, where the role of that name is there; None else."""
        scheme, _, value = (self.scope or "").partition(":")
        code = scheme.strip(), " ".join(value.split())
        return code if "unit" in self.roles and all(code) else None

    def require(self, *roles: str) -> None:
        """Raise Forbidden unless the caller has one of the roles."""
        if not self.roles & set(roles):
            named = ", ".join(sorted(roles))
            raise Forbidden(why=Text(f"需要以下角色之一:{named}", f"one of the roles {named} is needed"))


def check_subject(subject: str) -> None:
    """Raise Unfit unless a subject is in normal form, so that one person cannot stand beside himself.

    Up to 255 printable and visible characters in NFKC, single blanks inside; letters of one alphabet, since those of
    several look alike (RFC 7519 section 4.1.2 compares bytes, which is right for machines and wrong for four eyes).
    """
    if not 1 <= len(subject) <= 255 or not subject.isprintable():
        raise Unfit(Text("须为 1 至 255 个可显示字符", "expected 1 to 255 printable characters"))
    if visible(subject) != subject:
        raise Unfit(Text("不得含有不显示的字符", "expected no character that is drawn as nothing"))
    if " ".join(subject.split()) != subject or unicodedata.normalize("NFKC", subject) != subject:
        en = "expected the normal form NFKC, without blanks around it or two in a row"
        raise Unfit(Text("须为 NFKC 规范形式,首尾无空格,中间无连续空格", en))
    alphabets = {unicodedata.name(sign, "").split(" ")[0] for sign in subject if sign.isalpha()}
    if len(alphabets & LOOK_ALIKE) > 1:
        raise Unfit(Text("字母须属于同一文字", "expected letters of one alphabet"))


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
        self._keys = IssuerKeys({"keys": usable}, only_ed25519=frozenset({LOCAL_KEY}))
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
            raise Unauthenticated(why=Text(f"请以 {how} 发送", f"send it as {how}"))
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
            claims, algorithm = self._keys.open(token)
        except BadToken as error:
            raise Unauthenticated(why=NOT_VALID.format(why=error.text)) from None
        _check_times(claims)
        try:
            jwt.JWTClaimsRegistry(
                now=int(now),
                leeway=LEEWAY,
                iss={"essential": True},
                sub={"essential": True},
                exp={"essential": True},
                aud={"essential": True, "value": AUDIENCE},
            ).validate(claims)
        except ClaimError as error:
            raise Unauthenticated(why=NOT_VALID.format(why=_said(error, claims))) from None
        if claims["iss"] == LOCAL_ISSUER and not self._allow_local:
            en = "tokens of the local issuer are refused by a service bound beyond loopback"
            raise Unauthenticated(why=Text("服务未限于本机回环地址,不接受本地签发的令牌", en))
        if claims["iss"] == LOCAL_ISSUER and (algorithm,) != ED25519:
            raise Unauthenticated(
                why=Text("本地签发的令牌只用 Ed25519 签名", "the local issuer signs with Ed25519 alone")
            )
        for name, words in (("roles", claims.get("roles")), ("sources", claims.get("sources", []))):
            if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
                raise Unauthenticated(why=Text(f"令牌缺少列表 {name}", f"the token lacks a list of {name}"))
        if not isinstance(claims.get("unit", ""), str):
            raise Unauthenticated(why=Text("令牌的 unit 不是文本", "the token's unit is no text"))
        try:
            check_subject(claims["sub"])
        except Unfit as error:
            text = Text("令牌的 sub 不是规范形式:{why}", "the token's sub: {why}")
            raise Unauthenticated(why=text.format(why=error.text)) from None
        return claims


def _check_times(claims: dict[str, Any]) -> None:
    for name in ("exp", "nbf", "iat"):
        at = claims.get(name)
        fits = at is None or (isinstance(at, int | float) and not isinstance(at, bool) and 0 <= at <= LAST_SECOND)
        if not fits:
            wanted = Text(f"{name} 须为自 1970 年起的秒数", f"its {name} is no number of seconds since 1970")
            raise Unauthenticated(why=NOT_VALID.format(why=wanted))


def _said(error: ClaimError, claims: dict[str, Any]) -> Text:
    """What is wrong with a token's claims, in words; its times have been found to be times."""
    name = error.claim
    if isinstance(error, MissingClaimError):
        return Text(f"缺少声明 {name}", f"it lacks the claim {name}")
    if isinstance(error, ExpiredTokenError):
        return Text(f"已于 {_at(claims['exp'])} 过期(exp)", f"it expired at {_at(claims['exp'])} (exp)")
    match name:
        case "nbf" | "iat":
            at = _at(claims[name])
            return Text(f"{at} 起才有效({name})", f"it is not valid before {at} ({name})")
        case "aud":
            return Text(f"不是发给 {AUDIENCE} 的(aud)", f"it is not for {AUDIENCE} (aud)")
        case _:
            return Text(f"声明 {name} 须为非空文本", f"its claim {name} is no text, or blank")


def _at(seconds: float) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(seconds))).isoformat()
