"""Importing a source's file: a diff first, then chunks, then what is missing. Running it again changes nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from uuid import UUID

import prometheus_client
import stamina
import structlog

from libs.common.db.pool import UNAVAILABLE, Connection, Database
from libs.common.errors import DomainError
from libs.common.events.intake import UnitRef
from libs.common.http import idempotency
from libs.common.security.tokens import Principal
from services.registry.assets import domain, guard, store, usecases
from services.registry.assets.domain import Asset, Policy
from services.registry.assets.store import QUERIES, Cause
from services.registry.identity.canonical import Canonical
from services.registry.imports import answers, spreadsheets, vanishing
from services.registry.imports import rows as csvrows
from services.registry.imports.report import FINISHED, OUTDATED, VERDICT, File, Report
from services.registry.imports.rows import Key, Remark, Row, Rows
from services.registry.imports.vanishing import Listing

log = structlog.get_logger()
ROWS = prometheus_client.Counter("jianfu_registry_import_rows_total", "Rows of applied imports.", ["verdict"])
CHUNK = 100
Kept = tuple[Row, usecases.Result | DomainError | None, UUID | None]


class CallerGone(Exception):
    """Nobody waits for the report any more. What is committed stands; the same import again does the rest."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What every step of one import needs."""

    database: Database
    file: File
    who: Principal
    report: Report
    now: datetime
    policy: Policy
    sponsors: dict[UnitRef, UUID] = field(default_factory=dict)  # those that a committed chunk, or a preview, has named
    listing: Listing = field(default_factory=Listing)

    @property
    def cause(self) -> Cause:
        return Cause(self.who.subject, f"import {self.report.import_id}")


async def run(
    database: Database,
    file: File,
    who: Principal,
    *,
    apply: bool,
    now: datetime,
    policy: Policy,
    key: str | None = None,
    gone: Callable[[], Awaitable[bool]] | None = None,
) -> bytes:
    """Say what a file would do, or do it: the report as JSON. Raises UnreadableFile before anything is done.

    Chunks commit one by one; between two of them CallerGone is raised when `gone` says so. An import that was cut off
    is completed by running it again and then reports all that it did. Of one that is finished only the refused rows
    are tried again, or an old list would undo what came after it; the same Idempotency-Key asks for the answer it was
    given.
    """
    file = replace(file, source=domain.clean("source", file.source))  # as its assets carry it
    domain.has_come(file.on, now=now)
    if apply and key is not None:
        async with database.reading() as conn:
            given = await idempotency.recall(conn, who.subject, key, file.request)
        if given is not None:
            return given[1]
    rows = await asyncio.to_thread(_read, file, now)  # a large file would keep the event loop from all else
    report = Report(file.import_id, "apply" if apply else "dry-run", len(rows), rows.header.unknown, rows.header.line)
    importing = _Run(database, file, who, report, now, policy)
    refused = await _refused_before(importing)
    did = await _did(importing)
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
            await _vanishing(conn, importing, lacking=lacking, apply=False)
        return await asyncio.to_thread(answers.rendered, report, rows, file.answer, workbook=file.is_workbook)
    answer = await _finish(importing, rows, key, lacking=lacking)
    log.info("import-finished", import_id=str(report.import_id), rows=len(rows), verdicts=dict(report.summary))
    for verdict, count in report.summary.items():
        ROWS.labels(verdict).inc(count)
    return answer


def _read(file: File, now: datetime) -> Rows:
    content = spreadsheets.as_csv(file.content)
    return csvrows.read(content, source=file.source, on=file.on, unit_scheme=file.unit_scheme, now=now)


async def _chunks(rows: Iterator[Row]) -> AsyncIterator[Sequence[Row]]:
    while chunk := await asyncio.to_thread(list, islice(rows, CHUNK)):
        yield chunk


async def _refused_before(importing: _Run) -> set[int] | None:
    """The lines that were refused when this import was finished; None when it was not."""
    async with importing.database.reading() as conn:
        before = await QUERIES.import_get(conn, import_id=importing.report.import_id)
    return None if before is None else set(json.loads(before["summary"])["refused_lines"])


