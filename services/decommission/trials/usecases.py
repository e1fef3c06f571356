"""Addresses that were set up are tried: one call that says it is a test, and what was heard.

A test proves nothing about a case and moves none: what is kept is that it was tried, by whom and with what outcome.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import structlog

from libs.common.ids import derive
from services.decommission import metrics
from services.decommission.controls import usecases as control_usecases
from services.decommission.controls.domain import SwitchedOff
from services.decommission.deps import Deps
from services.decommission.trials import store
from services.decommission.trials.domain import Answer, Heard, NothingLeaves, Part, TriedTooOften

log = structlog.get_logger()
WITHIN = 10.0  # seconds of the machine for the whole call
APART = 10.0  # seconds of the machine between two tests of one endpoint or connector
A_MINUTE = 20  # tests of all of them together
LATE = "it did not answer in time"
NOTE = "试呼,无须办理。 A test: nothing is to be done."


Call = Callable[[bytes, UUID, datetime], Awaitable[Answer]]  # a body that says that it is a test, its key, its time


async def attempt(deps: Deps, what: str, which: str, part: Part, call: Call, *, actor: str) -> Heard:
    """Try one address of an endpoint or connector by `call`. Raises TriedTooOften, NothingLeaves."""
    async with deps.database.transaction("begin_setup_test") as conn:
        try:
            await control_usecases.require_switch(deps, conn)
        except SwitchedOff:
            raise NothingLeaves from None
        await store.QUERIES.setup_test_lock(conn)
        before = await store.QUERIES.setup_tests_since(conn, what=what, which=which)
        if before["lately"] >= A_MINUTE or (before["ago"] is not None and before["ago"] < APART):
            raise TriedTooOften(apart=APART, most=A_MINUTE)
        at = deps.now()
        test_id = await store.QUERIES.setup_test_add(conn, what=what, which=which, part=part, actor=actor, at=at)
    about = {"type": "test", "note": NOTE, what: which, "sent_at": at.astimezone(UTC).isoformat()}
    body = json.dumps(about, ensure_ascii=False).encode()
    begun = time.monotonic()
    try:
        async with asyncio.timeout(WITHIN):
            heard = await call(body, derive("setup-test", test_id), at)
    except TimeoutError:
        heard = Answer(why=LATE)
    took = int((time.monotonic() - begun) * 1000)
    async with deps.database.transaction("end_setup_test") as conn:
        await store.QUERIES.setup_test_end(conn, test_id=test_id, status=heard.status, took_ms=took, why=heard.why)
    metrics.SETUP_TESTS.labels(what, "answered" if heard.why is None else "unanswered").inc()
    log.info("setup-tried", what=what, which=which, part=part, actor=actor, status=heard.status, why=heard.why)
    return Heard(
        test_id=test_id,
        what=what,
        which=which,
        part=part,
        actor=actor,
        at=at,
        status=heard.status,
        took_ms=took,
        why=heard.why,
    )


async def listed(
    deps: Deps, *, what: str | None = None, which: str | None = None, before: int | None = None, most: int
) -> list[Heard]:
    """Tests, the newest first."""
    async with deps.database.reading() as conn:
        rows = store.QUERIES.setup_test_list(conn, what=what, which=which, before=before, max_rows=most)
        return [Heard(**dict(row)) async for row in rows]
