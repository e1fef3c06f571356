"""What a database held before an upgrade, and what becomes of it."""

import json
import shutil
from pathlib import Path

import asyncpg

from deploy.local.postgres import OWNER, LocalPostgres
from deploy.migrations import migrate
from libs.common import auth
from services.decommission import keys
from services.decommission.main import MIGRATIONS
from tests.acceptance.world import unit_key

UNIT = "00000000-0000-0000-0000-000000000007"


async def test_an_endpoint_that_one_operator_had_set_is_a_proposal(postgres: LocalPostgres, tmp_path: Path) -> None:
    """Nobody had proved or confirmed it, so it proves nothing until somebody does; who had set it is kept."""
    before = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, before, ignore=lambda _, names: [name for name in names if name >= "0009"])
    public = auth.public_key(unit_key("alpha"))
    admin = await asyncpg.connect(postgres.url())
    await admin.execute(f"create database upgraded owner {OWNER}")
    await admin.close()
    url = postgres.url("upgraded", user=OWNER)
    await migrate(url, before, service_role="jianfu_decommission")
    conn = await asyncpg.connect(url)
    try:
        await conn.execute(
            "insert into endpoints (unit_id, url, public_key) values ($1, 'http://h', $2)", UNIT, json.dumps(public)
        )
        await conn.execute(
            "insert into setup_changes (what, which, after, actor, at) values ('endpoint', $1, '{}', 'op', now())", UNIT
        )
        await migrate(url, MIGRATIONS, service_role="jianfu_decommission")
        (row,) = await conn.fetch("select * from unit_key_states")
    finally:
        await conn.close()
    assert (row["thumbprint"], row["set_by"], row["url"]) == (keys.thumbprint(public), "op", "http://h")
    assert (row["proved_at"], row["confirmed_at"], row["in_force_from"]) == (None, None, None)
