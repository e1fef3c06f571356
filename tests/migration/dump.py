"""A database as files that people can read: its schema as SQL, each table that holds rows as CSV."""

import os
import re
import subprocess
from io import BytesIO
from pathlib import Path

import asyncpg

from deploy.local import postgres_host
from deploy.local.postgres import OWNER
from libs.common.db.pool import Connection

SCHEMA = "schema.sql"
# Machine time differs from run to run and means nothing: each such column holds this instant.
MACHINE = "2025-01-01T00:00:00Z"
TABLES = """
select c.oid::int as oid, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind = 'r' order by c.relname
"""
COLUMNS = """
select a.attname as name, coalesce(pg_get_expr(d.adbin, d.adrelid), '') like 'clock_timestamp(%' as machine
from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = $1::int::oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attnum
"""
KEY = """
select a.attname as name from pg_index i
cross join lateral unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
where i.indrelid = $1::int::oid and i.indisprimary order by k.place
"""
SEQUENCES = """
select format('select setval(%L, coalesce((select max(%I) from %I), 0) + 1, false)',
    pg_get_serial_sequence(quote_ident(c.relname), a.attname), a.attname, c.relname) as sql
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind = 'r' and a.attidentity <> ''
"""


async def write(url: str, folder: Path) -> None:
    """Write a database's schema and rows; the same database gives the same files."""
    _schema_into(url, folder)
    conn = await asyncpg.connect(url, server_settings={"timezone": "UTC", "datestyle": "ISO"})
    try:
        for table in await conn.fetch(TABLES):
            rows = await _rows(conn, table["oid"], table["name"])
            if rows.count(b"\n") > 1:
                (folder / f"{table['name']}.csv").write_bytes(rows)
    finally:
        await conn.close()


def _schema_into(url: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SCHEMA).write_text(_schema(url))


def _schema(url: str) -> str:
    """What pg_dump says of the schema, without what only psql understands or what differs from release to release."""
    program = postgres_host.binaries() / "pg_dump"
    done = subprocess.run(
        [program, "--schema-only", "--no-owner", "--no-privileges", url],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.defpath},
    )
    lines = (
        line for line in done.stdout.splitlines() if not line.startswith(("\\", "--", "SET ", "SELECT pg_catalog"))
    )
    text = "\n".join(line for line in lines if not line.startswith("CREATE SCHEMA"))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


async def _rows(conn: Connection, oid: int, table: str) -> bytes:
    columns = await conn.fetch(COLUMNS, oid)
    key = ", ".join(f'"{row["name"]}"' for row in await conn.fetch(KEY, oid)) or "1"
    shown = ", ".join(
        f"timestamptz '{MACHINE}' as \"{row['name']}\"" if row["machine"] else f'"{row["name"]}"' for row in columns
    )
    into = BytesIO()
    query = f'select {shown} from "{table}" order by {key}'  # noqa: S608 - names from the catalogue
    await conn.copy_from_query(query, output=into, format="csv", header=True)
    return into.getvalue()


async def read(url: str, folder: Path) -> None:
    """Fill an empty database, as its superuser, with what was written."""
    conn = await asyncpg.connect(url, server_settings={"timezone": "UTC", "datestyle": "ISO"})
    try:
        async with conn.transaction():
            await conn.execute("set local check_function_bodies = off")  # a function may name what comes after it
            await conn.execute(f"set local role {OWNER}")
            await conn.execute((folder / SCHEMA).read_text())
            await conn.execute("reset role")
            await conn.execute("set local session_replication_role = replica")  # rows come table by table
            for table in await conn.fetch(TABLES):
                file = folder / f"{table['name']}.csv"
                await conn.execute(f'delete from "{table["name"]}"')  # noqa: S608 - a name from the catalogue
                if file.exists():
                    columns = file.read_bytes().split(b"\n", 1)[0].decode().split(",")
                    await conn.copy_to_table(
                        table["name"], source=BytesIO(file.read_bytes()), format="csv", header=True, columns=columns
                    )
            for row in await conn.fetch(SEQUENCES):
                await conn.execute(row["sql"])
    finally:
        await conn.close()
