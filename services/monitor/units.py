"""Which units a token reads, by the monitor's copy of the tree."""

from collections.abc import Collection
from uuid import UUID

from libs.common.auth import Principal
from libs.common.db import Connection
from libs.common.errors import Forbidden
from services.monitor import store


class NoUnit(Forbidden):
    """A unit's token reads what belongs to its unit, so that has to be known."""

    zh = "没有权限:此处没有令牌所属的单位 {scope}。"
    en = "Not allowed: the token's unit {scope} is not known here."


async def own(conn: Connection, scope: str | None) -> UUID | None:
    """The unit that a token's `unit` claim names by its own code; None where none is held under it, or not yet."""
    scheme, _, value = (scope or "").partition(":")
    if not scheme.strip() or not value.strip():
        return None
    found = await store.QUERIES.unit_by_code(conn, scheme=scheme.strip(), key=" ".join(value.split()))
    return None if found is None else UUID(str(found))


async def reach(conn: Connection, who: Principal, readers: Collection[str]) -> UUID | None:
    """The unit to which, with those below it, a reader is bound; None for who has a role that reads all.

    Raises NoUnit for a unit's token that names no unit which is held: it reads nothing.
    """
    if who.roles & set(readers):
        return None
    found = await own(conn, who.scope) if "unit" in who.roles else None
    if found is None:
        raise NoUnit(scope=who.scope or "-")
    return found
