"""Rows of mandates."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from services.decommission.mandates.domain import Mandate

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def under(conn: Connection, named: Iterable[str], rules: Iterable[str], day: date) -> dict[str, Mandate | None]:
    """For each rule, the mandate among those named by which it was approved, as it is now; None where there is none."""
    ids = [UUID(mandate_id) for mandate_id in named]
    found: dict[str, Mandate | None] = {}
    for rule in rules:
        row = await QUERIES.mandate_of_rule(conn, mandates=ids, rule=rule)
        found[rule] = None
        if row is not None:
            fields = dict(row) | {"mandate_id": str(row["mandate_id"])}
            used = await QUERIES.slots_under_mandate(conn, day=day, mandate_id=fields["mandate_id"], rule=rule)
            found[rule] = Mandate(**fields, used_today=used)
    return found
