"""What the monitor can do: each function is one transaction, opened and committed here."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from libs.common.clock import Clock
from libs.common.consumer import inbox
from libs.common.db.pool import PLUMBING, Connection, Database
from libs.common.dead_letters import store as dead
from libs.common.errors import Missing, Unknown
from libs.common.events.decommission import RecheckRequested
from libs.common.events.envelope import Event
from libs.common.events.intake import SourceStated
from libs.common.events.known import PLATFORMS
from libs.common.events.monitor import FindingConfirmed, FindingRefuted, RecheckInconclusive, SignalRead
from libs.common.events.registry import AssetRecord, UnitRecorded
from libs.common.http import idempotency
from libs.common.outbox import relay
from libs.common.refusals import store as refusals
from libs.common.refusals.store import Record, Refusal, Sender
from libs.common.text import in_one_language
from services.monitor.admissions import domain as vouching
from services.monitor.policy.rulebook import RuleBook
from services.monitor.usage import fold
from services.monitor.verdicts import domain, store

CONSUMER = "monitor"
RECORDED = "what the registry has recorded and told of"
KNOWN = ", ".join(sorted(PLATFORMS))
TOLD = 10  # of what is not known, by name


class OffsetConflict(Exception):
    """Another consumer has moved the offsets of the usage stream since this fold began."""


@dataclass(frozen=True, slots=True)
class Moves:
    """How far a fold of one topic has read: per partition the offset it began at and the next one."""

    consumer: str
    topic: str
    partitions: tuple[int, ...]
    expected: tuple[int, ...]
    next: tuple[int, ...]


async def record_asset(database: Database, record: AssetRecord) -> bool:
    """Hold what the registry says of an asset, when it is newer than what is held."""
    async with database.transaction("record_asset") as conn:
        return await store.put_asset(conn, record)


async def mark_stopped(database: Database, event: Event, *, event_id: str, stopped: bool) -> None:
    """A case stopped an asset, or brought it back: stop watching it, or watch it again."""
    async with database.transaction("mark_stopped") as conn:
        if await inbox.first_time(conn, CONSUMER, event_id):
            await store.QUERIES.stop_put(
                conn,
                asset_id=event.asset_id,  # type: ignore[attr-defined]
                case_id=event.case_id,  # type: ignore[attr-defined]
                stopped=stopped,
            )


async def flush_usage(database: Database, moves: Moves, sheet: fold.Sheet) -> None:
    """Merge a fold and move the stream's offsets, both or neither.

    Raises OffsetConflict when the offsets are not where the fold began: its counts are then somebody else's.
    """
    while True:
        try:
            async with database.transaction("flush_usage") as conn:
                moved = [
                    row
                    async for row in PLUMBING.offsets_advance(
                        conn,
                        consumer=moves.consumer,
                        topic=moves.topic,
                        partitions=moves.partitions,
                        expected=moves.expected,
                        next=moves.next,
                    )
                ]
                if len(moved) != len(moves.partitions):
                    raise OffsetConflict(moves.topic)
                await store.merge_usage(conn, sheet)
            return
        except store.RaceLost:
            await asyncio.sleep(0.01)


async def deliver_usage(
    database: Database,
    principal: str,
    key: str | None,
    body: bytes,
    sheet: fold.Sheet,
    answer: bytes,
    *,
    sender: Sender | None = None,
    refused: Sequence[tuple[Record, Refusal]] = (),
) -> bytes:
    """Merge usage that came over HTTP; a repeated Idempotency-Key gets the first answer and counts nothing.

    A key under which nothing was counted is not remembered: what is mended may come under it. What was `refused` the
    `sender` reads afterwards.
    """
    while True:
        try:
            async with database.transaction("deliver_usage") as conn:
                given = await idempotency.recall(conn, principal, key, body)
                if given is not None:
                    return given[1]
                await store.merge_usage(conn, sheet)
                if sender is not None:
                    for record, refusal in refused:
                        await refusals.add(conn, sender, record, refusal)
                if sheet.counters or sheet.gauges or not refused:
                    await idempotency.keep(conn, principal, key, body, status=202, answer=answer)
            return answer
        except store.RaceLost:
            await asyncio.sleep(0.01)


async def unknown_assets(database: Database, sheet: fold.Sheet) -> list[UUID]:
    """Which assets a fold speaks of that the register has not told of. They count all the same: it may be late."""
    named = sorted({row.asset_id for row in sheet.counters} | {row.asset_id for row in sheet.gauges})
    async with database.reading() as conn:
        return [row["asset_id"] async for row in store.QUERIES.assets_unknown(conn, assets=named)]


async def replay_usage(database: Database, letter: dict[str, Any], sheet: fold.Sheet) -> None:
    """Count a record that had been refused, and settle its dead letter. Raises AlreadySettled."""
    place = {"topic": letter["topic"], "partition": letter["partition"], "offset_": letter["offset"]}
    while True:
        try:
            async with database.transaction("replay_usage") as conn:
                held = await PLUMBING.dead_get(conn, **place)
                if held["state"] not in dead.UNSETTLED:
                    raise dead.AlreadySettled(state=held["state"])
                await store.merge_usage(conn, sheet)
                await PLUMBING.dead_mark(conn, **place, state="replayed")
            return
        except store.RaceLost:
            await asyncio.sleep(0.01)


async def start_offsets(database: Database, consumer: str, topic: str, begin: dict[int, int]) -> dict[int, int]:
    """Where to read on: the offsets held, made from `begin` for partitions never read before.

    The rows must exist before the first write, or two first writers would both be let in.
    """
    async with database.transaction("start_offsets") as conn:
        partitions, offsets = tuple(begin), tuple(begin.values())
        given = {"consumer": consumer, "topic": topic, "partitions": partitions}
        async for _ in PLUMBING.offsets_advance(conn, **given, expected=offsets, next=offsets):
            pass
        return {row["partition"]: row["next_offset"] async for row in PLUMBING.offsets_of(conn, **given)}


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a statement: `applied` or `unchanged`, for how many assets it vouches and for how many not.

    `beyond` names the latter where it was applied.
    """

    outcome: str
    covered: int
    not_covered: int
    beyond: tuple[UUID, ...] = ()


