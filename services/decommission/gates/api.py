"""HTTP: what a case still needs before its asset may be stopped."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from libs.common.http.guards import require
from libs.common.security.roles import READERS
from libs.common.security.tokens import Principal
from services.decommission import reasons
from services.decommission.cases import casework
from services.decommission.deps import Deps
from services.decommission.gates import domain, store


class Why(BaseModel):
    """A reason in both languages."""

    zh: str
    en: str


class Gate(BaseModel):
    """One gate: open, or shut and why."""

    gate: str = Field(description="notice, approval, slot, recheck, archive, limits, plan or standing 关口名称")
    open: bool
    why: Why | None


class Gates(BaseModel):
    """The gates of a stop as they stand on a business day; only where all are open is the asset stopped."""

    case_id: UUID
    state: str
    day: date
    gates: list[Gate]


def router(deps: Deps) -> APIRouter:
    """Gates."""
    routes = APIRouter(prefix="/decommission/v1/cases", tags=["cases 个案"])

    @routes.get("/{case_id}/gates", summary="What a stop still needs 停用前的各道关口")
    async def gates(case_id: UUID, _: Annotated[Principal, require(*READERS)]) -> Gates:
        """Each gate as the step that stops would judge it now, but for the package, which is read back only then."""
        async with deps.database.reading() as conn:
            case = await casework.load_case(deps, conn, case_id)
            subject = await casework.subject(conn, case)
            evidence = await store.gate_evidence(deps, conn, case, subject)
        shown = [_gate(name, verdict) for name, verdict in domain.explain(evidence, deps.today())]
        return Gates(case_id=case_id, state=case.row.state, day=deps.today(), gates=shown)

    return routes


def _gate(name: str, verdict: domain.Verdict) -> Gate:
    if isinstance(verdict, domain.Open):
        return Gate(gate=name, open=True, why=None)
    return Gate(gate=name, open=False, why=Why(zh=reasons.zh(verdict.reason), en=verdict.reason))
