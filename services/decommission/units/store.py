"""Which units a token reads, by this service's copy of the tree."""

from collections.abc import Collection
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.security.tokens import Principal
from services.decommission.cases.store import QUERIES
from services.decommission.refusals import NoUnit


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
