"""The kill switch: who turned it, when and why; and which limits and windows the service was started with."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import Gauge

from libs.common.db.pool import Connection
from services.decommission.cases.domain import Windows
from services.decommission.cases.store import QUERIES
from services.decommission.connectors.directory import record_change
from services.decommission.context import Context

log = structlog.get_logger()
ON = Gauge("jianfu_kill_switch", "1 while no call leaves this service.")
KILL_SWITCH = "kill-switch"
SETTINGS = "settings"  # who changes what stands in no table: whoever started the service with them


@dataclass(frozen=True, slots=True)
class Turned:
    """How the kill switch stands. `by_settings`: the service was started with it on, and only a start turns it off.

    `since`, `by` and `reason` are of its last turn; None where nobody has ever turned it.
    """

    on: bool
    by_settings: bool
    since: datetime | None = None
    by: str | None = None
    reason: str | None = None


async def turn(ctx: Context, *, on: bool, reason: str | None, actor: str) -> None:
    """Stop every call to the outside before the next one, or allow them again. Turned where it stands it stays."""
    async with ctx.database.transaction("set_kill_switch") as conn:
        before = bool((await QUERIES.controls_lock(conn))["killed"])
        if before != on or reason is not None:
            after = {"on": on, "reason": reason}
            await record_change(ctx, conn, KILL_SWITCH, KILL_SWITCH, {"on": before}, after, actor)
        await QUERIES.kill_switch(conn, killed=on)
    ON.set(on or ctx.kill_switch)
    log.warning(KILL_SWITCH, on=on, actor=actor, reason=reason)


async def standing(ctx: Context, conn: Connection) -> Turned:
    """How it stands now."""
    killed = bool((await QUERIES.controls_get(conn))["killed"])
    ON.set(killed or ctx.kill_switch)
    last = await QUERIES.setup_change_last(conn, what=KILL_SWITCH, which=KILL_SWITCH)
    turned = Turned(killed or ctx.kill_switch, ctx.kill_switch)
    if last is None:
        return turned
    return Turned(turned.on, turned.by_settings, last["at"], last["actor"], last["reason"])


async def note(ctx: Context) -> dict[str, Any]:
    """What readiness says of it to anybody: that it is on, and since when; nothing while it is off."""
    async with ctx.database.reading() as conn:
        turned = await standing(ctx, conn)
    if not turned.on:
        return {}
    since = None if turned.since is None or turned.by_settings else turned.since.isoformat(timespec="seconds")
    return {
        "kill_switch": {
            "since": since,
            "zh": "总开关已开启:不对外发出任何调用。",
            "en": "The kill switch is on: no call leaves this service.",
        }
    }


async def record_settings(ctx: Context, windows: Windows) -> None:
    """Write down the limits and windows that this start brings, where they are others than the last one's."""
    for what, named in (("limits", asdict(ctx.limits)), ("windows", asdict(windows))):
        async with ctx.database.transaction("record_settings") as conn:
            await QUERIES.controls_lock(conn)
            last = await QUERIES.setup_change_last(conn, what=what, which=what)
            before = None if last is None else json.loads(last["after"])
            if before != named:
                await record_change(ctx, conn, what, what, before, named, SETTINGS)
