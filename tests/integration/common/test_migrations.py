"""The schema moves forward only, by the migrator alone; a service refuses one it does not know (architecture 9.9)."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.database import migrations
from deploy.database.migrations import migrate
from libs.common.db import pool
from libs.common.db.schema import SchemaMismatch, expected, require_schema
from tests.conftest import Urls
from tests.integration.common.conftest import MIGRATIONS, ROLE
from tests.kit.waiting import eventually


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A copy of the migrations that a test may change."""
    return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))


async def names(urls: Urls) -> list[str]:
    conn = await asyncpg.connect(urls.owner)
    try:
        return [row["name"] for row in await conn.fetch("select name from schema_migrations order by applied")]
    finally:
        await conn.close()


async def test_migrating_twice_is_a_no_op(empty_database: Any) -> None:
    """Forward only: what was applied is not applied again."""
    urls = await empty_database()
    assert await migrate(urls.owner, MIGRATIONS, service_role=ROLE) == await names(urls)
    assert await names(urls) == [
        "common/0001_plumbing.sql",
        "common/0002_when_it_was_appended.sql",
        "common/0003_senders_set_aside.sql",
        "common/0004_parked_ranges_are_read_again.sql",
        "common/0005_what_was_refused.sql",
        "service/0001_effects.sql",
    ]
    assert await migrate(urls.owner, MIGRATIONS, service_role=ROLE) == []


async def test_what_is_missing_is_applied_in_order(empty_database: Any, files: Path) -> None:
    """Expand before contract: a later version brings only its own files."""
    urls = await empty_database()
    await migrate(urls.owner, files, service_role=ROLE)
    (files / "0002_more.sql").write_text("alter table effects add column more int;")
    (files / "0003_most.sql").write_text("alter table effects rename column more to most;")
    assert await migrate(urls.owner, files, service_role=ROLE) == ["service/0002_more.sql", "service/0003_most.sql"]


async def test_a_changed_file_is_refused(empty_database: Any, files: Path) -> None:
    """An applied migration is history; changing it would make two databases of one version differ."""
    urls = await empty_database()
    await migrate(urls.owner, files, service_role=ROLE)
    with (files / "0001_effects.sql").open("a") as file:
        file.write("create table more (id int);\n")
    with pytest.raises(SchemaMismatch, match=r"0001_effects\.sql was changed"):
        await migrate(urls.owner, files, service_role=ROLE)


async def test_an_unknown_migration_is_refused(empty_database: Any, files: Path, connect: Any) -> None:
    """An old version must not work on a newer version's schema, neither migrate nor serve."""
    urls = await empty_database()
    (files / "0002_more.sql").write_text("create table more (id int);")
    await migrate(urls.owner, files, service_role=ROLE)
    (files / "0002_more.sql").unlink()
    with pytest.raises(SchemaMismatch, match=r"0002_more\.sql"):
        await migrate(urls.owner, files, service_role=ROLE)
    with pytest.raises(SchemaMismatch, match="does not know"):
        await require_schema(await connect(urls), files)


async def test_a_gap_in_the_numbers_is_refused(empty_database: Any, files: Path) -> None:
    """Two branches that took the same number, or a file that went missing, are seen before anything is applied."""
    urls = await empty_database()
    (files / "0003_more.sql").write_text("create table more (id int);")
    with pytest.raises(ValueError, match="0002_words"):
        await migrate(urls.owner, files, service_role=ROLE)
    (files / "0003_more.sql").rename(files / "0001_more.sql")
    with pytest.raises(ValueError, match="0002_words"):
        await migrate(urls.owner, files, service_role=ROLE)


async def test_a_failing_file_leaves_nothing_behind(empty_database: Any, files: Path) -> None:
    """Each file is one transaction: the earlier ones stand, the failing one did not happen."""
    urls = await empty_database()
    (files / "0002_half.sql").write_text("create table half (id int); select no_such_function();")
    with pytest.raises(asyncpg.UndefinedFunctionError):
        await migrate(urls.owner, files, service_role=ROLE)
    assert (await names(urls))[-1] == "service/0001_effects.sql"
    (files / "0002_half.sql").write_text("create table half (id int);")
    assert await migrate(urls.owner, files, service_role=ROLE) == ["service/0002_half.sql"]


async def test_migrators_run_alone(empty_database: Any, files: Path) -> None:
    """A numbered lock: of several migrators at once, each file is applied by one and found applied by the rest."""
    urls = await empty_database()
    done = await asyncio.gather(*(migrate(urls.owner, files, service_role=ROLE) for _ in range(4)))
    assert sorted(len(each) for each in done) == [0, 0, 0, 6]


