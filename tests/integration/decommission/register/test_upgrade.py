"""What a database held before an upgrade, and what becomes of it."""

import json
import shutil
from pathlib import Path

import asyncpg
import pytest

from deploy.database.migrations import migrate
from deploy.local.postgres import OWNER, LocalPostgres
from libs.common.security import tokens
from services.decommission.keys import domain as key_domain
from services.decommission.main import MIGRATIONS
from tests.acceptance.world import unit_key

UNIT = "00000000-0000-0000-0000-000000000007"


async def test_an_endpoint_that_one_operator_had_set_is_a_proposal(postgres: LocalPostgres, tmp_path: Path) -> None:
    """Nobody had proved or confirmed it, so it proves nothing until somebody does; who had set it is kept."""
    before = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, before, ignore=lambda _, names: [name for name in names if name >= "0009"])
    public = tokens.public_key(unit_key("alpha"))
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
    assert (row["thumbprint"], row["set_by"], row["url"]) == (key_domain.thumbprint(public), "op", "http://h")
    assert (row["proved_at"], row["confirmed_at"], row["in_force_from"]) == (None, None, None)


CASE, PLAN = (f"00000000-0000-0000-0000-00000000000{number}" for number in (1, 2))


@pytest.mark.parametrize(
    ("kinds", "plan"),
    [("opened", None), ("opened planned", PLAN), ("opened planned unplanned", None), ("opened planned approved", PLAN)],
)
async def test_a_case_in_a_plan_and_an_alarm_from_before_are_what_they_were(
    postgres: LocalPostgres, tmp_path: Path, kinds: str, plan: str | None
) -> None:
    """Which plan a case is in is read from its log; an alarm is open until somebody has looked."""
    before = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, before, ignore=lambda _, names: [name for name in names if name >= "0012"])
    name = f"upgraded_{len(kinds)}"
    admin = await asyncpg.connect(postgres.url())
    await admin.execute(f"create database {name} owner {OWNER}")
    await admin.close()
    url = postgres.url(name, user=OWNER)
    await migrate(url, before, service_role="jianfu_decommission")
    conn = await asyncpg.connect(url)
    try:
        await conn.execute(
            "insert into cases (case_id, asset_id, ordinal, finding_id, rule, state, version, opened_at, windows)"
            " values ($1, $1, 1, $1, 'C15', 'planned', 1, now(), '{}')",
            CASE,
        )
        for seq, kind in enumerate(kinds.split(), start=1):
            await conn.execute(
                "insert into case_log (case_id, seq, at, actor, kind, data, previous, sha256)"
                " values ($1, $2, now(), 'jianfu', $3, $4, '', '')",
                CASE,
                seq,
                kind,
                json.dumps({"plan_id": PLAN}),
            )
        await conn.execute(
            "insert into alarms (alarm_id, case_id, kind, text_zh, text_en, at) values ($1, $1, 'k', 'z', 'e', now())",
            CASE,
        )
        await migrate(url, MIGRATIONS, service_role="jianfu_decommission")
        (case,) = await conn.fetch("select plan_id::text from cases")
        (alarm,) = await conn.fetch("select state, about::text from alarms")
    finally:
        await conn.close()
    assert case["plan_id"] == plan
    assert (alarm["state"], alarm["about"]) == ("open", CASE)
