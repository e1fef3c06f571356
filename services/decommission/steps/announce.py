"""The public notice period begins: what will close, when, on which grounds, and by whose key the unit was told."""

from typing import Any
from uuid import UUID

from libs.common import days
from services.decommission.cases import casework
from services.decommission.cases.entries.plan import Announced
from services.decommission.deps import Deps
from services.decommission.keys import domain as key_domain


async def do(deps: Deps, case_id: UUID) -> None:
    """Publish the announcement; GET /announcements shows it from now on."""
    async with deps.database.transaction("announce") as conn:
        case = await casework.take(deps, conn, case_id, "announce")
        until = days.later(deps.today(), case.row.windows.announce_days)
        key = case.progress.notice_key
        named: dict[str, Any] = {}
        if key is not None:
            named = {"notice_key": key, "notice_key_age_days": key_domain.age_days(key, deps.today(), deps.zone)}
        await casework.append(
            deps,
            conn,
            case,
            Announced(announced_on=deps.today().isoformat(), stop_not_before=until.isoformat(), **named),
        )