async def test_a_migrator_waits_for_another_however_long(
    empty_database: Any, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its patience with tables is short, with another migrator it is not: an index may take an hour."""
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "50ms")
    urls = await empty_database()
    other = await asyncpg.connect(urls.owner)
    try:
        await other.execute("select pg_advisory_lock($1)", migrations.MIGRATION_LOCK)
        second = asyncio.create_task(migrate(urls.owner, files, service_role=ROLE))
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        await eventually(lambda: other.fetchval(waiting))
        await asyncio.sleep(0.3)
        assert not second.done()
    finally:
        await other.close()
    assert len(await second) == 6


async def test_a_migrator_does_not_wait_for_ever(empty_database: Any, files: Path) -> None:
    """Under lock_timeout: a migration that cannot have its table gives up, it does not queue up all readers."""
    urls = await empty_database()
    await migrate(urls.owner, files, service_role=ROLE)
    (files / "0002_more.sql").write_text(
        "do $$ begin assert current_setting('lock_timeout') = '5s'; end $$; set lock_timeout = '100ms';"
        "alter table effects add column more int;"
    )
    reader = await asyncpg.connect(urls.owner)
    try:
        async with reader.transaction():
            await reader.execute("select 1 from effects")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await migrate(urls.owner, files, service_role=ROLE)
    finally:
        await reader.close()


async def test_require_schema(empty_database: Any, connect: Any, files: Path) -> None:
    """A service refuses an empty database, one that is behind, and takes the one it was written for."""
    urls = await empty_database()
    database = await connect(urls)
    with pytest.raises(SchemaMismatch, match="run `jianfu migrate`"):
        await require_schema(database, files)
    await migrate(urls.owner, files, service_role=ROLE)
    await require_schema(database, files)
    (files / "0002_more.sql").write_text("create table more (id int);")
    with pytest.raises(SchemaMismatch, match=r"0002_more\.sql has not been applied"):
        await require_schema(database, files)


@pytest.mark.parametrize(
    "statement",
    [
        "update journal set line = 'changed'",
        "delete from journal",
        "truncate journal",
        "create table mine (id int)",
        "drop table effects",
        "alter table effects add column mine int",
        "update schema_migrations set sha256 = ''",
        "insert into schema_migrations (name, sha256) values ('x', 'y')",
        "alter table journal owner to jianfu_registry",
        "create schema mine",
    ],
)
async def test_what_the_service_role_may_not(store: pool.Database, statement: str) -> None:
    """Architecture 9.9: no DDL for the service, and neither UPDATE nor DELETE on what is append-only."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await store.pool.execute(statement)


async def test_what_the_service_role_may(store: pool.Database) -> None:
    """The counterpart: its own rows it reads and writes, and to a log it adds."""
    await store.pool.execute("insert into journal (line) values ('one')")
    assert await store.pool.fetchval("select line from journal") == "one"
    await store.pool.execute("insert into things (thing) values ('a')")
    assert await store.pool.execute("update things set version = 1") == "UPDATE 1"
    assert await store.pool.execute("delete from things") == "DELETE 1"


async def test_reading_is_one_snapshot_and_writes_nothing(store: pool.Database) -> None:
    """Pages and reports agree with themselves."""
    await store.pool.execute("insert into things (thing) values ('a')")
    async with store.reading() as conn:
        assert await conn.fetchval("select count(*) from things") == 1
        await store.pool.execute("insert into things (thing) values ('b')")
        assert await conn.fetchval("select count(*) from things") == 1
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await conn.execute("insert into things (thing) values ('c')")


async def test_a_commit_wakes_and_a_rollback_does_not(store: pool.Database) -> None:
    """The poke comes after commit only."""
    woken: list[int] = []
    store.after_commit = lambda: woken.append(1)
    async with store.transaction("one") as conn:
        await conn.execute("insert into things (thing) values ('a')")
        assert woken == []
    assert woken == [1]
    with pytest.raises(ZeroDivisionError):
        await failing(store)
    assert woken == [1]


async def failing(store: pool.Database) -> None:
    async with store.transaction("two") as conn:
        await conn.execute("insert into things (thing) values ('b')")
        raise ZeroDivisionError


def test_names_are_numbered(tmp_path: Path) -> None:
    """A name that says nothing, or has no number, is refused."""
    for name in ("1_x.sql", "0001-x.sql", "0001_X.sql", "first.sql"):
        folder = tmp_path / name.replace(".", "_")
        folder.mkdir()
        (folder / name).write_text("select 1;")
        with pytest.raises(ValueError, match="0001_words"):
            expected(folder)
