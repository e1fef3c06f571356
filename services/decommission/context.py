"""What every step works with, and how an external effect is begun and ended."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, cached_property
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.clock import Clock
from libs.common.db.pool import Connection, Database
from libs.common.events.envelope import Event
from libs.common.ids import derive
from libs.common.outbound.egress import Egress
from libs.common.outbox import relay
from libs.common.security import tokens
from services.decommission.archives.bag import Archive
from services.decommission.cases import next_move, store
from services.decommission.cases.domain import Limits, Subject, Windows
from services.decommission.cases.store import QUERIES, Held
from services.decommission.checkpoints.domain import Notary
from services.decommission.refusals import BrokenChain

ACTOR = store.ITSELF
OTHER_ASSET = "the row of its asset names another one than its id does"


class SwitchedOff(Exception):
    """The kill switch is on: nothing may leave this service."""


class MovedOn(Exception):
    """What was to be done is no longer the case's next move: a hold, an answer or a cancellation came in between."""


@cache
def _notary(keys: str) -> Notary:
    """One for all contexts with the same keys, so that what it has verified is verified once."""
    return Notary(tuple(json.loads(keys)))


@dataclass(frozen=True)
class Context:
    """The executor's tools. `kill_switch` is the setting; the switch on the wall is a row.

    `windows` are those of cases that open from now on; `retired_keys` the public halves of what `signing_key` was.
    """

    database: Database
    clock: Clock
    egress: Egress
    signing_key: dict[str, Any]
    limits: Limits
    archive: Archive
    kill_switch: bool = False
    windows: Windows = field(default_factory=Windows)
    retired_keys: tuple[dict[str, Any], ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        return self.clock.zone

    @cached_property
    def notary(self) -> Notary:
        """Who verifies checkpoints: with the key that signs now and those that did before."""
        return _notary(json.dumps([tokens.public_key(self.signing_key), *self.retired_keys]))

    def now(self) -> datetime:
        return self.clock.now()

    def today(self) -> date:
        return self.clock.today()

    async def hold(self, conn: Connection, case_id: UUID, *, lock: bool = True) -> Held:
        """The case, locked unless it is only looked at. Raises BrokenChain."""
        return await store.hold(conn, case_id, self.zone, self.notary, lock=lock)

    async def take(self, conn: Connection, case_id: UUID, step: str) -> Held:
        """The case, locked, for a step that is its next move now, not only when it was looked at. Raises MovedOn."""
        held = await self.hold(conn, case_id)
        move = next_move.next_move(held.progress, self.now(), self.zone)
        if not isinstance(move, next_move.Do) or move.step != step:
            raise MovedOn
        return held

    async def append(self, conn: Connection, held: Held, kind: str, **data: Any) -> Held:
        """One more entry, by the system itself."""
        return await store.append(conn, held, kind, data, now=self.now(), actor=ACTOR, zone=self.zone)

    async def subject(self, conn: Connection, held: Held) -> Subject:
        """The asset of a case; steps run only for cases whose asset is known.

        Raises BrokenChain where its row names another asset than its id does: an order would go to that one.
        """
        found = await store.subject(conn, held.case.asset_id)
        if found is None:
            raise LookupError(f"asset {held.case.asset_id} is not known here yet")
        if not found.is_itself:
            raise BrokenChain(case_id=held.case.case_id, why=OTHER_ASSET)
        return found

    async def tell(self, conn: Connection, held: Held, event: type[Event], /, **fields: Any) -> None:
        """An event about the case; its version is the log's length, so each entry has at most one event of a type."""
        case = held.case
        told = event(
            case_id=case.case_id, asset_id=case.asset_id, version=case.version, at=self.now(),
            log_sha256=held.log[-1].sha256, **fields,
        )  # fmt: skip
        await relay.emit(conn, told, sequence=case.version, time=self.now())

    async def alarm(self, conn: Connection, about: Held | UUID, kind: str, *, zh: str, en: str) -> None:
        """Call a person."""
        await store.alarm(conn, about, kind, zh=zh, en=en, now=self.now())

    async def require_switch(self, conn: Connection) -> None:
        """Asked before every call to the outside. Raises SwitchedOff."""
        if self.kill_switch or (await QUERIES.controls_get(conn))["killed"]:
            raise SwitchedOff

    async def begin(
        self, conn: Connection, held: Held, step: str, *, honours_keys: bool, **more: Any
    ) -> tuple[Held, UUID | None]:
        """The idempotency key under which to act now, written down before acting, with `more`. Raises SwitchedOff.

        An attempt that started and has no result is repeated under its own key where the target honours keys; where
        it does not, nobody knows what happened, so a person decides: the key is None then.
        """
        await self.require_switch(conn)
        last = await QUERIES.effect_find(conn, case_id=held.case.case_id, step=step)
        if last is not None and last["state"] == "started":
            if honours_keys:
                await self.end(conn, last["key"], "started", again=True)
                return held, last["key"]
            return await self.unknown(conn, held, step, last["key"]), None
        ordinal = 1 if last is None else last["ordinal"] + 1
        key = derive("effect", held.case.case_id, step, ordinal)
        await QUERIES.effect_add(conn, key=key, case_id=held.case.case_id, step=step, ordinal=ordinal)
        return await self.append(conn, held, f"{step}_started", key=str(key), **more), key

    async def repeated(self, conn: Connection, held: Held, step: str) -> bool:
        """Whether the attempt under way had begun before and has left no result: it may have been carried out."""
        last = await QUERIES.effect_find(conn, case_id=held.case.case_id, step=step)
        return last is not None and last["result"] is not None

    async def unknown(self, conn: Connection, held: Held, step: str, key: UUID) -> Held:
        """An effect that may have happened or not, at a target that cannot be asked again: a person has to look."""
        await self.end(conn, key, "unknown")
        why = f"the step {step} was started and has no result; the target does not honour idempotency keys"
        held = await self.append(conn, held, "needs_person", why=why, unknown=step)
        zh = f"步骤 {step} 已开始但没有结果,目标不支持幂等键,需人工确认。"
        await self.alarm(conn, held, f"unknown-{step}", zh=zh, en=why)
        return held

    async def end(self, conn: Connection, key: UUID, state: str, **result: Any) -> None:
        """Write down how an effect ended."""
        await QUERIES.effect_end(conn, key=key, state=state, result=json.dumps(result))
