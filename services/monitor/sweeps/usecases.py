"""The parts of a sweep: the sources, then chunk by chunk every watched asset. Each function is one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import structlog

from libs.common.db.pool import Connection, Database
from libs.common.events.ids import finding_id
from libs.common.events.monitor import FindingCleared, FindingOpened, SourceRecovered, SourceUnhealthy
from libs.common.outbox.emit import emit
from libs.common.telemetry import traces
from services.monitor.assets import store as asset_store
from services.monitor.metrics import FINDINGS
from services.monitor.policy.rulebook import RuleBook
from services.monitor.signals.reading import dump
from services.monitor.sources import store as source_store
from services.monitor.sources.health import Health
from services.monitor.sweeps import counts, store
from services.monitor.verdicts import store as verdict_store
from services.monitor.verdicts.evaluation import Evaluation
from services.monitor.verdicts.judgement import cleared_because

log = structlog.get_logger()
WITHOUT_RULE = "该规则已不在任何规则包中 / the rule is in no pack any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The business day that is swept, the instant of business time that its events carry, and the rules in force."""

    today: date
    now: datetime
    book: RuleBook


async def judge_sources(database: Database, day: Day) -> None:
    """Begin the sweep of a day with the health of every source; does nothing where it has begun."""
    async with database.transaction("judge_sources") as conn:
        sources = {row["source"]: row async for row in source_store.QUERIES.sources_lock(conn)}
        if await store.QUERIES.sweep_get(conn, day=day.today):
            return
        healths = await source_store.healths(conn, day.today)
        for name, row in sources.items():
            await _mark(conn, day, row, healths[name])
        await store.begin(
            conn,
            day.today,
            healthy=verdict_store.healthy(healths),
            packs=day.book.versions(),
            counts=counts.nothing(day.book.rules),
        )


async def sweep_assets(database: Database, day: Day, *, chunk: int) -> Any:
    """Judge the next assets of a sweep, `chunk` at most; answers the row of the sweep."""
    async with database.transaction("sweep_assets") as conn:
        sweep = await store.QUERIES.sweep_lock(conn, day=day.today)
        if sweep["finished"]:
            return sweep
        rows = asset_store.QUERIES.watched_after(conn, after=sweep["reached"], max_rows=chunk)
        assets = [row["asset_id"] async for row in rows]
        counted = store.counts(sweep)
        if assets:
            await _judge(conn, day, assets, sweep["healthy"], counted)
        finished = len(assets) < chunk
        if finished:
            await verdict_store.QUERIES.verdicts_unwatched(conn, day=day.today)
            await _end_without_rule(conn, day)
        reached = assets[-1] if assets else sweep["reached"]
        return await store.move(conn, sweep, reached=reached, finished=finished, counts=counted)


async def sweep_new(database: Database, day: Day, *, after: UUID | None, chunk: int) -> tuple[Any, UUID | None]:
    """Judge watched assets without a verdict: a list was imported, or an asset came back, after the sweep.

    Answers the row of the sweep, and the asset after which to go on; None at the end. Each is judged once, since it
    then has a verdict. Sources are believed as they stand now: those of a new asset may have been heard for the first
    time after the sweep. Changes of their health remain events of the day's sweep alone.
    """
    async with database.transaction("sweep_new") as conn:
        sweep = await store.QUERIES.sweep_lock(conn, day=day.today)
        rows = verdict_store.QUERIES.watched_without_verdict(conn, after=after, max_rows=chunk)
        assets = [row["asset_id"] async for row in rows]
        if assets:
            counted = store.counts(sweep)
            healthy = await verdict_store.healthy_sources(conn, day.today)
            await _judge(conn, day, assets, healthy, counted)
            sweep = await store.move(conn, sweep, reached=sweep["reached"], finished=True, counts=counted)
        return sweep, assets[-1] if len(assets) == chunk else None


async def _mark(conn: Connection, day: Day, row: Any, health: Health) -> None:
    """Store the health of a source, with an event where it has turned."""
    name, turned = row["source"], row["healthy"] != health.healthy
    version = row["version"] + turned
    await source_store.QUERIES.source_mark(
        conn, source=name, healthy=health.healthy, reason=health.reason, today=day.today, version=version
    )
    if turned:
        kind = SourceRecovered if health.healthy else SourceUnhealthy
        log.warning("source-turned", source=name, healthy=health.healthy, reason=health.en)
        with traces.linked(f"monitor {kind.TYPE}", (traces.traceparent(),), {"source": name}):
            event = kind(source=name, business_day=day.today, reason=health.reason)
            await emit(conn, event, sequence=version, time=day.now)


