"""How many rows PostgreSQL reads to answer a query: what a page costs."""

import json
from collections.abc import Iterator
from typing import Any

from libs.common.db.pool import Connection
from libs.common.db.queries import PLUMBING


class _Asked:
    """In the place of a connection: what a named query would send."""

    def __init__(self) -> None:
        self.sent: tuple[Any, ...] = ()

    async def fetch(self, *sent: Any) -> list[Any]:
        self.sent = sent
        return []


async def rows_read(conn: Connection, query: Any, table: str, **given: Any) -> int:
    """Rows of one table that a query reads, those included that it throws away; planned as lists are."""
    asked = _Asked()
    async for _ in query(asked, **given):
        pass
    sql, *values = asked.sent
    async with conn.transaction():
        await PLUMBING.plan_for_values(conn)
        text = await conn.fetchval(f"explain (analyze, format json) {sql}", *values)
    (explained,) = json.loads(text)
    return sum(_read(node) for node in _nodes(explained["Plan"]) if node.get("Relation Name") == table)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _read(node: dict[str, Any]) -> int:
    thrown = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int((node["Actual Rows"] + thrown) * node["Actual Loops"])
