"""Why an asset is judged as it is: every rule with its truth, the values it read, and what would clear it."""

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from libs.common import days
from libs.common.db.pool import Connection
from libs.common.errors import Missing
from services.monitor.policy import pack
from services.monitor.policy.rulebook import RuleBook
from services.monitor.verdicts import domain, store


class SignalShown(BaseModel):
    """One value as it stands today; `age_days` says how old it is, None where nothing is known."""

    name: str
    value: float | None
    meaning: str
    source: str | None
    as_of: date | None
    age_days: int | None
    source_healthy: bool | None


class RuleShown(BaseModel):
    """One rule and its truth: true, false or unknown."""

    code: str
    title: pack.Text
    truth: str = Field(pattern="^(true|false|unknown)$")
    when: str
    verdict: str
    proposal: str
    basis: pack.Text
    level: str
    label: str = Field(description="how well the rule is established; the weakest of its parts")
    established: list[pack.Established]
    clears_when: pack.Text
    signals: list[SignalShown]
    finding_id: UUID | None = Field(description="the open finding, if any")


class SourceShown(BaseModel):
    """A source that speaks of the asset."""

    source: str
    healthy: bool
    code: str
    reason: str
    last_vouched: date | None
    admitted_on: date | None = Field(description="since when it is admitted; silence counts from there")
    agents: list[str] = Field(description="who may speak for it")
    watches: bool = Field(description="it is waited for: while it is ill, the asset is UNKNOWN")


class Why(BaseModel):
    """An asset's verdict today, and at the last sweep that judged it."""

    asset_id: UUID
    day: date
    watched: bool
    verdict: str | None = Field(description="as the data stand now; none for what is not watched")
    rule: str | None
    swept_verdict: str | None = Field(description="as the last sweep concluded")
    swept_since: date | None
    rules: list[RuleShown]
    sources: list[SourceShown]
    agents: list[str] = Field(description="whose statements its silence rests on today")
    packs: dict[str, str]


async def explain(conn: Connection, book: RuleBook, asset_id: UUID, today: date) -> Why:
    """Recompute everything for one asset from what is held now. Raises Missing."""
    asset = await store.QUERIES.asset_get(conn, asset_id=asset_id)
    if asset is None:
        raise Missing(what=str(asset_id))
    healths = await store.healths(conn, today)
    healthy = sorted(name for name, health in healths.items() if health.healthy)
    row = (await store.evaluate(conn, book.sql, [asset_id], today, healthy))[0]
    held = {found["rule"]: found["finding_id"] async for found in store.QUERIES.open_findings(conn, assets=[asset_id])}
    truths = {code: row[code] for code in book.rules}
    judgement = domain.judge_asset(book.facts, truths, frozenset(held))
    reading = domain.reading(row, today)
    swept = await store.QUERIES.verdict_now(conn, asset_id=asset_id)
    return Why(
        asset_id=asset_id,
        day=today,
        watched=asset["watched"],
        verdict=judgement.verdict if asset["watched"] else None,
        rule=judgement.rule if asset["watched"] else None,
        swept_verdict=swept["verdict"] if swept else None,
        swept_since=swept["from_day"] if swept else None,
        rules=[_rule(book, code, truths[code], reading, healths, today, held.get(code)) for code in book.rules],
        sources=await _sources(conn, asset_id, reading, healths, today),
        agents=list(reading.agents),
        packs=book.versions(),
    )


def _rule(
    book: RuleBook,
    code: str,
    truth: domain.Truth,
    reading: domain.Reading,
    healths: dict[str, domain.Health],
    today: date,
    finding: UUID | None,
) -> RuleShown:
    rule: pack.Rule = book.rules[code]
    signals = []
    for signal in book.read_by(code, reading):
        health = healths.get(signal.source or "")
        signals.append(
            SignalShown(
                name=signal.name,
                value=signal.value,
                meaning=pack.SIGNALS[signal.name],
                source=signal.source,
                as_of=signal.as_of,
                age_days=None if signal.as_of is None else days.between(signal.as_of, today),
                source_healthy=None if health is None else health.healthy,
            )
        )
    return RuleShown(
        code=code,
        title=rule.title,
        truth="unknown" if truth is None else str(truth).lower(),
        when=rule.when,
        verdict=rule.verdict,
        proposal=rule.proposal,
        basis=rule.basis.text,
        level=rule.level,
        label=rule.label,
        established=list(rule.established),
        clears_when=rule.clears_when,
        signals=signals,
        finding_id=finding,
    )


async def _sources(
    conn: Connection, asset_id: UUID, reading: domain.Reading, healths: dict[str, domain.Health], today: date
) -> list[SourceShown]:
    last: dict[str, Any] = {
        row["source"]: row["last_vouched"] async for row in store.QUERIES.coverage_of(conn, asset_id=asset_id)
    }
    gauges = {signal.source for signal in reading.signals if signal.name in ("posts_total", "followers")}
    admitted = await store.admitted(conn, today)
    since = {row["source"]: row["admitted_on"] async for row in store.QUERIES.source_list(conn, today=today)}
    shown = []
    for name in sorted({*last, *reading.watching, *(source for source in gauges if source)}):
        health = healths.get(name, domain.Health(False, "silent", "从未申报", "it has never stated anything"))
        shown.append(
            SourceShown(
                source=name,
                healthy=health.healthy,
                code=health.code,
                reason=health.reason,
                last_vouched=last.get(name),
                admitted_on=since.get(name),
                agents=sorted(admitted[name].agents) if name in admitted else [],
                watches=name in reading.watching,
            )
        )
    return shown