async def _did(importing: _Run) -> dict[UUID, str]:
    """What this import did before it was cut off."""
    async with importing.database.reading() as conn:
        rows = QUERIES.import_changes(conn, import_id=importing.report.import_id)
        return {row["asset_id"]: row["outcome"] async for row in rows}


async def _leave_chunk(importing: _Run, chunk: Sequence[Row]) -> None:
    if not chunk:
        return
    async with importing.database.reading() as conn:
        known = await _known(conn, chunk)
    for row in chunk:
        held = known.get(row.key) if row.key else None
        importing.report.add(row, "unchanged", FINISHED, asset_id=str(held.asset_id) if held else None)


async def _known(conn: Connection, chunk: Sequence[Row]) -> dict[Key, Asset]:
    return await store.peek_all(conn, (row.key for row in chunk if row.key))


async def _apply_chunk(importing: _Run, chunk: Sequence[Row], did: dict[UUID, str]) -> None:
    """One chunk, one transaction; what passes by itself (a deadlock, a server that restarts) is tried again."""
    if not chunk:
        return
    async for attempt in stamina.retry_context(on=UNAVAILABLE, attempts=4, timeout=30):
        with attempt:
            if attempt.num > 1:
                did |= await _did(importing)  # a commit may have gone through though its answer was lost
            kept = await _commit_chunk(importing, chunk)
    for row, result, twin in kept:
        if isinstance(result, DomainError):
            _refuse(importing.report, row, result)
        elif result is None:
            importing.report.refuse(row, row.remark, twin)
        else:
            outcome = did.get(result.asset_id, "unchanged") if result.outcome == "unchanged" else result.outcome
            _tell(importing.report, row, outcome, result.asset_id)


async def _commit_chunk(importing: _Run, chunk: Sequence[Row]) -> list[Kept]:
    kept: list[Kept] = []
    confirmed: list[UUID] = []
    sponsors = dict(importing.sponsors)
    async with importing.database.transaction("import_rows") as conn:
        await store.lock_identities(conn, ((row.kind, row.what) for row in chunk if row.told and row.what))
        known = await _known(conn, chunk)
        held = await guard.held_among(conn, [asset.asset_id for asset in known.values()])
        for row in chunk:
            if row.told is None:
                kept.append((row, None, await _twin_of(conn, row)))
                continue
            asset = known.get(row.key) if row.key else None
            if row.what and asset and asset.asset_id not in held and _says_nothing_new(row, asset, sponsors, importing):
                confirmed.append(asset.asset_id)
                kept.append((row, usecases.Result("unchanged", asset.asset_id, row.what, asset.sponsor_id), None))
                continue
            unknown = csvrows.unknown_platform(row.what) if row.what else None
            if unknown is not None and asset is None and not importing.file.allow_unknown_platforms:
                kept.append((row, unknown, None))
                continue
            try:
                async with conn.transaction():
                    result = await usecases.apply(
                        conn, row.told, importing.who, importing.cause, now=importing.now, policy=importing.policy,
                        sponsors=sponsors,
                    )  # fmt: skip
            except DomainError as error:
                kept.append((row, error, None))
                continue
            kept.append((row, result, None))
            if result.sponsor_id is not None:
                sponsors[row.told.sponsor] = result.sponsor_id
        await store.stated(conn, confirmed, importing.file.on)
        changed = [
            r for _, r, _ in kept if isinstance(r, usecases.Result) and r.outcome not in ("unchanged", "outdated")
        ]
        await QUERIES.import_changes_add(
            conn, import_id=importing.report.import_id, asset_ids=[r.asset_id for r in changed],
            outcomes=[r.outcome for r in changed],
        )  # fmt: skip
    importing.sponsors.update(sponsors)
    return kept


