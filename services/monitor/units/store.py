"""The monitor's copy of the tree of units, and which part of it a token reads. Takes a connection, never commits."""

from collections.abc import Collection, Sequence
from pathlib import Path
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from libs.common.errors import Forbidden
from libs.common.security.tokens import Principal
from libs.common.text import Text

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


class NoUnit(Forbidden):
    """A unit's token reads the data of its unit, so the unit has to be known."""

    says = Text(
        "没有权限:此处没有令牌所属的单位 {scope}。",
        "Not allowed: the token's unit {scope} is not known here.",
    )


async def reach(conn: Connection, who: Principal, readers: Collection[str]) -> UUID | None:
    """The unit to which, with those below it, a reader is bound; None for a role that reads all.

    Raises NoUnit for a unit's token that names no recorded unit: it reads nothing.
    """
    if who.roles & set(readers):
        return None
    code = who.unit_code
    unit = None if code is None else await QUERIES.unit_by_code(conn, scheme=code[0], key=code[1])
    if unit is None:
        raise NoUnit(scope=who.scope or "-")
    return UUID(str(unit))


async def unknown(conn: Connection, units: Sequence[UUID]) -> list[UUID]:
    """Those of the units that the register has not recorded, or not yet."""
    return [row["unit_id"] async for row in QUERIES.units_unknown(conn, units=list(units))]
