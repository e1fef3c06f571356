"""HTTP: what a unit answers to its notice, and the receipt that it sends later."""

from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from libs.common.db.pool import Connection
from libs.common.exact import Day
from libs.common.http.bodies import Body
from libs.common.http.guards import public, require
from libs.common.http.idempotency import IdempotencyKey
from libs.common.refusals.noting import intake, noting
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from services.decommission.cases import casework
from services.decommission.cases import store as case_store
from services.decommission.cases.api import Case, acting
from services.decommission.cases.usecases import require_apart
from services.decommission.deps import Deps
from services.decommission.notices import answers, usecases
from services.decommission.units import store as unit_store
from services.decommission.units.domain import OtherUnit


class AnswerIn(Body):
    """A unit's answer; a fix names the day by which it is done."""

    answer: Literal["keep", "fix", "close"]
    reason: Annotated[str, Plain(1000, least=0, lines=True)] = ""
    until: Day | None = None


class LateReceipt(Body):
    """A receipt that comes after the notice was sent; its signature is the proof."""

    receipt: Annotated[str, Plain(20_000, least=10)]


def router(deps: Deps, wake: Callable[[], None]) -> APIRouter:
    """Answers."""
    routes = APIRouter(prefix="/decommission/v1/cases", tags=["cases 个案"], route_class=noting(deps.database))
    act = acting(deps, wake)

    @routes.post(
        "/{case_id}/answers",
        response_model=Case,
        summary="A unit's answer, or an operator's on its behalf 单位答复,或代为答复",
    )
    @intake("case_id")
    async def answer(
        case_id: UUID,
        body: AnswerIn,
        request: Request,
        who: Annotated[Principal, require("unit", "operator")],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """`keep` ends the case, `fix` waits until the day that is named, `close` agrees. The first answer counts.

        A unit answers for itself and the units below it. What an operator answers on its behalf is marked so and
        leaves the unit its window.
        """
        given = answers.read_answer(body.model_dump(mode="json"), today=deps.today())

        async def work(conn: Connection) -> case_store.Case:
            case = await casework.lock_case(deps, conn, case_id)
            own = False
            if "unit" in who.roles:
                subject = await casework.subject(conn, case)
                own = await unit_store.unit_may_speak(conn, who.scope, subject.sponsor_id)
            if not own and "operator" not in who.roles:
                raise OtherUnit
            if given.answer != "keep":
                await require_apart(conn, case, who)
            return await usecases.answered(deps, conn, case, given, actor=who.identity, on_behalf=not own)

        return await act(request, who, idempotency_key, work)

    return routes


def receipts(deps: Deps, wake: Callable[[], None]) -> APIRouter:
    """Receipts; the signature is the proof."""
    routes = APIRouter(prefix="/decommission/v1")

    @routes.post("/notices/{case_id}/receipt", status_code=204, tags=["public 公开"], summary="A late receipt 补交回执")
    @public
    async def receipt(case_id: UUID, body: LateReceipt) -> None:
        """It proves the notice when it is signed with the unit's key in force and names the notice's hash and the
        asset.

        The signature is the proof, so no token is asked for.
        """
        await usecases.late_receipt(deps, case_id, body.receipt)
        wake()

    return routes
