"""Importing a source's file: a diff first, then chunks, then the missing assets. Repeating it changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from uuid import UUID

import stamina
import structlog

from libs.common.db.errors import UNAVAILABLE
from libs.common.db.pool import Connection, Database
from libs.common.errors import DomainError
from libs.common.events.intake import AssetDeclared, UnitRef
from libs.common.http import idempotency
from libs.common.security.tokens import Principal
from services.registry.assets import domain
from services.registry.assets import store as asset_store
from services.registry.assets.domain import AnotherSource, Asset, Key, Policy
from services.registry.assets.store import Cause
from services.registry.assets.usecases import permits
from services.registry.guard import store as guard_store
from services.registry.guard import usecases as guard_usecases
from services.registry.guard.domain import waiting
from services.registry.identity.canonical import Canonical
from services.registry.imports import rows as listed_rows
from services.registry.imports import store
from services.registry.imports.download import rendered
from services.registry.imports.files import File, Format, format_of, listed
from services.registry.imports.listing import Listing
from services.registry.imports.report import FINISHED, OUTDATED, VERDICT, Report
from services.registry.imports.rows import ENDED, STATED_TWICE, Remark, Row, Rows
from services.registry.imports.store import QUERIES
from services.registry.intake import usecases as intake_usecases
from services.registry.intake.usecases import Result
from services.registry.metrics import ROWS
from services.registry.spelling.texts import clean
from services.registry.units.domain import unit_id
from services.registry.units.store import unit

log = structlog.get_logger()
CHUNK = 100
PAGE = 1_000  # rows of closed assets that are looked up at once
Judged = tuple[Row, Result | DomainError | None, UUID | None]


class CallerGone(Exception):
    """The client has hung up. Committed chunks stay; repeating the import does the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The context of every step of one import."""

    database: Database
    file: File
    form: Format
    who: Principal
    report: Report
    now: datetime
    policy: Policy
    sponsors: dict[UnitRef, UUID] = field(default_factory=dict)  # those that a committed chunk, or a preview, has named
    listing: Listing = field(default_factory=Listing)

    @property
    def cause(self) -> Cause:
        return Cause(actor=self.who.subject, event=f"import {self.report.import_id}")


async def run(
    database: Database,
    file: File,
    who: Principal,
    *,
    formats: Sequence[Format],
    apply: bool,
    now: datetime,
    policy: Policy,
    key: str | None = None,
    gone: Callable[[], Awaitable[bool]] | None = None,
) -> bytes:
    """Preview or apply a file and return the report as JSON. Raises UnreadableFile before any change.

    Chunks commit one by one; between two of them CallerGone is raised when `gone` says so. An import that was cut off
    is completed by running it again and then reports all that it did. Of one that is finished only the refused rows
    are tried again, or an old list would undo what came after it; the same Idempotency-Key asks for the answer it was
    given.
    """
    file = replace(file, source=clean("source", file.source))  # as its assets carry it
    domain.has_come(file.on, now=now)
    if apply and key is not None:
        async with database.reading() as conn:
            given = await idempotency.recall(conn, who.subject, key, file.request)
        if given is not None:
            return given[1]
    rows = await asyncio.to_thread(_read, file, formats, now)  # a large file would keep the event loop from all else
    report = Report(
        import_id=file.import_id,
        mode="apply" if apply else "dry-run",
        rows=len(rows),
        unknown_columns=rows.header.unknown,
        header_row=rows.header.line,
    )
    form = format_of(file.content, formats)
    importing = _Run(database=database, file=file, form=form, who=who, report=report, now=now, policy=policy)
    async with database.reading() as conn:
        refused = await store.refused_before(conn, report.import_id)
        did = await store.changes(conn, report.import_id)
    async for chunk in _chunks(iter(rows)):
        if gone is not None and await gone():
            log.info("import-abandoned", import_id=str(report.import_id), rows=len(rows))
            raise CallerGone
        settled = [row for row in chunk if refused is not None and row.line not in refused and row.readable]
        await _leave_chunk(importing, settled)
        kept_out = {row.line for row in settled}
        importing.listing.note(chunk, settled=kept_out)
        kept_out |= {row.line for row in chunk if row.ended}
        rest = [row for row in chunk if row.line not in kept_out]
        if apply:
            await _apply_chunk(importing, rest, did)
        else:
            await _preview_chunk(importing, rest)
    lacking = file.complete and refused is None
    if not apply:
        async with database.reading() as conn:
            await _vanish(conn, importing, lacking=lacking, apply=False)
        return await asyncio.to_thread(rendered, report, rows, file.answer, form)
    answer = await _finish(importing, rows, key, lacking=lacking)
    log.info("import-finished", import_id=str(report.import_id), rows=len(rows), verdicts=dict(report.summary))
    for verdict, count in report.summary.items():
        ROWS.labels(verdict).inc(count)
    return answer


def _read(file: File, formats: Sequence[Format], now: datetime) -> Rows:
    table, header = listed(file.content, formats)
    return listed_rows.read(table, header, source=file.source, on=file.on, unit_scheme=file.unit_scheme, now=now)


async def _chunks(rows: Iterator[Row]) -> AsyncIterator[Sequence[Row]]:
    while chunk := await asyncio.to_thread(list, islice(rows, CHUNK)):
        yield chunk


async def _leave_chunk(importing: _Run, chunk: Sequence[Row]) -> None:
    if not chunk:
        return
    async with importing.database.reading() as conn:
        recorded = await _recorded(conn, chunk)
    for row in chunk:
        asset = recorded.get(row.key) if row.key else None
        importing.report.add(row, "unchanged", FINISHED, asset_id=str(asset.asset_id) if asset else None)


async def _recorded(conn: Connection, chunk: Sequence[Row]) -> dict[Key, Asset]:
    return await asset_store.peek_all(conn, (row.key for row in chunk if row.key))


async def _apply_chunk(importing: _Run, chunk: Sequence[Row], did: dict[UUID, str]) -> None:
    """Apply one chunk in one transaction; retry after a transient failure (a deadlock, a server restart)."""
    if not chunk:
        return
    async for attempt in stamina.retry_context(on=UNAVAILABLE, attempts=4, timeout=30):
        with attempt:
            if attempt.num > 1:  # a commit may have gone through though its answer was lost
                async with importing.database.reading() as conn:
                    did |= await store.changes(conn, importing.report.import_id)
            judged = await _commit_chunk(importing, chunk)
    for row, result, twin in judged:
        if isinstance(result, DomainError):
            _report_refusal(importing.report, row, result)
        elif result is None:
            importing.report.refuse(row, row.remark, twin)
        else:
            outcome = did.get(result.asset_id, "unchanged") if result.outcome == "unchanged" else result.outcome
            _report_outcome(importing.report, row, outcome, result.asset_id)


async def _commit_chunk(importing: _Run, chunk: Sequence[Row]) -> list[Judged]:
    judged: list[Judged] = []
    confirmed: list[UUID] = []
    sponsors = dict(importing.sponsors)
    async with importing.database.transaction("import_rows") as conn:
        await asset_store.lock_identities(
            conn, ((row.kind, row.identity) for row in chunk if row.event and row.identity)
        )
        recorded = await _recorded(conn, chunk)
        pending = await guard_store.pending_among(conn, [asset.asset_id for asset in recorded.values()])
        for row in chunk:
            if row.event is None or row.identity is None:
                judged.append((row, None, await _twin_of(conn, row)))
                continue
            asset = recorded.get(row.key) if row.key else None
            if asset and asset.asset_id not in pending and _states_nothing_new(row, asset, sponsors, importing):
                confirmed.append(asset.asset_id)
                same = Result(
                    outcome="unchanged", asset_id=asset.asset_id, identity=row.identity, sponsor_id=asset.sponsor_id
                )
                judged.append((row, same, None))
                continue
            unknown = listed_rows.unknown_platform(row.identity)
            if unknown is not None and asset is None and not importing.file.allow_unknown_platforms:
                judged.append((row, unknown, None))
                continue
            try:
                async with conn.transaction():
                    result = await intake_usecases.apply(
                        conn,
                        row.event,
                        row.identity,
                        importing.who,
                        importing.cause,
                        now=importing.now,
                        policy=importing.policy,
                        sponsors=sponsors,
                    )
            except DomainError as error:
                judged.append((row, error, None))
                continue
            judged.append((row, result, None))
            if result.sponsor_id is not None:
                sponsors[row.event.sponsor] = result.sponsor_id
        await asset_store.stated(conn, confirmed, importing.file.on)
        results = [result for _, result, _ in judged if isinstance(result, Result)]
        changed = [result for result in results if result.outcome not in ("unchanged", "outdated")]
        await QUERIES.import_changes_add(
            conn,
            import_id=importing.report.import_id,
            asset_ids=[result.asset_id for result in changed],
            outcomes=[result.outcome for result in changed],
        )
    importing.sponsors.update(sponsors)
    return judged


def _states_nothing_new(row: Row, current: Asset, sponsors: Mapping[UnitRef, UUID], importing: _Run) -> bool:
    """Whether a line repeats the record: most do, and then need no query and no write."""
    sponsor = sponsors.get(row.event.sponsor) if row.event else None
    if row.event is None or row.identity is None or sponsor is None or current.record == "closed":
        return False
    if (current.source, current.running == "gone") != (importing.file.source, False):
        return False
    declared = domain.declaration(row.event, row.identity, sponsor, now=importing.now)
    _, outcome = domain.declare(current, declared, now=importing.now, reopen_after=importing.policy.reopen_after)
    return outcome == "unchanged"


async def _preview_chunk(importing: _Run, chunk: Sequence[Row]) -> None:
    if not chunk:
        return
    async with importing.database.reading() as conn:
        recorded = await _recorded(conn, chunk)
        for row in chunk:
            if row.event is None or row.identity is None:
                importing.report.refuse(row, row.remark, await _twin_of(conn, row))
                continue
            current = recorded.get(row.key) if row.key else None
            try:
                asset_id, outcome = await _preview(conn, importing, row.event, row.identity, current)
            except DomainError as error:
                _report_refusal(importing.report, row, error)
            else:
                _report_outcome(importing.report, row, outcome, asset_id)


async def _preview(
    conn: Connection, importing: _Run, event: AssetDeclared, identity: Canonical, current: Asset | None
) -> tuple[UUID, str]:
    sponsor = event.sponsor
    if sponsor not in importing.sponsors:
        row = await unit(conn, sponsor.scheme, sponsor.value)
        importing.sponsors[sponsor] = row["unit_id"] if row else unit_id(sponsor)
    declared = domain.declaration(event, identity, importing.sponsors[sponsor], now=importing.now)
    permitted = current is not None and await permits(conn, current)
    after, outcome = domain.declare(
        current,
        declared,
        now=importing.now,
        reopen_after=importing.policy.reopen_after,
        permitted=permitted,
        zone=importing.policy.zone,
    )
    return after.asset_id, outcome


def _report_outcome(report: Report, row: Row, outcome: str, asset_id: UUID) -> None:
    report.add(row, VERDICT[outcome], OUTDATED if outcome == "outdated" else row.remark, asset_id=str(asset_id))


def _report_refusal(report: Report, row: Row, error: DomainError) -> None:
    twin = error.params.get("twin")
    report.refuse(row, Remark.of(error), twin if isinstance(twin, UUID) else None)


async def _twin_of(conn: Connection, row: Row) -> UUID | None:
    """The asset that a line names again; None where the line it repeats was not taken either."""
    asset = await asset_store.peek(conn, row.kind, row.identity) if row.twin_line and row.identity else None
    return asset.asset_id if asset else None


async def _finish(importing: _Run, rows: Rows, key: str | None, *, lacking: bool) -> bytes:
    """Apply disappearances, record the import and keep the answer for its key, in one transaction."""
    report, file, who = importing.report, importing.file, importing.who
    async with importing.database.transaction("record_import") as conn:
        await _vanish(conn, importing, lacking=lacking, apply=True)
        summary = dict(report.summary) | {"refused_lines": report.refused_lines}
        await store.add(conn, file, summary, rows=report.rows, actor=who.subject, at=importing.now)
        answer = await asyncio.to_thread(rendered, report, rows, file.answer, importing.form)
        await idempotency.keep(conn, who.subject, key, file.request, status=200, answer=answer)
    return answer


async def _vanish(conn: Connection, importing: _Run, *, lacking: bool, apply: bool) -> None:
    """Let the assets vanish that the file calls closed and, with `lacking`, those that its source listed before.

    Where the file has lines that cannot be read, every asset that it lacks waits for a person: each of these lines may
    be of one of them. An asset that a file calls closed is gone by its source's word, as if delisted; only a case
    closes it. Without `apply` the report alone says so.
    """
    file, listing, report = importing.file, importing.listing, importing.report
    if not (lacking or listing.ended):
        return
    ending = await _ending(conn, file, listing, report)
    lacked = await store.absent(conn, file, listing) if lacking else []
    absent = [asset_id for asset_id in lacked if asset_id not in ending]
    vanishing = [*ending, *absent]
    # Assets are locked before the source, as intake does.
    assets = await asset_store.lock_all(conn, vanishing) if apply else []
    added = 0 if apply else report.summary["added"] + report.summary["restored"]
    room = await guard_usecases.room(conn, file.source, now=importing.now, policy=importing.policy, added=added)
    pending = await guard_store.pending_among(conn, vanishing)
    doubtful = absent if listing.unreadable else []
    undecided = waiting(vanishing, pending=pending, room=room, doubtful=doubtful)
    for asset_id in vanishing:
        row = ending.get(asset_id)
        report.add(row, "held" if asset_id in undecided else "gone", ENDED if row else None, asset_id=str(asset_id))
    await guard_usecases.vanish_together(
        conn,
        [asset for asset in assets if asset.asset_id not in pending],
        importing.cause,
        source=file.source,
        on=file.on,
        now=importing.now,
        waiting=undecided,
    )


async def _ending(conn: Connection, file: File, listing: Listing, report: Report) -> dict[UUID, Row]:
    """The rows that take an asset off the list; the report gets the verdict on each other row with a closed asset."""
    ending: dict[UUID, Row] = {}
    keys = list(listing.ended)
    for first in range(0, len(keys), PAGE):
        recorded = await asset_store.peek_all(conn, keys[first : first + PAGE])
        for key in keys[first : first + PAGE]:
            row, asset = listing.ended[key], recorded.get(key)
            shown = {"asset_id": str(asset.asset_id)} if asset else {}
            if key in listing.listed:
                report.add(row, "refused", STATED_TWICE)
            elif asset is None or asset.record == "closed" or asset.running == "gone":
                report.add(row, "unchanged", ENDED, **shown)
            elif asset.source != file.source:
                error = AnotherSource(field="source", accepted=asset.source, owner=asset.source, source=file.source)
                report.add(row, "refused", Remark.of(error))
            elif file.on < asset.stated_on:
                report.add(row, "unchanged", OUTDATED, **shown)
            else:
                ending[asset.asset_id] = row
    return ending
