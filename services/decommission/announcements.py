"""What the public is told of closures: out of logs that are what was written, and of no others."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from libs.common.db import Connection
from services.decommission import store
from services.decommission.context import Context
from services.decommission.store import QUERIES, Held

MOST = 50  # of one page: each of their logs is verified, whoever asks
State = Literal["announced", "withdrawn", "closed", "restored", "in_doubt"]


@dataclass(frozen=True, slots=True)
class Announcement:
    """One closure that was announced. `data` is the announcement; None while its case's log is in doubt."""

    case_id: UUID
    name: str
    platform: str
    address: str
    rule: str
    data: dict[str, Any] | None
    state: State


async def page(ctx: Context, conn: Connection, *, after: UUID, most: int) -> tuple[list[Announcement], UUID | None]:
    """Announcements in the order of their cases' ids, and where the next page begins; None when there is none."""
    wanted = min(most, MOST)
    rows = [row async for row in QUERIES.announced_cases(conn, after=after, max_rows=wanted)]
    found = []
    for row in rows:
        held, fault = await store.look(conn, row["case_id"], ctx.zone, ctx.notary)
        if fault is not None:
            found.append(Announcement(**dict(row), data=None, state="in_doubt"))
        elif (told := _told(held)) is not None:
            found.append(Announcement(**dict(row), data=told, state=_state(held)))
    return found, rows[-1]["case_id"] if len(rows) == wanted else None


def _told(held: Held) -> dict[str, Any] | None:
    return next((entry.data for entry in reversed(held.log) if entry.kind == "announced"), None)


def _state(held: Held) -> State:
    """What became of the newest announcement."""
    if held.case.state == "closed":
        return "closed"
    if held.case.state == "restored":
        return "restored"
    last = next(entry.kind for entry in reversed(held.log) if entry.kind in ("announced", "unplanned"))
    return "withdrawn" if held.case.state == "ended" or last == "unplanned" else "announced"
