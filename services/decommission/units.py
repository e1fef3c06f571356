"""Which units a token reads, by this service's copy of the tree."""

from collections.abc import Collection
from uuid import UUID

from libs.common.auth import Principal
from libs.common.db import Connection
from services.decommission.refusals import NoUnit
from services.decommission.store import QUERIES


async def own(conn: Connection, scope: str | None) -> UUID | None:
    """The unit that a token's `unit` claim names by its own code; None where none is held under it, or not yet."""
    scheme, _, value = (scope or "").partition(":")
    if not scheme.strip() or not value.strip():
        return None
    found = await QUERIES.unit_by_code(conn, scheme=scheme.strip(), key=" ".join(value.split()))
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
