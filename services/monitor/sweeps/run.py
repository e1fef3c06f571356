"""The daily sweep: judge the sources, run every rule over every watched asset, open and clear findings.

Idempotent per business day: what a day's sweep found is kept and given again, and one that is asked for adds only what
has come to be watched since. Large registers are swept in chunks, one transaction each; a sweep that was interrupted
goes on after the last chunk that was committed.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from cronsim import CronSim
from prometheus_client import Counter, Histogram

from libs.common.clock import Clock
from libs.common.db.pool import UNAVAILABLE, Connection, Database
from libs.common.events.ids import finding_id
from libs.common.events.monitor import FindingCleared, FindingOpened, SourceRecovered, SourceUnhealthy
from libs.common.outbox import relay
from libs.common.telemetry import observe
from services.monitor.policy.rulebook import RuleBook
from services.monitor.verdicts import domain, store

log = structlog.get_logger()
SECONDS = Histogram("jianfu_sweep_seconds", "One sweep, from its beginning to its last commit.")
WITHOUT_RULE = "该规则已不在任何规则包中 / the rule is in no pack any more"
FINDINGS = Counter("jianfu_findings_total", "Findings opened and cleared by sweeps.", ["rule", "what"])


class Sweeper:
    """Runs the sweep of a business day; several may be asked at once, they take turns."""

    def __init__(self, database: Database, book: RuleBook, clock: Clock, *, chunk: int) -> None:
        self._database = database
        self._book = book
        self._clock = clock
        self._chunk = chunk
        self.running = 0

    async def sweep(self, *, asked: bool = False) -> dict[str, Any]:
        """Sweep today, or answer what today's sweep has found already; with `asked` also what is new since."""
        today, now = self._clock.today(), self._clock.now()
        self.running += 1
        try:
            with SECONDS.time():
                await self._judge_sources(today, now)
                while not (done := await self._sweep_chunk(today, now))["finished"]:
                    pass
                if asked:
                    done = await self._sweep_new(today, now)
        finally:
            self.running -= 1
        return answer(done)

    async def _sweep_new(self, today: date, now: datetime) -> Any:
        """Judge what is watched and has no verdict: a list was imported, or something came back, after the sweep.

        Each is judged once, since it then has a verdict. Sources are believed as they stand now: those of what is new
        may have been heard for the first time after the sweep. Their turns are still told by the day's sweep alone.
        """
        after: UUID | None = None
        while True:
            async with self._database.transaction("sweep_new") as conn:
                sweep = await store.QUERIES.sweep_lock(conn, day=today)
                rows = store.QUERIES.watched_without_verdict(conn, after=after, max_rows=self._chunk)
                assets = [row["asset_id"] async for row in rows]
                if assets:
                    after, counts = assets[-1], json.loads(sweep["counts"])
                    found = await store.healths(conn, today)
                    healthy = sorted(name for name, health in found.items() if health.healthy)
                    await self._judge(conn, assets, healthy, counts, today, now)
                    await store.QUERIES.sweep_move(
                        conn, day=today, reached=sweep["reached"], finished=True, counts=json.dumps(counts)
                    )
                if len(assets) < self._chunk:
                    return await store.QUERIES.sweep_get(conn, day=today)

    async def _judge_sources(self, today: date, now: datetime) -> None:
        async with self._database.transaction("judge_sources") as conn:
            sources = {row["source"]: row async for row in store.QUERIES.source_lock(conn)}
            if await store.QUERIES.sweep_get(conn, day=today):
                return
            healths = await store.healths(conn, today)
            for name, row in sources.items():
                await self._mark(conn, name, row, healths[name], today, now)
            healthy = sorted(name for name, health in healths.items() if health.healthy)
            counts = {
                "assets": 0, "opened": 0, "cleared": 0, "active": 0, "idle": 0, "zombie": 0, "unknown": 0,
                "by_rule": {code: _nothing() for code in self._book.rules},
            }  # fmt: skip
            await store.QUERIES.sweep_begin(
                conn, day=today, healthy=healthy, packs=json.dumps(self._book.versions()), counts=json.dumps(counts)
            )

    async def _mark(
        self, conn: Connection, name: str, row: Any, health: domain.Health, today: date, now: datetime
    ) -> None:
        changed = row["healthy"] != health.healthy
        version = row["version"] + changed
        await store.QUERIES.source_mark(
            conn, source=name, healthy=health.healthy, reason=health.reason, today=today, version=version
        )
        if changed:
            kind = SourceRecovered if health.healthy else SourceUnhealthy
            log.warning("source-turned", source=name, healthy=health.healthy, reason=health.en)
            with observe.linked(f"monitor {kind.TYPE}", (observe.traceparent(),), {"source": name}):
                event = kind(source=name, business_day=today, reason=health.reason)
                await relay.emit(conn, event, sequence=version, time=now)

    async def _sweep_chunk(self, today: date, now: datetime) -> Any:
        async with self._database.transaction("sweep_assets") as conn:
            sweep = await store.QUERIES.sweep_lock(conn, day=today)
            if sweep["finished"]:
                return sweep
            assets = [
                row["asset_id"]
                async for row in store.QUERIES.watched_after(conn, after=sweep["reached"], max_rows=self._chunk)
            ]
            counts = json.loads(sweep["counts"])
            if assets:
                await self._judge(conn, assets, sweep["healthy"], counts, today, now)
            finished = len(assets) < self._chunk
            if finished:
                await store.QUERIES.verdicts_unwatched(conn, day=today)
                await self._end_without_rule(conn, today, now)
            await store.QUERIES.sweep_move(
                conn,
                day=today,
                reached=assets[-1] if assets else sweep["reached"],
                finished=finished,
                counts=json.dumps(counts),
            )
            return await store.QUERIES.sweep_get(conn, day=today)

    async def _end_without_rule(self, conn: Connection, today: date, now: datetime) -> None:
        """A rule that is in no pack any more proposes nothing any more: its findings end, and with them its cases."""
        found = [row async for row in store.QUERIES.findings_without_rule(conn, rules=list(self._book.rules))]
        for row in found:
            cleared = FindingCleared(**row, business_day=today, reason=WITHOUT_RULE, cleared_at=now)
            await self._emit(conn, cleared, 2, now)
        reasons = {row["finding_id"]: WITHOUT_RULE for row in found}
        await store.clear_findings(conn, reasons, on=today, at=now)

    async def _judge(
        self,
        conn: Connection,
        assets: Sequence[UUID],
        healthy: Sequence[str],
        counts: dict[str, Any],
        today: date,
        now: datetime,
    ) -> None:
        rows = await store.evaluate(conn, self._book.sql, assets, today, healthy)
        opened: dict[UUID, dict[str, Any]] = {}
        async for row in store.QUERIES.open_findings(conn, assets=assets):
            opened.setdefault(row["asset_id"], {})[row["rule"]] = row
        found: dict[UUID, domain.Judgement] = {}
        turned = []
        for row in rows:
            truths = {code: row[code] for code in self._book.rules}
            held = opened.get(row["asset_id"], {})
            judgement = domain.judge_asset(self._book.facts, truths, frozenset(held))
            found[row["asset_id"]] = judgement
            tally(counts, judgement, truths)
            if judgement.opens or judgement.clears:
                turned.append((row, judgement, held))
        opening = [(row["asset_id"], code) for row, judgement, _ in turned for code in judgement.opens]
        before = await self._ordinals(conn, opening)
        rows_opened: list[dict[str, Any]] = []
        reasons: dict[UUID, str] = {}
        for row, judgement, held in turned:
            reading = domain.reading(row, today)
            reasons |= await self._tell_cleared(conn, reading, judgement, held, today, now)
            rows_opened += await self._tell_opened(conn, reading, judgement, before, today, now)
        await store.clear_findings(conn, reasons, on=today, at=now)
        await store.open_findings(conn, rows_opened, on=today, at=now)
        await self._remember(conn, found, today)

    async def _ordinals(self, conn: Connection, opening: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], int]:
        """How many findings of each of these rules each of these assets has had."""
        if not opening:
            return {}
        assets, rules = ({pair[n] for pair in opening} for n in (0, 1))
        return {
            (row["asset_id"], row["rule"]): row["ordinal"]
            async for row in store.QUERIES.ordinals(conn, assets=list(assets), rules=list(rules))
        }

    async def _tell_cleared(
        self,
        conn: Connection,
        reading: domain.Reading,
        judgement: domain.Judgement,
        held: dict[str, Any],
        today: date,
        now: datetime,
    ) -> dict[UUID, str]:
        """Tell which findings of an asset end; answers why each does, to be written for many assets at once."""
        reasons: dict[UUID, str] = {}
        for code in judgement.clears:
            finding = held[code]
            because = domain.cleared_because(finding["condition"], self._book.read_by(code, reading))
            reasons[finding["finding_id"]] = because
            cleared = FindingCleared(
                finding_id=finding["finding_id"], asset_id=reading.asset_id, rule=code, business_day=today,
                reason=because, cleared_at=now,
            )  # fmt: skip
            await self._emit(conn, cleared, 2, now)
        return reasons

    async def _tell_opened(
        self,
        conn: Connection,
        reading: domain.Reading,
        judgement: domain.Judgement,
        before: dict[tuple[UUID, str], int],
        today: date,
        now: datetime,
    ) -> list[dict[str, Any]]:
        """Tell which findings of an asset open; answers their rows, to be written for many assets at once."""
        rows = []
        asset = reading.asset_id
        for code in judgement.opens:
            ordinal = before.get((asset, code), 0) + 1
            signals = self._book.read_by(code, reading)
            fields = self._book.fields(code) | {"finding_id": finding_id(asset, code, ordinal), "asset_id": asset}
            when = self._book.conditions[code].text
            found = {"ordinal": ordinal, "condition": when, "signals": store.dump(signals), "agents": reading.agents}
            rows.append(fields | found)
            opening = FindingOpened(**fields, when=when, business_day=today, signals=signals, opened_at=now)
            await self._emit(conn, opening, 1, now)
        return rows

    async def _emit(
        self, conn: Connection, event: FindingOpened | FindingCleared, sequence: int, now: datetime
    ) -> None:
        attributes = {"asset.id": str(event.asset_id), "finding.id": str(event.finding_id), "rule": event.rule}
        with observe.linked(f"monitor {event.TYPE}", (observe.traceparent(),), attributes):
            await relay.emit(conn, event, sequence=sequence, time=now)
        FINDINGS.labels(event.rule, "opened" if sequence == 1 else "cleared").inc()

    async def _remember(self, conn: Connection, found: dict[UUID, domain.Judgement], today: date) -> None:
        changed = [
            row
            async for row in store.QUERIES.verdicts_changed(
                conn,
                assets=list(found),
                found=[judgement.verdict for judgement in found.values()],
                rules=[judgement.rule for judgement in found.values()],
            )
        ]
        if changed:
            assets = [row["asset_id"] for row in changed]
            await store.QUERIES.verdicts_end(conn, assets=assets, day=today)
            await store.QUERIES.verdicts_begin(
                conn,
                assets=assets,
                day=today,
                found=[row["verdict"] for row in changed],
                rules=[row["rule"] for row in changed],
            )

    async def by_schedule(self, at: str) -> None:
        """Under the system clock sweep at each time of the cron expression; a time missed while down is caught up."""
        if self._clock.mode == "stepped":
            await asyncio.Event().wait()  # stepped time moves only when told: POST /sweeps
        while True:
            local = self._clock.now().astimezone(self._clock.zone)
            last = next(CronSim(at, local + timedelta(seconds=1), reverse=True))
            if last.date() == local.date():
                try:
                    await self.sweep()
                except UNAVAILABLE as error:
                    log.warning("sweep-put-off", error=f"{type(error).__name__}: {error}")
                    await asyncio.sleep(1)  # what was swept stays swept; it goes on when the database is back
                    continue
            due = next(CronSim(at, local))
            left = (due - local).total_seconds()  # machine time: how long to sleep
            await asyncio.sleep(min(60.0, max(1.0, left)))


def _nothing() -> dict[str, int]:
    return {"true": 0, "false": 0, "unknown": 0, "opened": 0, "cleared": 0}


def tally(counts: dict[str, Any], judgement: domain.Judgement, truths: dict[str, domain.Truth]) -> None:
    """Add one asset to the day's counts: by verdict and by rule, never by unit or person."""
    counts["assets"] += 1
    counts[judgement.verdict.lower()] += 1
    counts["opened"] += len(judgement.opens)
    counts["cleared"] += len(judgement.clears)
    for code, truth in truths.items():
        rule = counts["by_rule"].setdefault(code, _nothing())  # a rule may join while a sweep is interrupted
        rule["unknown" if truth is None else "true" if truth else "false"] += 1
        rule["opened"] += code in judgement.opens
        rule["cleared"] += code in judgement.clears


def answer(row: Any) -> dict[str, Any]:
    """A sweep as the API shows it."""
    counts: dict[str, Any] = json.loads(row["counts"])
    return {"day": row["day"], "finished": row["finished"]} | counts
