"""What the public is told of closures: out of logs that are what was written, and of no others."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.errors import Missing
from libs.common.text import Text
from services.decommission.announcements import outlook, store
from services.decommission.announcements.outlook import State
from services.decommission.cases import store as case_store
from services.decommission.cases.store import Case
from services.decommission.deps import Deps

MOST = 50  # of one page: each of their logs is verified, whoever asks
RULE = ("title", "basis", "label", "pack", "pack_version", "when")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedRule:
    """A rule as the version of the pack that judged by it has it: in words, on what it rests, and its condition.

    `title` and `basis` are Chinese / English; `title` is None where the finding came before rules were told in words.
    """

    title: str | None
    basis: str
    label: str
    pack: str
    pack_version: str
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What comes next, in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One closure that was announced. `data` is the announcement; None, as `why`, while its case's log is in doubt.

    `unit_name` is None for a unit that was told before names were kept; its code stands beside it. `tombstone` is where
    that of a closed asset stands.
    """

    case_id: UUID
    asset_id: UUID
    name: str
    platform: str
    address: str
    unit_id: UUID
    unit_code: str | None
    unit_name: str | None
    rule: str
    why: AnnouncedRule | None
    data: dict[str, Any] | None
    state: State
    next: Next
    tombstone: str | None


async def page(deps: Deps, conn: Connection, *, after: UUID, most: int) -> tuple[list[Announcement], UUID | None]:
    """Announcements in the order of their cases' ids, and where the next page begins; None when there is none."""
    wanted = min(most, MOST)
    rows = [row async for row in store.QUERIES.announced_cases(conn, after=after, case_id=None, max_rows=wanted)]
    evidence = [announcement for row in rows if (announcement := await _told(deps, conn, dict(row))) is not None]
    return evidence, rows[-1]["case_id"] if len(rows) == wanted else None


async def one(deps: Deps, conn: Connection, case_id: UUID) -> Announcement:
    """The announcement of one case. Raises Missing."""
    async for row in store.QUERIES.announced_cases(conn, after=UUID(int=0), case_id=case_id, max_rows=1):
        if (announcement := await _told(deps, conn, dict(row))) is not None:
            return announcement
    raise Missing(what=Text(f"个案 {case_id} 的公告", f"the announcement of case {case_id}"))


async def _told(deps: Deps, conn: Connection, row: dict[str, Any]) -> Announcement | None:
    case, problem = await case_store.look(conn, row["case_id"], deps.zone, deps.notary)
    data = None if problem is not None else _announced(case)
    if problem is None and data is None:
        return None
    state: State = "in_doubt" if problem is not None else _state(case)
    zh, en = outlook.after(state, data, case.progress)
    why = await _rule(conn, row["case_id"], row["rule"]) if problem is None else None
    tombstone = f"/registry/v1/tombstones/{row['asset_id']}" if state == "closed" else None
    return Announcement(**row, why=why, data=data, state=state, next=Next(zh=zh, en=en), tombstone=tombstone)


async def _rule(conn: Connection, case_id: UUID, rule: str, finding: str | None = None) -> AnnouncedRule | None:
    """What a case's evidence says of a rule: of this finding, or of what is still true before the rest.

    Whoever asks has had the evidence held to the log.
    """
    rows = [row async for row in case_store.QUERIES.findings_of(conn, case_id=case_id)]
    for row in sorted(rows, key=lambda row: (str(row["finding_id"]) != finding, row["cleared"], row["finding_id"])):
        evidence = json.loads(row["evidence"])
        if evidence["rule"] == rule:
            return AnnouncedRule(**{name: evidence.get(name) for name in RULE})
    return None


async def words(conn: Connection, case_id: UUID, rule: str, finding: str | None) -> dict[str, str | None]:
    """What the tombstone says of the rule, by the finding that was true on the day of the stop."""
    evidence = await _rule(conn, case_id, rule, finding)
    return {} if evidence is None else {name: getattr(evidence, name) for name in RULE if name != "when"}


def _announced(case: Case) -> dict[str, Any] | None:
    return next((entry.data for entry in reversed(case.log) if entry.kind == "announced"), None)


def _state(case: Case) -> State:
    """What became of the newest announcement."""
    if case.row.state == "closed":
        return "closed"
    if case.row.state == "restored":
        return "restored"
    last = next(entry.kind for entry in reversed(case.log) if entry.kind in ("announced", "unplanned"))
    return "withdrawn" if case.row.state == "ended" or last == "unplanned" else "announced"
