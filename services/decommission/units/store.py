"""Which units a token reads, by this service's copy of the tree."""

from collections.abc import Collection
from pathlib import Path
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from libs.common.security.tokens import Principal
from services.decommission.units.domain import NoUnit

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def reach(conn: Connection, who: Principal, readers: Collection[str]) -> UUID | None:
    """The unit to which, with those below it, a reader is bound; None for who has a role that reads all.

    Raises NoUnit for a unit's token that names no unit which is held: it reads nothing.
    """
    if who.roles & set(readers):
        return None
    code = who.unit_code
    found = None if code is None else await QUERIES.unit_by_code(conn, scheme=code[0], key=code[1])
    if found is None:
        raise NoUnit(scope=who.scope or "-")
    return UUID(str(found))


async def unit_may_speak(conn: Connection, scope: str | None, unit_id: UUID) -> bool:
    """Whether a token's unit is this unit or stands above it."""
    scheme, _, value = (scope or "").partition(":")
    return bool(value) and bool(
        await QUERIES.unit_covers(conn, scheme=scheme, key=" ".join(value.split()), below=unit_id)
    )
