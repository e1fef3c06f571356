"""Addresses that were set up are tried: one call that says it is a test, and what was heard.

A test proves nothing about a case and moves none: what is kept is that it was tried, by whom and with what outcome.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import structlog
from prometheus_client import Counter

from libs.common.errors import DomainError, Missing
from libs.common.ids import derive
from services.decommission import refusals
from services.decommission.cases.store import QUERIES
from services.decommission.connectors import webhook
from services.decommission.connectors.directory import filled
from services.decommission.context import Context, SwitchedOff
from services.decommission.keys import usecases as unitkeys

log = structlog.get_logger()
TRIED = Counter("jianfu_setup_tests_total", "Addresses that were tried, by what was heard.", ["what", "outcome"])
WITHIN = 10.0  # seconds of the machine for the whole call
APART = 10.0  # seconds of the machine between two tests of one endpoint or connector
A_MINUTE = 20  # tests of all of them together
LATE = "it did not answer in time"
NOTE = "试呼,无须办理。 A test: nothing is to be done."

Part = Literal["notice", "stop", "restore", "probe"]


class TriedTooOften(DomainError):
    """Tests are few, so that nobody is rung by way of this service for as long as somebody likes."""

    code = "tried_too_often"
    kind = "busy"
    zh = "试呼过于频繁:同一地址每 {apart:g} 秒一次,全部每分钟 {most} 次。"
    en = "It was tried too often: one address every {apart:g} s, and {most} of all in a minute."


class NothingLeaves(DomainError):
    """The kill switch is on: a test is a call as well."""

    code = "switched_off"
    kind = "conflict"
    zh = "总开关已开启,不对外发出任何调用。"
    en = "The kill switch is on: no call leaves this service."


@dataclass(frozen=True, slots=True)
class Heard:
    """A test and what was heard; with neither `status` nor `why` it was cut off. `took_ms` is machine time."""

    test_id: int
    what: str
    which: str
    part: str
    actor: str
    at: datetime
    status: int | None
    took_ms: int | None
    why: str | None

    @property
    def problem(self) -> dict[str, str] | None:
        """Why there was no answer, in both languages."""
        return None if self.why is None else {"zh": refusals.zh(self.why), "en": self.why}


async def connector(ctx: Context, platform: str, part: Literal["stop", "restore", "probe"], *, actor: str) -> Heard:
    """Try one address of a platform's connector. Raises Missing, TriedTooOften, NothingLeaves."""
    async with ctx.database.reading() as conn:
        row = await QUERIES.connector_get(conn, platform=platform)
    if row is None:
        raise Missing(what=(f"平台 {platform} 的连接器", f"connector of {platform}"))
    return await _try(ctx, "connector", platform, part, filled(row[f"{part}_url"]), actor=actor)


async def endpoint(ctx: Context, unit_id: UUID, *, actor: str) -> Heard:
    """Try the newest address of a unit, in force or not. Raises Missing, TriedTooOften, NothingLeaves."""
    async with ctx.database.reading() as conn:
        held = await unitkeys.history(conn, unit_id)
    if not held:
        raise Missing(what=(f"单位 {unit_id} 的通知地址", f"endpoint of unit {unit_id}"))
    return await _try(ctx, "endpoint", str(unit_id), "notice", held[0].url, actor=actor)


async def _try(ctx: Context, what: str, which: str, part: Part, url: str, *, actor: str) -> Heard:
    async with ctx.database.transaction("begin_setup_test") as conn:
        try:
            await ctx.require_switch(conn)
        except SwitchedOff:
            raise NothingLeaves from None
        await QUERIES.setup_test_lock(conn)
        before = await QUERIES.setup_tests_since(conn, what=what, which=which)
        if before["lately"] >= A_MINUTE or (before["ago"] is not None and before["ago"] < APART):
            raise TriedTooOften(apart=APART, most=A_MINUTE)
        at = ctx.now()
        test_id = await QUERIES.setup_test_add(conn, what=what, which=which, part=part, actor=actor, at=at)
    begun = time.monotonic()
    try:
        async with asyncio.timeout(WITHIN):
            sent = await _call(ctx, what, which, part, url, test_id, at)
    except TimeoutError:
        sent = webhook.Sent(None, b"", LATE)
    took = int((time.monotonic() - begun) * 1000)
    why = None if sent.status is not None else sent.why()
    async with ctx.database.transaction("end_setup_test") as conn:
        await QUERIES.setup_test_end(conn, test_id=test_id, status=sent.status, took_ms=took, why=why)
    TRIED.labels(what, "answered" if why is None else "unanswered").inc()
    log.info("setup-tried", what=what, which=which, part=part, actor=actor, status=sent.status, why=why)
    return Heard(test_id, what, which, part, actor, at, sent.status, took, why)


async def _call(ctx: Context, what: str, which: str, part: Part, url: str, test_id: int, at: datetime) -> webhook.Sent:
    if part == "probe":
        return await webhook.look(ctx.egress, url)
    about = {"type": "test", "note": NOTE, what: which, "sent_at": at.astimezone(UTC).isoformat()}
    body = json.dumps(about, ensure_ascii=False).encode()
    door = webhook.NOTICE if part == "notice" else webhook.CONNECTOR
    effect = derive("setup-test", test_id)
    return await webhook.send(ctx.egress, ctx.signing_key, url, body, purpose="test", effect=effect, at=at, door=door)


async def listed(
    ctx: Context, *, what: str | None = None, which: str | None = None, before: int | None = None, most: int
) -> list[Heard]:
    """Tests, the newest first."""
    async with ctx.database.reading() as conn:
        rows = QUERIES.setup_test_list(conn, what=what, which=which, before=before, max_rows=most)
        return [Heard(**dict(row)) async for row in rows]
