"""Standing approvals of a rule: proposed by one, signed by two others, taken back by anybody who may sign."""

from datetime import date
from typing import Any
from uuid import UUID

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.errors import Invalid, Missing, Unknown
from libs.common.events.known import RULES
from libs.common.ids import derive
from libs.common.security.tokens import Principal
from libs.common.text import Text
from services.decommission.cases import foureyes
from services.decommission.mandates import domain, store
from services.decommission.mandates.domain import MandateEnded, SameApprover


async def propose(database: Database, clock: Clock, *, rule: str, max_per_day: int, until: date, by: str) -> UUID:
    """A standing approval that two people have yet to sign. Raises SaidNo where the very same one was revoked.

    Raises Invalid for one that has ended, and Unknown for a rule that stands in no pack and that no finding has named.
    """
    which, today = derive("mandate", rule, max_per_day, until), clock.today()
    if until < today:
        why = Text("授权截止日已过", "the standing approval has ended already")
        raise Invalid(field="until", accepted=f"{today} or later", why=why)
    async with database.transaction("propose_mandate") as conn:
        if rule not in RULES and not await store.QUERIES.rule_held(conn, rule=rule):
            accepted = ", ".join(sorted(RULES))
            raise Unknown(field="rule", accepted=accepted, what=Text(f"规则 {rule}", f"rule {rule}"))
        domain.raise_if_rejected(await store.QUERIES.mandate_revocation(conn, mandate_id=which))
        await store.QUERIES.mandate_add(
            conn,
            mandate_id=which,
            rule=rule,
            max_per_day=max_per_day,
            until=until,
            proposed_by=by,
            proposed_at=clock.now(),
        )
    return which


async def sign(database: Database, clock: Clock, mandate_id: UUID, who: Principal) -> None:
    """One of the two signatures; who signs again has signed once.

    Raises Missing, SameApprover for its proposer, SaidNo when it was revoked, MandateEnded, and TwoRoles for a token
    that is an operator's as well.
    """
    foureyes.require_apart(who.roles)
    approver = who.identity
    async with database.transaction("sign_mandate") as conn:
        mandate = await store.QUERIES.mandate_get(conn, mandate_id=mandate_id)
        if mandate is None:
            raise Missing(what=Text(f"授权 {mandate_id}", f"mandate {mandate_id}"))
        if foureyes.same(mandate["proposed_by"], approver):
            raise SameApprover(who=approver)
        if mandate["until"] < clock.today():
            raise MandateEnded(until=mandate["until"])
        domain.raise_if_rejected(await store.QUERIES.mandate_revocation(conn, mandate_id=mandate_id))
        if foureyes.among(approver, mandate["approvers"]):
            return
        await store.QUERIES.mandate_sign(conn, mandate_id=mandate_id, approver=approver, at=clock.now())


async def revoke(database: Database, clock: Clock, which: UUID, *, by: str, reason: str) -> dict[str, Any]:
    """One person takes a standing approval back; what was approved under it and not stopped is to be planned anew."""
    async with database.transaction("revoke_mandate") as conn:
        if await store.QUERIES.mandate_get(conn, mandate_id=which) is None:
            raise Missing(what=Text(f"授权 {which}", f"mandate {which}"))
        await store.QUERIES.mandate_revoke(conn, mandate_id=which, by=by, reason=reason, at=clock.now())
        return dict(await store.QUERIES.mandate_revocation(conn, mandate_id=which))