async def state_source(
    database: Database, stated: SourceStated, *, who: str, today: date, came: date, late_days: int
) -> Taken:
    """Take an agent's statement of one day of its source; `who` is its identity, `came` the day on which it came.

    It vouches for those of its assets that the source is admitted for, on that day and today. What is held already is
    unchanged, however late a copy of it comes. Raises StaleRevision when another content is held under the same or a
    higher revision, NotAdmitted, and Invalid.
    """
    domain.check_statement(stated.source, stated.revision, stated.records, stated.measures)
    measures, assets = sorted(set(stated.measures)), list(dict.fromkeys(stated.assets))
    async with database.transaction("state_source") as conn:
        await store.QUERIES.source_hold(conn, source=stated.source)
        admission = await store.admission_on(conn, stated.source, today)
        then = await store.admission_on(conn, stated.source, stated.day)
        vouching.check_spoken(admission, then, source=stated.source, who=who, day=stated.day, measures=measures)
        cover = await store.hold_cover(conn, assets)
        held = await store.QUERIES.source_day_lock(conn, source=stated.source, day=stated.day)
        if held["stated"] is not None and held["revision"] >= stated.revision:
            before = (held["revision"], held["stated"], held["cover"], held["measures"])
            if before == (stated.revision, stated.records, cover, measures):
                return Taken("unchanged", held["covered"] - held["beyond"], held["beyond"])
            raise domain.StaleRevision(field="revision", accepted=f"> {held['revision']}", held=held["revision"])
        vouching.check_age(stated.day, came=came, late_days=late_days)
        ours = await store.within(conn, stated.source, [stated.day, today], assets)
        within = await store.hold_cover(conn, ours)
        beyond = sorted(set(assets).difference(ours))
        now = await store.QUERIES.statement_put(
            conn,
            source=stated.source,
            day=stated.day,
            stated=stated.records,
            revision=stated.revision,
            covered=len(assets),
            cover=cover,
            within=within,
            beyond=len(beyond),
            measures=measures,
            stated_by=who,
        )
        if domain.SILENCE in measures:
            await store.watch(conn, stated.source, stated.day, within, now["due"])
        await store.recount(conn, stated.source, stated.day, now["counted"], now["due"])
        return Taken("applied", len(ours), len(beyond), tuple(beyond))


async def configure_source(
    database: Database, source: str, terms: domain.Terms, *, actor: str, today: date, at: datetime
) -> None:
    """Set the terms on which a source is judged, and record who did."""
    domain.check_source(source)
    after = asdict(terms)
    async with database.transaction("configure_source") as conn:
        held = await store.QUERIES.source_change(conn, source=source)
        before = None if held is None else asdict(store.terms(held))
        await store.QUERIES.source_put(conn, source=source, **after, today=today)
        if before != after:
            await store.record_change(conn, source, "terms", before, after, actor=actor, at=at)


async def admit_source(
    database: Database, source: str, decided: vouching.Admission, *, actor: str, today: date, at: datetime
) -> None:
    """Admit a source, change what it may do, or withdraw it, from a day on; repeated it changes nothing.

    Raises Invalid, Unknown, and Missing for the withdrawal of a source that nobody admitted.
    """
    domain.check_source(source)
    vouching.check(decided, today=today)
    async with database.transaction("admit_source") as conn:
        await _check_known(conn, decided.scope)
        if decided.admitted:
            await store.QUERIES.source_known(conn, source=source, today=today)
        held = await store.QUERIES.source_change(conn, source=source)
        latest = await store.latest_admission(conn, source)
        if held is None or (latest is None and not decided.admitted):
            raise Missing(what=source)
        if decided.same_as(latest):
            return
        await store.put_admission(conn, source, decided, actor=actor, at=at)
        move = store.QUERIES.source_admit if decided.admitted else store.QUERIES.source_withdraw
        await move(conn, source=source, since=decided.since)
        what = "admission" if decided.admitted else "withdrawal"
        before = None if latest is None else vouching.written(latest)
        await store.record_change(conn, source, what, before, vouching.written(decided), actor=actor, at=at)


