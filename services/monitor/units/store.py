"""Which units a token reads, by the monitor's copy of the tree."""

from collections.abc import Collection
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.errors import Forbidden
from libs.common.security.tokens import Principal
from services.monitor.verdicts import store


class NoUnit(Forbidden):
    """A unit's token reads what belongs to its unit, so that has to be known."""

    zh = "没有权限:此处没有令牌所属的单位 {scope}。"
    en = "Not allowed: the token's unit {scope} is not known here."


async def reach(conn: Connection, who: Principal, readers: Collection[str]) -> UUID | None:
    """The unit to which, with those below it, a reader is bound; None for who has a role that reads all.

    Raises NoUnit for a unit's token that names no unit which is held: it reads nothing.
    """
    if who.roles & set(readers):
        return None
    code = who.unit_code
    found = None if code is None else await store.QUERIES.unit_by_code(conn, scheme=code[0], key=code[1])
    if found is None:
        raise NoUnit(scope=who.scope or "-")
    return UUID(str(found))
