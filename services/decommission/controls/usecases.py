"""The kill switch: who turned it, when and why; and the rounds of a stepped clock."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from libs.common.db.pool import Connection
from services.decommission import metrics
from services.decommission.controls import store
from services.decommission.controls.domain import SwitchedOff
from services.decommission.deps import Deps
from services.decommission.setup import store as setup_store
from services.decommission.setup.store import record_change

log = structlog.get_logger()
KILL_SWITCH = "kill-switch"
SETTINGS = "settings"  # the actor of what a start brings: settings stand in no table


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """How the kill switch stands. `by_settings`: the service was started with it on, and only a start turns it off.

    `since`, `by` and `reason` are of its last turn; None where nobody has ever turned it.
    """

    on: bool
    by_settings: bool
    since: datetime | None = None
    by: str | None = None
    reason: str | None = None


async def turn(deps: Deps, *, on: bool, reason: str | None, actor: str) -> None:
    """Stop every call to the outside before the next one, or allow them again. Turned where it stands it stays."""
    async with deps.database.transaction("set_kill_switch") as conn:
        before = bool((await store.QUERIES.controls_lock(conn))["killed"])
        if before != on or reason is not None:
            after = {"on": on, "reason": reason}
            await record_change(deps, conn, KILL_SWITCH, KILL_SWITCH, {"on": before}, after, actor)
        await store.QUERIES.kill_switch(conn, killed=on)
    metrics.KILL_SWITCH.set(on or deps.kill_switch)
    log.warning(KILL_SWITCH, on=on, actor=actor, reason=reason)


async def standing(deps: Deps, conn: Connection) -> Turned:
    """How it stands now."""
    killed = bool((await store.QUERIES.controls_get(conn))["killed"])
    metrics.KILL_SWITCH.set(killed or deps.kill_switch)
    last = await setup_store.QUERIES.setup_change_last(conn, what=KILL_SWITCH, which=KILL_SWITCH)
    turned = Turned(on=killed or deps.kill_switch, by_settings=deps.kill_switch)
    if last is None:
        return turned
    return replace(turned, since=last["at"], by=last["actor"], reason=last["reason"])


async def note(deps: Deps) -> dict[str, Any]:
    """What readiness says of it to anybody: that it is on, and since when; nothing while it is off."""
    async with deps.database.reading() as conn:
        turned = await standing(deps, conn)
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


async def release_work(deps: Deps) -> None:
    """Under a stepped clock: let all that is due by now be worked."""
    async with deps.database.transaction("release_work") as conn:
        await store.QUERIES.release_until(conn, until=deps.now())


async def require_switch(deps: Deps, conn: Connection) -> None:
    """Asked before every call to the outside. Raises SwitchedOff."""
    if deps.kill_switch or (await store.QUERIES.controls_get(conn))["killed"]:
        raise SwitchedOff


async def record_settings(deps: Deps) -> None:
    """Write down the limits and windows that this start brings, where they are others than the last one's."""
    for what, named in (("limits", asdict(deps.limits)), ("windows", asdict(deps.windows))):
        async with deps.database.transaction("record_settings") as conn:
            await store.QUERIES.controls_lock(conn)
            last = await setup_store.QUERIES.setup_change_last(conn, what=what, which=what)
            before = None if last is None else json.loads(last["after"])
            if before != named:
                await record_change(deps, conn, what, what, before, named, SETTINGS)
