"""Importing a source's file: a diff first, then chunks, then what is missing. Running it again changes nothing."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from libs.common.auth import Principal
from libs.common.db import Connection, Database
from libs.common.errors import DomainError
from libs.common.events import ids
from libs.common.ids import derive
from libs.common.signing import sha256
from services.registry import csvrows, domain, store, usecases
from services.registry.csvrows import Row
from services.registry.domain import Facts
from services.registry.identity import canonical
from services.registry.store import QUERIES
from services.registry.usecases import Cause, Policy

CHUNK = 100
VERDICT = {"registered": "added", "restored": "restored", "amended": "amended", "unchanged": "unchanged"}


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was sent."""

    content: bytes
    source: str
    on: date
    unit_scheme: str
    complete: bool


@dataclass
class Report:
    """What a file does or would do, row by row."""

    import_id: UUID
    mode: str
    rows: int
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    summary: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row, verdict: str, **more: Any) -> None:
        self.summary[verdict] += 1
        self.verdicts.append({"row": row.line, "verdict": verdict, **more})

    def refuse(self, row: Row, error: DomainError) -> None:
        verdict = "duplicate" if error.code == "duplicate_asset" else "refused"
        twin = error.params.get("twin")
        self.add(
            row, verdict, code=error.code, field=error.field, detail=error.text("en"), detail_zh=error.text("zh"),
            **({"twin_id": str(twin)} if twin else {}),
        )  # fmt: skip

    def refuse_row(self, row: Row) -> None:
        verdict = "duplicate" if row.code == "duplicate_row" else "refused"
        more: dict[str, Any] = {"code": row.code, "field": row.field, "detail": row.en, "detail_zh": row.zh}
        if row.what is not None:
            more["twin_id"] = str(ids.asset_id("account", row.what.platform, row.what.identity))
            more["twin_row"] = row.twin_line
        self.add(row, verdict, **more)


async def run(database: Database, file: File, who: Principal, *, apply: bool, now: datetime, policy: Policy) -> Report:
    """Say what a file would do, or do it. Raises UnreadableFile before anything is done."""
    rows = csvrows.read(file.content, source=file.source, on=file.on, unit_scheme=file.unit_scheme)
    digest = sha256(file.content)
    import_id = derive("import", file.source, file.on, digest, file.complete)
    report = Report(import_id, "apply" if apply else "dry-run", len(rows))
    cause = Cause(who.subject, f"import {import_id}")
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        if apply:
            await _apply_chunk(database, chunk, who, cause, report, now=now, policy=policy)
        else:
            await _preview_chunk(database, chunk, report, now=now, policy=policy)
    if file.complete:
        listed = {ids.asset_id("account", r.what.platform, r.what.identity) for r in rows if r.what is not None}
        await _missing(database, file.source, listed, cause, report, apply=apply, now=now, policy=policy)
    if apply:
        async with database.transaction("record_import") as conn:
            await QUERIES.import_add(
                conn, import_id=import_id, source=file.source, stated_on=file.on, sha256=digest, row_count=len(rows),
                complete=file.complete, actor=who.subject, at=now, summary=json.dumps(report.summary, sort_keys=True),
            )  # fmt: skip
    return report


async def _apply_chunk(
    database: Database,
    chunk: Sequence[Row],
    who: Principal,
    cause: Cause,
    report: Report,
    *,
    now: datetime,
    policy: Policy,
) -> None:
    kept: list[tuple[Row, usecases.Result | DomainError | None]] = []
    async with database.transaction("import_rows") as conn:
        for row in chunk:
            if row.told is None:
                kept.append((row, None))
                continue
            try:
                async with conn.transaction():
                    kept.append((row, await usecases.apply(conn, row.told, who, cause, now=now, policy=policy)))
            except DomainError as error:
                kept.append((row, error))
    for row, result in kept:
        if result is None:
            report.refuse_row(row)
        elif isinstance(result, DomainError):
            report.refuse(row, result)
        else:
            report.add(row, VERDICT[result.outcome], asset_id=str(result.asset_id), **_warning(row))


async def _preview_chunk(
    database: Database, chunk: Sequence[Row], report: Report, *, now: datetime, policy: Policy
) -> None:
    async with database.reading() as conn:
        for row in chunk:
            if row.told is None or row.what is None:
                report.refuse_row(row)
                continue
            try:
                verdict, asset_id = await _preview(conn, row, now=now, policy=policy)
            except DomainError as error:
                report.refuse(row, error)
            else:
                report.add(row, verdict, asset_id=str(asset_id), **_warning(row))


async def _preview(conn: Connection, row: Row, *, now: datetime, policy: Policy) -> tuple[str, UUID]:
    assert row.told is not None and row.what is not None  # noqa: S101, PT018 - the caller has sorted these out
    told = row.told
    unit = await store.unit(conn, told.sponsor.scheme, told.sponsor.value)
    facts = Facts(
        told.kind, row.what, told.address.strip(), told.name.strip(), domain.language(told.language),
        unit["unit_id"] if unit else domain.unit_id(told.sponsor), told.source, told.on, told.opened_on,
    )  # fmt: skip
    held = await store.peek(conn, told.kind, row.what)
    after, outcome = domain.declare(held, facts, now=now, reopen_after=policy.reopen_after)
    return VERDICT[outcome], after.asset_id


def _warning(row: Row) -> dict[str, Any]:
    if row.what is None or row.told is None or not row.what.corrected:
        return {}
    stated = row.told.platform
    return {
        "code": "platform_corrected", "field": "platform",
        "detail": f"the address is on {row.what.platform}, not on {stated}",
        "detail_zh": f"地址属于 {row.what.platform},而非 {stated}",
    }  # fmt: skip


async def _missing(
    database: Database, source: str, listed: set[UUID], cause: Cause, report: Report, *, apply: bool, now: datetime,
    policy: Policy,
) -> None:  # fmt: skip
    """What the source listed before and its complete file lacks: gone, or all of it held beyond the limit."""
    async with database.transaction("import_missing") as conn:
        left = await usecases.room(conn, source, now=now, policy=policy)
        absent = [row["asset_id"] async for row in QUERIES.listed_ids(conn, source=source)]
        absent = [asset_id for asset_id in absent if asset_id not in listed]
        verdict = "gone" if len(absent) <= left else "held"
        for asset_id in absent:
            report.summary[verdict] += 1
            report.verdicts.append({"row": None, "verdict": verdict, "asset_id": str(asset_id)})
            held = await store.lock(conn, asset_id) if apply else None
            if held is None:
                continue
            state = "applied" if verdict == "gone" else "held"
            await usecases.note_disappearance(conn, held, cause, now=now, state=state)
            if verdict == "gone":
                what = canonical(held.kind, held.platform, held.address)
                after, outcome = domain.delist(held, what, source, now=now)
                await usecases.save(conn, after, outcome, cause)
