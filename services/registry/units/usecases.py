"""Units: recorded when first named, added to by registrars; which of them a token may speak for."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from libs.common.db.pool import Connection, Database
from libs.common.errors import Unknown
from libs.common.events.intake import UnitRef
from libs.common.events.registry import UnitRecorded
from libs.common.outbox.emit import emit
from libs.common.security.tokens import Principal
from libs.common.text import Text
from services.registry.spelling.languages import language_tag
from services.registry.spelling.texts import shown
from services.registry.units import domain, store
from services.registry.units.domain import OutOfScope, UnitAdditions, UnitCodeTaken, UnitCycle
from services.registry.units.store import QUERIES


async def ensure_unit(
    conn: Connection, ref: UnitRef, *, now: datetime, field: str = "sponsor.value", name_field: str = "sponsor.name"
) -> UUID:
    """The unit a declaration names, recorded on first sight; a new name of it is kept beside the others.

    Raises Invalid for a code that its scheme does not allow, also one recorded before codes were checked.
    """
    row = await store.unit(conn, *domain.unit_code(ref.scheme, ref.value, field=field))
    language, name = language_tag(ref.language), shown(name_field, ref.name)
    if row is None:
        unit_id = domain.unit_id(ref)
        if await store.add_unit(conn, ref, now=now):
            await QUERIES.unit_name_add(conn, unit_id=unit_id, language=language, name=name)
            await emit(conn, await store.unit_event(conn, unit_id), sequence=1, time=now)
            return unit_id
    else:
        unit_id = UUID(str(row["unit_id"]))
    known = {n["name"] async for n in QUERIES.unit_names(conn, unit_id=unit_id)}
    if name not in known:
        await _add(conn, unit_id, UnitAdditions(names=((language, name),)), now=now)
    return unit_id


async def _add(conn: Connection, unit_id: UUID, additions: UnitAdditions, *, now: datetime) -> None:
    row = await QUERIES.unit_lock(conn, unit_id=unit_id)
    added = [
        await QUERIES.unit_name_add(conn, unit_id=unit_id, language=lang, name=text) for lang, text in additions.names
    ]
    facts = (additions.parent or row["parent_id"], additions.level or row["level"], additions.region or row["region"])
    if not any(added) and facts == (row["parent_id"], row["level"], row["region"]):
        return
    version = row["version"] + 1
    await QUERIES.unit_change(
        conn, unit_id=unit_id, version=version, parent_id=facts[0], level=facts[1], region=facts[2], changed_at=now
    )
    await emit(conn, await store.unit_event(conn, unit_id), sequence=version, time=now)


async def record_unit(
    database: Database, ref: UnitRef, additions: UnitAdditions, *, parent: tuple[str, str] | None, now: datetime
) -> tuple[UnitRecorded, list[tuple[str, str]]]:
    """Record a unit or add facts to it; answers its record and all its codes.

    Raises Unknown when the parent is not recorded, UnitCycle when it is below, UnitCodeTaken for another's code.
    """
    async with database.transaction("record_unit") as conn:
        above = None
        if parent is not None:
            row = await store.unit(conn, *parent)
            if row is None:
                named = f"{parent[0]}:{parent[1]}"
                raise Unknown(
                    field="parent", accepted="a unit that is recorded", what=Text(f"单位 {named}", f"unit {named}")
                )
            above = row["unit_id"]
        unit_id = await ensure_unit(conn, ref, now=now, field="value", name_field="names")
        if above is not None and await QUERIES.unit_covers(conn, above=unit_id, below=above):
            raise UnitCycle(field="parent", accepted="a unit that is not below this one", parent=above)
        for code in additions.aliases:
            await _alias(conn, unit_id, *domain.unit_code(*code, field="aliases"))
        names = tuple((language_tag(lang), shown("names", text)) for lang, text in additions.names)
        await _add(
            conn,
            unit_id,
            UnitAdditions(names=names, parent=above, level=additions.level, region=additions.region),
            now=now,
        )
        return await store.unit_event(conn, unit_id), await store.aliases(conn, unit_id)


async def _alias(conn: Connection, unit_id: UUID, scheme: str, value: str) -> None:
    await QUERIES.unit_alias_add(conn, scheme=scheme, key=domain.unit_key(value), unit_id=unit_id)
    row = await store.unit(conn, scheme, value)
    if row is None or row["unit_id"] != unit_id:
        raise UnitCodeTaken(field="aliases", value=f"{scheme}:{value}", unit_id=row["unit_id"] if row else "?")


async def require_scope(conn: Connection, who: Principal, unit_id: UUID) -> None:
    """Registrars speak for all; a unit for its own subtree. Raises OutOfScope."""
    if "registrar" in who.roles:
        return
    own = await _own(conn, who)
    if own is None or not await QUERIES.unit_covers(conn, above=own, below=unit_id):
        raise OutOfScope(scope=who.scope or "-")


async def reach(conn: Connection, who: Principal, readers: Collection[str]) -> UUID | None:
    """The unit to which, with those below it, a reader is bound; None for a reader with a role that reads all.

    Raises OutOfScope for a unit's token that names no unit which is recorded: it reads nothing.
    """
    if who.roles & set(readers):
        return None
    own = await _own(conn, who)
    if own is None:
        raise OutOfScope(scope=who.scope or "-")
    return own


async def _own(conn: Connection, who: Principal) -> UUID | None:
    """The unit that a token names, where it is a unit's and the unit is recorded."""
    scheme, _, value = (who.scope or "").partition(":")
    if "unit" not in who.roles or not scheme.strip() or not value.strip():
        return None
    row = await store.unit(conn, scheme, value)
    return None if row is None else UUID(str(row["unit_id"]))
