"""How platforms are reached; who changed an endpoint or a connector is recorded."""

import json
import re
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from libs.common.db.pool import Connection
from libs.common.errors import Invalid, Unfit, Unknown
from libs.common.events.known import PLATFORMS
from libs.common.outbound.egress import EgressRefused
from services.decommission.cases.store import QUERIES
from services.decommission.connectors.webhook import CONNECTOR, PROBE
from services.decommission.context import Context

# What a query parameter that holds a secret is called, or a word of it.
SECRETS = frozenset(
    {
        "apikey",
        "auth",
        "authorization",
        "credential",
        "credentials",
        "key",
        "passwd",
        "password",
        "pwd",
        "secret",
        "sign",
        "signature",
        "sig",
        "token",
    }
)


async def record_change(
    ctx: Context, conn: Connection, what: str, which: str, before: dict[str, Any] | None, after: dict[str, Any],
    actor: str,
) -> None:  # fmt: skip
    """Who has changed what; in the transaction of the change. `before` and `after` hold nothing personal."""
    await QUERIES.setup_change_add(
        conn, what=what, which=which, before=json.dumps(before), after=json.dumps(after), actor=actor, at=ctx.now()
    )


def filled(url: str) -> str:
    """An address with something in the place of each of its braces, so that it can be judged and tried."""
    return re.sub(r"\{[^{}]*\}", "jianfu-test", url)


def shown(url: str) -> str:
    """An address as it is read back: what was let in before secrets were refused is not shown."""
    parts = urlsplit(url)
    if not any(_secret(name, value) for name, _, value in _query(parts)):
        return url
    kept = [f"{name}=***" if _secret(name, value) else f"{name}{sign}{value}" for name, sign, value in _query(parts)]
    return urlunsplit(parts._replace(query="&".join(kept)))


def check_secrets(url: str) -> None:
    """Raise Unfit for an address with a password or key in its query: it would be shown, logged and signed."""
    for name, _, value in _query(urlsplit(url)):
        if _secret(name, value):
            en = f"expected an address without a secret in its query ({name}): calls are signed, see Jianfu-Signature"
            raise Unfit(f"地址的查询参数中不得含有密钥({name}):调用均带签名,见 Jianfu-Signature", en)


def _query(parts: SplitResult) -> list[tuple[str, str, str]]:
    return [part.partition("=") for part in parts.query.split("&")]


def _secret(name: str, value: str) -> bool:
    """Whether a query parameter is named like a secret and holds one, and no brace to be filled."""
    words = set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", unquote(name)).lower()))
    return bool(value) and not re.fullmatch(r"\{[^{}]*\}", value) and bool(words & SECRETS)


async def judge(ctx: Context, field: str, url: str, door: str) -> None:
    """Raise Invalid for an address that the door for outgoing calls would refuse for this purpose."""
    try:
        await ctx.egress.judge(filled(url), purpose=door)
    except EgressRefused:
        setting = f"JIANFU_DECOMMISSION_EGRESS_ALLOW_{door.upper()}"
        en = "its address is not public, or may not be called for this purpose"
        raise Invalid(
            field=field,
            accepted=f"an address that is public, or that {setting} names",
            why=("该地址不是公网地址,或不得用于此目的", en),
        ) from None


async def require_platform(conn: Connection, platform: str) -> None:
    """Raise Unknown for a platform that the registry does not know by this name, and has told nothing of."""
    if platform not in PLATFORMS and not await QUERIES.platform_held(conn, platform=platform):
        raise Unknown(
            field="platform", accepted=", ".join(sorted(PLATFORMS)), what=(f"平台 {platform}", f"platform {platform}")
        )


async def set_connector(ctx: Context, platform: str, *, actor: str, **urls: Any) -> None:
    """How a platform's assets are stopped, restored and looked at. Raises Unknown, Invalid."""
    for field, door in (("stop_url", CONNECTOR), ("restore_url", CONNECTOR), ("probe_url", PROBE)):
        await judge(ctx, field, urls[field], door)
    async with ctx.database.transaction("set_connector") as conn:
        await require_platform(conn, platform)
        row = await QUERIES.connector_get(conn, platform=platform)
        before = None if row is None else {name: row[name] for name in urls}
        if before != urls:
            await record_change(ctx, conn, "connector", platform, before, urls, actor)
            await QUERIES.connector_put(conn, platform=platform, **urls)
