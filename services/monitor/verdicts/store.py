"""Verdicts, findings, and the evaluation of assets from stored data. Takes a connection, never commits."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from libs.common.errors import Missing
from services.monitor.admissions import store as admission_store
from services.monitor.assets import store as asset_store
from services.monitor.policy.rulebook import RuleBook
from services.monitor.signals import store as signal_store
from services.monitor.signals.statement import Statement
from services.monitor.sources import store as source_store
from services.monitor.sources.health import Health
from services.monitor.verdicts.evaluation import Evaluation, OpenFinding, evaluation
from services.monitor.verdicts.examination import Examination, SweptVerdict

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


@lru_cache(maxsize=4)
def _statement(book: RuleBook) -> Statement:
    return signal_store.statement(book.columns)


async def evaluate(
    conn: Connection, book: RuleBook, assets: Sequence[UUID], today: date, healthy: Sequence[str]
) -> list[Evaluation]:
    """Judge assets by all rules, in the order of their ids; `healthy` are the sources that are believed today."""
    findings = await open_findings(conn, assets)
    rows = await signal_store.evaluate(conn, _statement(book), assets, today, healthy)
    return [evaluation(book, row, findings.get(row["asset_id"], {})) for row in rows]


async def examine(conn: Connection, book: RuleBook, asset_id: UUID, today: date) -> Examination:
    """Judge one asset from stored data, with the explanation. Raises Missing."""
    asset = await asset_store.QUERIES.asset_get(conn, asset_id=asset_id)
    if asset is None:
        raise Missing(what=str(asset_id))
    healths = await source_store.healths(conn, today)
    (judged,) = await evaluate(conn, book, [asset_id], today, healthy(healths))
    swept = await QUERIES.verdict_now(conn, asset_id=asset_id)
    covering = source_store.QUERIES.coverage_of(conn, asset_id=asset_id)
    vouched = {row["source"]: row["last_vouched"] async for row in covering}
    admitted = await admission_store.admitted(conn, today)
    sources = source_store.QUERIES.source_list(conn, today=today)
    return Examination(
        today=today,
        watched=asset["watched"],
        evaluation=judged,
        swept=SweptVerdict(verdict=swept["verdict"], from_day=swept["from_day"]) if swept else None,
        healths=healths,
        vouched=vouched,
        agents={source: admission.agents for source, admission in admitted.items()},
        admitted_on={row["source"]: row["admitted_on"] async for row in sources},
    )


def healthy(healths: Mapping[str, Health]) -> list[str]:
    """The sources that can be believed, by their healths."""
    return sorted(name for name, health in healths.items() if health.healthy)


async def healthy_sources(conn: Connection, today: date) -> list[str]:
    """The sources that can be believed on this day."""
    return healthy(await source_store.healths(conn, today))


async def open_findings(conn: Connection, assets: Sequence[UUID]) -> dict[UUID, dict[str, OpenFinding]]:
    """The open findings of the assets, by asset and rule."""
    findings: dict[UUID, dict[str, OpenFinding]] = {}
    async for row in QUERIES.open_findings(conn, assets=assets):
        finding = OpenFinding(finding_id=row["finding_id"], condition=row["condition"])
        findings.setdefault(row["asset_id"], {})[row["rule"]] = finding
    return findings


async def ordinals(conn: Connection, opening: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], int]:
    """How many findings each of these pairs of an asset and a rule has had."""
    if not opening:
        return {}
    assets, rules = {asset for asset, _ in opening}, {rule for _, rule in opening}
    rows = QUERIES.ordinals(conn, assets=list(assets), rules=list(rules))
    return {(row["asset_id"], row["rule"]): row["ordinal"] async for row in rows}


async def put_findings(conn: Connection, findings: Sequence[dict[str, Any]], *, on: date, at: datetime) -> None:
    """Store new findings, with the signals that each was opened by."""
    if findings:
        written = msgspec.json.encode(findings).decode()
        await QUERIES.findings_put(conn, findings=written, opened_on=on, opened_at=at)


async def clear_findings(conn: Connection, reasons: dict[UUID, str], *, on: date, at: datetime) -> None:
    """End findings, each for its reason."""
    if reasons:
        await QUERIES.findings_clear(
            conn, findings=list(reasons), reasons=list(reasons.values()), cleared_on=on, cleared_at=at
        )


async def put_verdicts(conn: Connection, evaluations: Sequence[Evaluation], *, on: date) -> None:
    """End the verdicts that are no longer those of their assets, and begin the new ones on this day."""
    rows = QUERIES.verdicts_changed(
        conn,
        assets=[each.asset_id for each in evaluations],
        verdicts=[each.judgement.verdict for each in evaluations],
        rules=[each.judgement.rule for each in evaluations],
    )
    changed = [row async for row in rows]
    if changed:
        assets = [row["asset_id"] for row in changed]
        await QUERIES.verdicts_end(conn, assets=assets, day=on)
        await QUERIES.verdicts_begin(
            conn,
            assets=assets,
            day=on,
            verdicts=[row["verdict"] for row in changed],
            rules=[row["rule"] for row in changed],
        )
