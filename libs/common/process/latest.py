"""How far business time has come in a service's database: no clock over it may start before that."""

from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from libs.common import days
from libs.common.clock import ClockBehind
from libs.common.db.pool import Connection
from libs.common.db.queries import PLUMBING, load_queries

TOLERANCE = timedelta(minutes=1)  # by which the clocks of two machines may differ


async def business_time(conn: Connection, folder: Path, zone: tzinfo) -> datetime | None:
    """The latest business time: where a stepped clock stood, and what `latest.sql` of the service's folder finds.

    Of a day of which no instant is known it is the first one. None in a database in which nothing has happened.
    """
    stood = await PLUMBING.clock_read(conn)
    found = [stood] if stood is not None else []
    if (query := folder / "latest.sql").exists():
        row = await load_queries(query).latest_business_time(conn)
        found += [row["instant"]] if row["instant"] is not None else []
        found += [days.morning(row["day"], zone)] if row["day"] is not None else []
    return max(found, default=None)


def require_reached(now: datetime, latest: datetime | None) -> None:
    """Raise ClockBehind where the machine's clock is behind what the data says has happened already."""
    if latest is not None and now + TOLERANCE < latest:
        said, come = (at.isoformat(timespec="seconds") for at in (now, latest))
        raise ClockBehind(field="clock", accepted=f">= {come}", now=said, latest=come)
