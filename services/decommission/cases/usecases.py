"""What a person does with a case: hold, release, cancel, restore, resume."""

from datetime import date
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.events.decommission import CaseHeld
from libs.common.security.tokens import Principal
from services.decommission.cases import casework, foureyes, store
from services.decommission.cases.entries.table import read
from services.decommission.cases.store import Case
from services.decommission.deps import Deps


async def require_apart(conn: Connection, case: Case, who: Principal) -> None:
    """Asked before a person moves a case towards its stop. Raises TwoRoles, and MayNotSign for who signed its plan."""
    foureyes.require_apart(who.roles)
    foureyes.require_other(who.identity, await store.signers(conn, case.progress.plan_id))


async def note(
    deps: Deps, conn: Connection, case_id: UUID, kind: str, *, who: Principal, reason: str, until: date | None = None
) -> Case:
    """An operator's `held`, `released`, `cancelled`, `restore_asked` or `resumed`. Raises IllegalEntry.

    To let a case go on towards its stop is not for who signed its plan; to stop or undo it is for every operator.
    """
    case, actor = await casework.lock_case(deps, conn, case_id), who.identity
    if kind in foureyes.TOWARDS:
        await require_apart(conn, case, who)
    data: dict[str, Any] = {"reason": reason}
    if kind == "held":
        data["until"] = until.isoformat() if until else None
    case = await casework.append(deps, conn, case, read(kind, data), actor=actor)
    hold = case.progress.hold
    if kind in ("held", "released"):
        await casework.tell(
            deps,
            conn,
            case,
            CaseHeld,
            held=kind == "held",
            reason=reason,
            until=hold.until if hold is not None else None,
        )
    return case
