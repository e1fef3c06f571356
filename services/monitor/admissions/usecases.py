"""Admit and withdraw sources, and find the admissions in force. Each function is one transaction."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from libs.common import days, exact
from libs.common.clock import Clock
from libs.common.db.pool import Connection, Database
from libs.common.errors import Missing, Unknown
from libs.common.events.known import PLATFORMS
from libs.common.text import Text
from services.monitor.admissions import domain, store
from services.monitor.admissions.names import check_source
from services.monitor.assets import store as asset_store
from services.monitor.units import store as unit_store

RECORDED = "recorded by the registry and known to the monitor"
KNOWN = ", ".join(sorted(PLATFORMS))
NAMED = 10  # unknown names listed in a refusal
SKEW = timedelta(minutes=15)  # by which a sender's clock may be ahead, around midnight


class Gate:
    """The admissions of today, and the days that are taken; `late_days`: how far back a day may lie when it comes."""

    def __init__(self, database: Database, clock: Clock, late_days: int) -> None:
        self._database, self._clock = database, clock
        self.late_days = late_days

    def came(self, at: float | None = None) -> date:
        """The business day of arrival of a record that the broker appended `at` a time (seconds since 1970).

        Under a stepped clock the broker's time is unrelated to business days: the record came today.
        """
        today = self._clock.today()
        if at is None or self._clock.mode == "stepped":
            return today
        return min(today, datetime.fromtimestamp(at, UTC).astimezone(self._clock.zone).date())

    async def roll(self, at: float | None = None) -> domain.Roll:
        """The agents admitted now, and the days of which usage is taken that came `at` a time."""
        now = self._clock.now().astimezone(self._clock.zone)
        last = (now + SKEW).date() if self.came(at) == now.date() else self.came(at)
        first = max(exact.FIRST_DAY, days.later(self.came(at), -self.late_days))
        async with self._database.reading() as conn:
            return domain.Roll.of(await store.admitted(conn, now.date()), first, min(last, exact.LAST_DAY))


async def admit_source(
    database: Database, source: str, decided: domain.Admission, *, actor: str, today: date, at: datetime
) -> None:
    """Admit a source, change its permissions, or withdraw it, from a day on; repeating it changes nothing.

    Raises Invalid, Unknown, and Missing for the withdrawal of a source that was never admitted.
    """
    check_source(source)
    domain.check(decided, today=today)
    async with database.transaction("admit_source") as conn:
        await _check_known(conn, decided.scope)
        if decided.admitted:
            await store.QUERIES.source_known(conn, source=source, today=today)
        row = await store.QUERIES.source_lock(conn, source=source)
        latest = await store.latest_admission(conn, source)
        if row is None or (latest is None and not decided.admitted):
            raise Missing(what=source)
        if decided.same_as(latest):
            return
        await store.put_admission(conn, source, decided, actor=actor, at=at)
        move = store.QUERIES.source_admit if decided.admitted else store.QUERIES.source_withdraw
        await move(conn, source=source, since=decided.since)
        before = None if latest is None else domain.written(latest)
        await store.record_change(
            conn,
            source,
            "admission" if decided.admitted else "withdrawal",
            before,
            domain.written(decided),
            actor=actor,
            at=at,
        )


async def _check_known(conn: Connection, scope: domain.Scope) -> None:
    """Raise Unknown where a scope has an unrecorded name: it would silently cover nothing."""
    units = await unit_store.unknown(conn, scope.units or ())
    assets = await asset_store.unknown(conn, scope.assets or ())
    strange = sorted({*(scope.platforms or ())} - PLATFORMS)
    recorded = await asset_store.recorded_platforms(conn, strange)
    strange = [name for name in strange if name not in recorded]
    if units:
        raise Unknown(
            field="covers.units", accepted=RECORDED, what=Text(f"单位 {_named(units)}", f"unit {_named(units)}")
        )
    if strange:
        raise Unknown(
            field="covers.platforms",
            accepted=KNOWN,
            what=Text(f"平台 {_named(strange)}", f"platform {_named(strange)}"),
        )
    if assets:
        raise Unknown(
            field="covers.assets", accepted=RECORDED, what=Text(f"对象 {_named(assets)}", f"asset {_named(assets)}")
        )


def _named(unknown: Sequence[object]) -> str:
    return ", ".join(map(str, unknown[:NAMED]))
