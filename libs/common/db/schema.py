"""The schema a service expects: forward-only numbered migrations, and which of them a database lacks."""

import hashlib
import re
from pathlib import Path

import asyncpg

from libs.common.db.pool import Connection, Database
from libs.common.db.queries import PLUMBING


class SchemaMismatch(RuntimeError):
    """The database's schema is not the one this code was written for."""


COMMON_MIGRATIONS = Path(__file__).with_name("migrations")


def _numbered(directory: Path) -> list[Path]:
    files = sorted(directory.glob("*.sql"))
    for index, file in enumerate(files, start=1):
        if not re.fullmatch(rf"{index:04d}_[a-z0-9_]+\.sql", file.name):
            raise ValueError(f"{file.name}: expected a name of the form {index:04d}_words.sql")
    return files


def expected(directory: Path) -> list[tuple[str, str, str]]:
    """(name, sha256, sql) of every migration that a service's schema consists of, in order."""
    found = []
    for prefix, folder in (("common", COMMON_MIGRATIONS), ("service", directory)):
        for file in _numbered(folder):
            sql = file.read_text()
            found.append((f"{prefix}/{file.name}", hashlib.sha256(sql.encode()).hexdigest(), sql))
    return found


async def lacking(conn: Connection, files: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Which of these files have not been applied. Raises SchemaMismatch when one has changed or one is unknown."""
    applied = {row["name"]: row["sha256"] async for row in PLUMBING.applied_migrations(conn)}
    unknown = sorted(set(applied) - {name for name, _, _ in files})
    if unknown:
        raise SchemaMismatch(f"the database holds migrations this version does not know: {', '.join(unknown)}")
    for name, sha256, _ in files:
        if applied.get(name, sha256) != sha256:
            raise SchemaMismatch(f"{name} was changed after it had been applied; write a new migration instead")
    return [file for file in files if file[0] not in applied]


async def require_schema(database: Database, directory: Path) -> None:
    """Refuse to run on a schema that lacks something, or holds something unknown.

    Raises SchemaMismatch, whose text says to run `jianfu migrate`.
    """
    async with database.reading() as conn:
        try:
            pending = await lacking(conn, expected(directory))
        except asyncpg.UndefinedTableError:
            raise SchemaMismatch("the database is empty; run `jianfu migrate` first") from None
    if pending:
        raise SchemaMismatch(f"{pending[0][0]} has not been applied; run `jianfu migrate` first")