async def _judge(
    conn: Connection, day: Day, assets: Sequence[UUID], healthy: Sequence[str], counted: dict[str, Any]
) -> None:
    """Judge assets: their findings open and clear, their verdicts change, and the day's counts grow."""
    evaluations = await verdict_store.evaluate(conn, day.book, assets, day.today, healthy)
    for evaluation in evaluations:
        counts.add(counted, evaluation)
    turned = [each for each in evaluations if each.judgement.opens or each.judgement.clears]
    opening = [(each.asset_id, code) for each in turned for code in each.judgement.opens]
    before = await verdict_store.ordinals(conn, opening)
    opened: list[dict[str, Any]] = []
    reasons: dict[UUID, str] = {}
    for evaluation in turned:
        reasons |= await _clear(conn, day, evaluation)
        opened += await _open(conn, day, evaluation, before)
    await verdict_store.clear_findings(conn, reasons, on=day.today, at=day.now)
    await verdict_store.put_findings(conn, opened, on=day.today, at=day.now)
    await verdict_store.put_verdicts(conn, evaluations, on=day.today)


async def _clear(conn: Connection, day: Day, evaluation: Evaluation) -> dict[UUID, str]:
    """Emit which findings of an asset end; answers why each does, to be written for many assets at once."""
    reasons: dict[UUID, str] = {}
    for code in evaluation.judgement.clears:
        finding = evaluation.findings[code]
        because = cleared_because(finding.condition, evaluation.evidence(code))
        reasons[finding.finding_id] = because
        cleared = FindingCleared(
            finding_id=finding.finding_id,
            asset_id=evaluation.asset_id,
            rule=code,
            business_day=day.today,
            reason=because,
            cleared_at=day.now,
        )
        await _emit(conn, day, cleared, sequence=2)
    return reasons


async def _open(
    conn: Connection, day: Day, evaluation: Evaluation, before: dict[tuple[UUID, str], int]
) -> list[dict[str, Any]]:
    """Emit which findings of an asset open; answers their rows, to be written for many assets at once."""
    rows = []
    reading = evaluation.reading
    asset = reading.asset_id
    for code in evaluation.judgement.opens:
        ordinal = before.get((asset, code), 0) + 1
        signals = day.book.evidence(code, reading)
        fields = day.book.fields(code) | {"finding_id": finding_id(asset, code, ordinal), "asset_id": asset}
        when = day.book.conditions[code].text
        evidence = {"signals": dump(signals), "agents": reading.agents}
        rows.append(fields | {"ordinal": ordinal, "condition": when} | evidence)
        opened = FindingOpened(**fields, when=when, business_day=day.today, signals=signals, opened_at=day.now)
        await _emit(conn, day, opened, sequence=1)
    return rows


async def _end_without_rule(conn: Connection, day: Day) -> None:
    """End the findings of rules that no pack has any more, and with them their cases: such a rule proposes nothing."""
    rules = list(day.book.rules)
    rows = [row async for row in verdict_store.QUERIES.findings_without_rule(conn, rules=rules)]
    for row in rows:
        cleared = FindingCleared(**row, business_day=day.today, reason=WITHOUT_RULE, cleared_at=day.now)
        await _emit(conn, day, cleared, sequence=2)
    reasons = {row["finding_id"]: WITHOUT_RULE for row in rows}
    await verdict_store.clear_findings(conn, reasons, on=day.today, at=day.now)


async def _emit(conn: Connection, day: Day, event: FindingOpened | FindingCleared, *, sequence: int) -> None:
    attributes = {"asset.id": str(event.asset_id), "finding.id": str(event.finding_id), "rule": event.rule}
    with traces.linked(f"monitor {event.TYPE}", (traces.traceparent(),), attributes):
        await emit(conn, event, sequence=sequence, time=day.now)
    FINDINGS.labels(event.rule, "opened" if sequence == 1 else "cleared").inc()
