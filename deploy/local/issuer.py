"""The local issuer: tokens for development, taken by services on loopback only (docs/decisions/0013)."""

import time
from collections.abc import Iterable
from typing import Any

from joserfc import jwt
from joserfc.jwk import OKPKey

from libs.common.security import tokens
from libs.common.security.roles import ROLES


def issue(
    private: dict[str, Any],
    subject: str,
    roles: Iterable[str],
    *,
    unit: str | None = None,
    hours: float = 8,
    sources: Iterable[str] = ("*",),
) -> str:
    """A token for development and for the local stack. Raises ValueError on an unknown role."""
    wanted = sorted(set(roles))
    if unknown := set(wanted) - ROLES:
        raise ValueError(f"unknown role {', '.join(sorted(unknown))}; known: {', '.join(sorted(ROLES))}")
    now = int(time.time())  # machine time
    claims: dict[str, Any] = {
        "iss": tokens.LOCAL_ISSUER,
        "aud": tokens.AUDIENCE,
        "sub": subject,
        "roles": wanted,
        "iat": now,
        "exp": now + int(hours * 3600),
    }
    claims |= ({} if unit is None else {"unit": unit}) | ({"sources": sorted(sources)} if "agent" in wanted else {})
    return str(jwt.encode({"alg": "Ed25519", "kid": private["kid"]}, claims, OKPKey.import_key(private), ["Ed25519"]))
