"""One number over the three databases: the same input gives the same rows, whatever died on the way.

Every column of every table counts, except those that `digest-excluded.yaml` names with a reason.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import yaml

EXCLUDED = Path(__file__).parent / "digest-excluded.yaml"


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What is left out: (database, table) to columns; `*` for all columns, and for any database."""

    columns: dict[tuple[str, str], frozenset[str]]

    @classmethod
    def read(cls, path: Path = EXCLUDED) -> "Exclusions":
        """Raises ValueError for an entry without a reason."""
        found: dict[tuple[str, str], frozenset[str]] = {}
        for entry in yaml.safe_load(path.read_text()):
            if len(entry.get("reason", "").split()) < 4:
                raise ValueError(f"{entry}: each exclusion says why")
            place = (entry["database"], entry["table"])
            found[place] = found.get(place, frozenset()) | frozenset(entry["columns"])
        return cls(found)

    def of(self, database: str, table: str) -> frozenset[str]:
        nothing: frozenset[str] = frozenset()
        return self.columns.get((database, table), nothing) | self.columns.get(("*", table), nothing)


async def digest(databases: dict[str, Any], exclusions: Exclusions) -> tuple[str, dict[str, str]]:
    """The SHA-256 over all, and that of each table, which tells where two runs differ."""
    tables: dict[str, str] = {}
    for name in sorted(databases):
        connection = await asyncpg.connect(**_reach(databases[name]), server_settings={"timezone": "UTC"})
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                for table, columns in (await _tables(connection)).items():
                    left_out = exclusions.of(name, table)
                    kept = [column for column in columns if column not in left_out]
                    if "*" not in left_out and kept:
                        tables[f"{name}.{table}"] = await _of_table(connection, table, kept)
        finally:
            await connection.close()
    whole = hashlib.sha256("".join(f"{name} {tables[name]}\n" for name in sorted(tables)).encode())
    return whole.hexdigest(), tables


def _reach(place: dict[str, Any]) -> dict[str, Any]:
    known = {name: place[name] for name in ("host", "port", "database", "user")}
    return known | {"password": Path(place["password_file"]).read_text().strip()}


async def _tables(connection: Any) -> dict[str, list[str]]:
    rows = await connection.fetch(
        "select table_name, column_name from information_schema.columns join information_schema.tables"
        " using (table_schema, table_name) where table_schema = 'public' and table_type = 'BASE TABLE'"
        " order by table_name, column_name"
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["table_name"], []).append(row["column_name"])
    return found


async def _of_table(connection: Any, table: str, columns: list[str]) -> str:
    """Over the rows as text, in the order of the text: the order on disk says nothing."""
    listed = ", ".join(f'"{column}"::text' for column in columns)
    rows = f'select to_json(array[{listed}])::text as line from "{table}"'  # noqa: S608 - names from the catalogue
    query = f'select line from ({rows}) as rows order by line collate "C"'  # noqa: S608
    hashed = hashlib.sha256(f"{','.join(columns)}\n".encode())
    async for row in connection.cursor(query, prefetch=5000):
        hashed.update(row["line"].encode() + b"\n")
    return hashed.hexdigest()
