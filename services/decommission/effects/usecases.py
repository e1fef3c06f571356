"""How an external effect is made: written down first, repeated under its own key after a crash, concluded once.

The order of things stands here alone: take the case → write the attempt down under its key → commit → call → lock the
case → end the attempt → write what came of it → commit. A process that dies in between leaves an attempt without a
result; the next one repeats it under the same key, or calls a person where the target honours no keys.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from libs.common import crashpoints
from libs.common.db.pool import Connection
from libs.common.ids import derive
from services.decommission.cases import casework
from services.decommission.cases.entries.table import read
from services.decommission.cases.store import Case
from services.decommission.controls.usecases import require_switch
from services.decommission.deps import Deps
from services.decommission.effects import store
from services.decommission.effects.domain import Attempt, Conclusion, Prepared
from services.decommission.effects.store import QUERIES

T = TypeVar("T")
R = TypeVar("R")


async def perform(
    deps: Deps,
    case_id: UUID,
    step: str,
    *,
    begin: str,
    end: str | Mapping[type, str],
    prepare: Callable[[Connection, Case], Awaitable[Prepared[T] | None]],
    call: Callable[[Attempt[T]], Awaitable[R]],
    conclude: Callable[[Attempt[T], R], Conclusion],
) -> None:
    """Make the effect of a step. `begin` and `end` name the two transactions; `end` may depend on the outcome's type.

    `prepare` answers None where nothing is to be done now, and has written why. `call` never raises for a failure of
    its target. Raises MovedOn, SwitchedOff, BrokenChain.
    """
    async with deps.database.transaction(begin) as conn:
        case = await casework.take(deps, conn, case_id, step)
        prepared = await prepare(conn, case)
        if prepared is None:
            return
        case, key = await _begin(deps, conn, case, step, prepared)
    if key is None:
        return
    attempt = Attempt(
        case_id=case_id, key=key, order=prepared.order, honours_keys=prepared.honours_keys, log=tuple(case.log)
    )
    crashpoints.point(f"decommission.{step}.before-effect")
    outcome = await call(attempt)
    crashpoints.point(f"decommission.{step}.after-effect")
    async with deps.database.transaction(end if isinstance(end, str) else end[type(outcome)]) as conn:
        case = await casework.lock_case(deps, conn, case_id)
        repeated = await store.repeated(conn, case_id, step)
        conclusion = conclude(replace(attempt, repeated=repeated), outcome)
        if conclusion.ask_person:
            case = await _unknown(deps, conn, case, step, key)
        elif conclusion.state != "started":
            await store.end(conn, key, conclusion.state, **conclusion.result)
        await conclusion.write(conn, case)


async def observe(
    deps: Deps,
    case_id: UUID,
    step: str,
    *,
    end: str,
    prepare: Callable[[Connection, Case], Awaitable[T]],
    call: Callable[[T], Awaitable[R]],
    conclude: Callable[[Connection, Case, R], Awaitable[None]],
) -> None:
    """A look from outside, which changes nothing there: no key, and nothing to write down before it.

    Raises SwitchedOff, BrokenChain.
    """
    async with deps.database.reading() as conn:
        await require_switch(deps, conn)
        order = await prepare(conn, await casework.load_case(deps, conn, case_id))
    crashpoints.point(f"decommission.{step}.before-effect")
    outcome = await call(order)
    crashpoints.point(f"decommission.{step}.after-effect")
    async with deps.database.transaction(end) as conn:
        await conclude(conn, await casework.lock_case(deps, conn, case_id), outcome)


async def _begin(
    deps: Deps, conn: Connection, case: Case, step: str, prepared: Prepared[Any]
) -> tuple[Case, UUID | None]:
    """The idempotency key under which to act now, written down before acting. Raises SwitchedOff.

    An attempt that started and has no result is repeated under its own key where the target honours keys; where it
    does not, nobody knows what happened, so a person decides: the key is None then.
    """
    await require_switch(deps, conn)
    last = await QUERIES.effect_find(conn, case_id=case.row.case_id, step=step)
    if last is not None and last["state"] == "started":
        if prepared.honours_keys:
            await store.end(conn, last["key"], "started", again=True)
            return case, last["key"]
        return await _unknown(deps, conn, case, step, last["key"]), None
    ordinal = 1 if last is None else last["ordinal"] + 1
    key = derive("effect", case.row.case_id, step, ordinal)
    await QUERIES.effect_add(conn, key=key, case_id=case.row.case_id, step=step, ordinal=ordinal)
    return await casework.append(deps, conn, case, read(f"{step}_started", {"key": str(key), **prepared.entry})), key


async def _unknown(deps: Deps, conn: Connection, case: Case, step: str, key: UUID) -> Case:
    """An effect that may have happened or not, at a target that cannot be asked again: a person has to look."""
    await store.end(conn, key, "unknown")
    why = f"the step {step} was started and has no result; the target does not honour idempotency keys"
    zh = f"步骤 {step} 已开始但没有结果,目标不支持幂等键,需人工确认。"
    return await casework.call_person(deps, conn, case, f"unknown-{step}", why, zh=zh, unknown=step)
