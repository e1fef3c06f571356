"""What people do with alarms; one transaction each."""

from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.errors import Missing
from libs.common.text import Text
from services.decommission.alarms import store
from services.decommission.alarms.domain import AlarmEnded
from services.decommission.deps import Deps


async def acknowledge_alarm(deps: Deps, alarm_id: UUID, *, by: str, role: str, reason: str) -> None:
    """Somebody says that he is at it; the first word stays. Raises Missing, and AlarmEnded."""
    async with deps.database.transaction("acknowledge_alarm") as conn:
        state = await _alarm(conn, alarm_id)
        if state == "ended":
            raise AlarmEnded(alarm_id=str(alarm_id))
        if state == "open":
            at = deps.now()
            await store.QUERIES.alarm_step(
                conn, alarm_id=alarm_id, step="acknowledged", by=by, role=role, reason=reason, at=at
            )
            await store.QUERIES.alarm_state(conn, alarm_id=alarm_id, state="acknowledged")


async def end_alarm(deps: Deps, alarm_id: UUID, *, by: str, role: str, reason: str) -> None:
    """Somebody says that it is over; one that has ended stays as it ended. Raises Missing."""
    async with deps.database.transaction("end_alarm") as conn:
        await _alarm(conn, alarm_id)
        await store.end_alarm(conn, alarm_id, now=deps.now(), by=by, role=role, reason=reason)


async def _alarm(conn: Connection, alarm_id: UUID) -> str:
    """How an alarm stands, its row locked. Raises Missing."""
    row = await store.QUERIES.alarm_lock(conn, alarm_id=alarm_id)
    if row is None:
        raise Missing(what=Text(f"告警 {alarm_id}", f"alarm {alarm_id}"))
    return str(row["state"])
