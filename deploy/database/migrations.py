"""Migrations applied: forward only, one migrator at a time, then the service's role is granted what it needs."""

import re
from pathlib import Path

import asyncpg

from libs.common.db.pool import Connection
from libs.common.db.queries import PLUMBING
from libs.common.db.schema import expected, lacking

MIGRATION_LOCK = 0x6A69616E  # any fixed number: migrators of one database wait for each other
LOCK_TIMEOUT = "5s"


async def migrate(url: str, directory: Path, *, service_role: str | None) -> list[str]:
    """Apply what is missing, each file in its own transaction; returns the names applied.

    Runs alone (an advisory lock) and never waits long for a table (lock_timeout). Then grants the
    service's role what it needs: no DDL, and neither UPDATE nor DELETE on tables whose comment begins
    with `append-only`. Raises SchemaMismatch when an applied file has changed or is unknown here.
    """
    conn: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url, server_settings={"timezone": "UTC"})
    try:
        # before any lock_timeout, which would end this wait too: another migrator may be at work for long
        await conn.execute("set lock_timeout = 0; set statement_timeout = 0")
        await conn.execute("select pg_advisory_lock($1)", MIGRATION_LOCK)
        await conn.execute(f"set lock_timeout = '{LOCK_TIMEOUT}'")
        await PLUMBING.migrations_table(conn)
        files = expected(directory)
        pending = await lacking(conn, files)
        for name, sha256, sql in pending:
            async with conn.transaction():
                await conn.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")  # whatever an earlier file has set
                await conn.execute(sql)
                await PLUMBING.record_migration(conn, name=name, sha256=sha256)
        if service_role is not None:
            await _grant(conn, service_role)
        return [name for name, _, _ in pending]
    finally:
        await conn.close()


async def _grant(conn: Connection, role: str) -> None:
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", role):
        raise ValueError(f"{role!r} is no plain role name")
    async with conn.transaction():
        await conn.execute("revoke create on schema public from public")  # before PostgreSQL 15 anyone may
        await conn.execute(f"grant usage on schema public to {role}")
        await conn.execute(f"grant usage on all sequences in schema public to {role}")
        async for table in PLUMBING.tables(conn):
            name = f'"{table["name"]}"'
            if table["name"] == "schema_migrations":
                rights = "select"
            elif table["comment"].startswith("append-only"):
                rights = "select, insert"
            else:
                rights = "select, insert, update, delete"
            await conn.execute(f"revoke all on {name} from {role}")
            await conn.execute(f"grant {rights} on {name} to {role}")
