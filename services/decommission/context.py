"""What every step works with, and how an external effect is begun and ended."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common import outbox
from libs.common.clock import Clock
from libs.common.db import Connection, Database
from libs.common.egress import Egress
from libs.common.events.envelope import Event
from libs.common.ids import derive
from services.decommission import store
from services.decommission.archive import Archive
from services.decommission.domain import Limits, Subject
from services.decommission.store import QUERIES, Held

ACTOR = "jianfu"


@dataclass(frozen=True)
class Context:
    """The executor's tools."""

    database: Database
    clock: Clock
    egress: Egress
    signing_key: dict[str, Any]
    limits: Limits
    archive: Archive

    @property
    def zone(self) -> ZoneInfo:
        return self.clock.zone

    def now(self) -> datetime:
        return self.clock.now()

    def today(self) -> date:
        return self.clock.today()

    async def hold(self, conn: Connection, case_id: UUID) -> Held:
        """The case, locked."""
        return await store.hold(conn, case_id, self.zone)

    async def append(self, conn: Connection, held: Held, kind: str, **data: Any) -> Held:
        """One more entry, by the system itself."""
        return await store.append(conn, held, kind, data, now=self.now(), actor=ACTOR, zone=self.zone)

    async def subject(self, conn: Connection, held: Held) -> Subject:
        """The asset of a case; steps run only for cases whose asset is known."""
        found = await store.subject(conn, held.case.asset_id)
        if found is None:
            raise LookupError(f"asset {held.case.asset_id} is not known here yet")
        return found

    async def tell(self, conn: Connection, held: Held, event: type[Event], /, **fields: Any) -> None:
        """An event about the case; its version is the log's length, so each entry has at most one event of a type."""
        case = held.case
        told = event(case_id=case.case_id, asset_id=case.asset_id, version=case.version, at=self.now(), **fields)
        await outbox.emit(conn, told, sequence=case.version, time=self.now())

    async def killed(self) -> bool:
        """Whether the kill switch is on; asked before every call to the outside."""
        async with self.database.reading() as conn:
            return bool((await QUERIES.controls_get(conn))["killed"])

    async def begin(self, conn: Connection, held: Held, step: str, *, honours_keys: bool) -> tuple[Held, UUID | None]:
        """The idempotency key under which to act now, written down before acting.

        An attempt that started and has no result is repeated under its own key where the target honours keys; where
        it does not, nobody knows what happened, so a person decides: the key is None then.
        """
        last = await QUERIES.effect_find(conn, case_id=held.case.case_id, step=step)
        if last is not None and last["state"] == "started":
            if honours_keys:
                return held, last["key"]
            await QUERIES.effect_end(conn, key=last["key"], state="unknown", result=json.dumps({}))
            why = f"the step {step} was started and has no result; the target does not honour idempotency keys"
            zh = f"步骤 {step} 已开始但没有结果,目标不支持幂等键,需人工确认。"
            await store.alarm(conn, held.case.case_id, f"unknown-{step}", zh=zh, en=why, now=self.now())
            return await self.append(conn, held, "needs_person", why=why), None
        ordinal = 1 if last is None else last["ordinal"] + 1
        key = derive("effect", held.case.case_id, step, ordinal)
        await QUERIES.effect_add(conn, key=key, case_id=held.case.case_id, step=step, ordinal=ordinal)
        return await self.append(conn, held, f"{step}_started", key=str(key)), key

    async def end(self, conn: Connection, key: UUID, state: str, **result: Any) -> None:
        """Write down how an effect ended."""
        await QUERIES.effect_end(conn, key=key, state=state, result=json.dumps(result))
