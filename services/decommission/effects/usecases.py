"""How an external effect is begun."""

from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.ids import derive
from services.decommission.cases import casework
from services.decommission.cases.store import Case
from services.decommission.controls.usecases import require_switch
from services.decommission.deps import Deps
from services.decommission.effects import store
from services.decommission.effects.store import QUERIES


async def begin(
    deps: Deps, conn: Connection, case: Case, step: str, *, honours_keys: bool, **more: Any
) -> tuple[Case, UUID | None]:
    """The idempotency key under which to act now, written down before acting, with `more`. Raises SwitchedOff.

    An attempt that started and has no result is repeated under its own key where the target honours keys; where it
    does not, nobody knows what happened, so a person decides: the key is None then.
    """
    await require_switch(deps, conn)
    last = await QUERIES.effect_find(conn, case_id=case.row.case_id, step=step)
    if last is not None and last["state"] == "started":
        if honours_keys:
            await store.end(conn, last["key"], "started", again=True)
            return case, last["key"]
        return await unknown(deps, conn, case, step, last["key"]), None
    ordinal = 1 if last is None else last["ordinal"] + 1
    key = derive("effect", case.row.case_id, step, ordinal)
    await QUERIES.effect_add(conn, key=key, case_id=case.row.case_id, step=step, ordinal=ordinal)
    return await casework.append(deps, conn, case, f"{step}_started", key=str(key), **more), key


async def unknown(deps: Deps, conn: Connection, case: Case, step: str, key: UUID) -> Case:
    """An effect that may have happened or not, at a target that cannot be asked again: a person has to look."""
    await store.end(conn, key, "unknown")
    why = f"the step {step} was started and has no result; the target does not honour idempotency keys"
    zh = f"步骤 {step} 已开始但没有结果,目标不支持幂等键,需人工确认。"
    return await casework.call_person(deps, conn, case, f"unknown-{step}", why, zh=zh, unknown=step)