def _says_nothing_new(row: Row, held: Asset, sponsors: Mapping[UnitRef, UUID], importing: _Run) -> bool:
    """Whether a line states what is recorded: most do, and then nothing has to be asked or written for it."""
    sponsor = sponsors.get(row.told.sponsor) if row.told else None
    if row.told is None or row.what is None or sponsor is None or held.record == "closed":
        return False
    if (held.source, held.running == "gone") != (importing.file.source, False):
        return False
    stated = domain.facts(row.told, row.what, sponsor, now=importing.now)
    return domain.declare(held, stated, now=importing.now, reopen_after=importing.policy.reopen_after)[1] == "unchanged"


async def _preview_chunk(importing: _Run, chunk: Sequence[Row]) -> None:
    if not chunk:
        return
    async with importing.database.reading() as conn:
        known = await _known(conn, chunk)
        for row in chunk:
            if row.told is None or row.what is None:
                importing.report.refuse(row, row.remark, await _twin_of(conn, row))
                continue
            try:
                asset_id, outcome = await _preview(
                    conn, importing, row, row.what, known.get(row.key or ("account", "", ""))
                )
            except DomainError as error:
                _refuse(importing.report, row, error)
            else:
                _tell(importing.report, row, outcome, asset_id)


async def _preview(
    conn: Connection, importing: _Run, row: Row, what: Canonical, held: Asset | None
) -> tuple[UUID, str]:
    assert row.told is not None  # noqa: S101 - the caller has sorted these out
    sponsor = row.told.sponsor
    if sponsor not in importing.sponsors:
        unit = await store.unit(conn, sponsor.scheme, sponsor.value)
        importing.sponsors[sponsor] = unit["unit_id"] if unit else domain.unit_id(sponsor)
    facts = domain.facts(row.told, what, importing.sponsors[sponsor], now=importing.now)
    permitted = held is not None and await usecases.permits(conn, held)
    after, outcome = domain.declare(
        held, facts, now=importing.now, reopen_after=importing.policy.reopen_after, permitted=permitted,
        zone=importing.policy.zone,
    )  # fmt: skip
    return after.asset_id, outcome


def _tell(report: Report, row: Row, outcome: str, asset_id: UUID) -> None:
    report.add(row, VERDICT[outcome], OUTDATED if outcome == "outdated" else row.remark, asset_id=str(asset_id))


def _refuse(report: Report, row: Row, error: DomainError) -> None:
    remark = Remark(error.code, error.field, error.text("zh"), error.text("en"))
    twin = error.params.get("twin")
    report.refuse(row, remark, twin if isinstance(twin, UUID) else None)


async def _twin_of(conn: Connection, row: Row) -> UUID | None:
    """The asset that a line names again; None where the line it repeats was not taken either."""
    held = await store.peek(conn, row.kind, row.what) if row.twin_line and row.what else None
    return held.asset_id if held else None


async def _finish(importing: _Run, rows: Rows, key: str | None, *, lacking: bool) -> bytes:
    """What vanishes, the import's own record and the answer kept for its key: one transaction."""
    report, file, who = importing.report, importing.file, importing.who
    async with importing.database.transaction("record_import") as conn:
        await _vanishing(conn, importing, lacking=lacking, apply=True)
        summary = dict(report.summary) | {"refused_lines": report.refused_lines}
        await QUERIES.import_add(
            conn, import_id=report.import_id, source=file.source, stated_on=file.on, sha256=file.sha256,
            row_count=report.rows, complete=file.complete, actor=who.subject, at=importing.now,
            summary=json.dumps(summary, sort_keys=True),
        )  # fmt: skip
        answer = await asyncio.to_thread(answers.rendered, report, rows, file.answer, workbook=file.is_workbook)
        await idempotency.keep(conn, who.subject, key, file.request, status=200, answer=answer)
    return answer


async def _vanishing(conn: Connection, importing: _Run, *, lacking: bool, apply: bool) -> None:
    """What the file calls closed, and with `lacking` what its source listed before and the file lacks."""
    if lacking or importing.listing.ended:
        await vanishing.settle(
            conn, importing.file, importing.listing, importing.report, importing.cause, now=importing.now,
            policy=importing.policy, lacking=lacking, apply=apply,
        )  # fmt: skip