async def _check_known(conn: Connection, scope: vouching.Scope) -> None:
    """Raise Unknown where a scope names what the register has not told of: it would cover nothing, unnoticed."""
    units = [row["unit_id"] async for row in store.QUERIES.units_unknown(conn, units=list(scope.units or ()))]
    assets = [row["asset_id"] async for row in store.QUERIES.assets_unknown(conn, assets=list(scope.assets or ()))]
    strange = sorted({*(scope.platforms or ())} - PLATFORMS)
    held = {row["platform"] async for row in store.QUERIES.platforms_held(conn, platforms=strange)}
    strange = [name for name in strange if name not in held]
    if units:
        raise Unknown(field="covers.units", accepted=RECORDED, what=(f"单位 {_named(units)}", f"unit {_named(units)}"))
    if strange:
        what = (f"平台 {_named(strange)}", f"platform {_named(strange)}")
        raise Unknown(field="covers.platforms", accepted=KNOWN, what=what)
    if assets:
        raise Unknown(
            field="covers.assets", accepted=RECORDED, what=(f"对象 {_named(assets)}", f"asset {_named(assets)}")
        )


def _named(unknown: Sequence[object]) -> str:
    return ", ".join(map(str, unknown[:TOLD]))


async def record_unit(database: Database, told: UnitRecorded) -> None:
    """Hold a unit's code, its name and where it stands in the tree, when that is newer than what is held."""
    async with database.transaction("record_unit") as conn:
        await store.QUERIES.unit_put(
            conn,
            unit_id=told.unit_id,
            version=told.version,
            parent_id=told.parent_id,
            scheme=told.scheme,
            value=told.value,
            name=in_one_language((one.language, one.text) for one in told.names) or told.value,
        )


async def units_incomplete(database: Database) -> bool:
    """Whether units are held that were told when their codes or names were not kept."""
    async with database.reading() as conn:
        return bool(await store.QUERIES.units_incomplete(conn))


async def register_incomplete(database: Database) -> bool:
    """Whether assets are held of which the register was read before it said whose they are."""
    async with database.reading() as conn:
        return bool(await store.QUERIES.assets_without_sponsor(conn))


async def answer_recheck(
    database: Database, book: RuleBook, asked: RecheckRequested, clock: Clock, *, event_id: str
) -> None:
    """Answer once whether a finding's rule is still true, from the data of today."""
    async with database.transaction("answer_recheck") as conn:
        if await inbox.first_time(conn, CONSUMER, event_id):
            answer = await _answer(conn, book, asked, clock.today())
            await relay.emit(conn, answer, sequence=1, time=clock.now())


async def _answer(conn: Connection, book: RuleBook, asked: RecheckRequested, today: date) -> Event:
    echo = asked.model_dump(include={"request_id", "case_id", "finding_id", "asset_id", "rule"})
    echo["business_day"] = today

    def unsure(why: str, signals: Sequence[SignalRead] = ()) -> Event:
        return RecheckInconclusive(**echo, signals=tuple(signals), why=why)

    finding = await store.QUERIES.finding_get(conn, finding_id=asked.finding_id)
    if finding is None or finding["asset_id"] != asked.asset_id or finding["rule"] != asked.rule:
        return unsure("没有这一发现 / there is no such finding")
    ended = finding["state"] == "cleared"
    asset = await store.QUERIES.asset_get(conn, asset_id=asked.asset_id)
    if not ended and (asset is None or not asset["watched"]):
        return unsure("该对象已不在监测之列 / the asset is no longer watched")
    if asset is None or asked.rule not in book.rules:
        if ended:
            return FindingRefuted(**echo, signals=())
        return unsure(f"规则 {asked.rule} 已不在规则包中 / rule {asked.rule} is in no pack")
    healthy = await healthy_sources(conn, today)
    rows = await store.evaluate(conn, book.sql, [asked.asset_id], today, healthy)
    read = domain.reading(rows[0], today)
    signals = book.read_by(asked.rule, read)
    if ended:  # whatever is true by now: that finding is over
        return FindingRefuted(**echo, signals=signals)
    truth = rows[0][asked.rule]
    if truth is None:
        return unsure(domain.unknown_because(signals, read.blind), signals)
    silent = any(signal.name in domain.SILENCES for signal in signals)
    if truth and silent and vouching.one_voice(finding["agents"], read.agents, len(read.watching)):
        return unsure(domain.ONE_VOICE, signals)
    return (FindingConfirmed if truth else FindingRefuted)(**echo, signals=signals)


async def healthy_sources(conn: Connection, today: date) -> list[str]:
    """The sources that can be believed on this day."""
    return sorted(name for name, health in (await store.healths(conn, today)).items() if health.healthy)
