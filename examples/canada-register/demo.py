"""The main job: a government's real register of accounts, recorded, watched, and its dead ones closed.

Starts the stack and the accounts' world, plays day after day, and compares what the product says in the end with
what was computed from the inputs before. Usage: python demo.py --help
"""

import argparse
import asyncio
import contextlib
import json
import logging
import shlex
import sys
import time
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import casefiles
import checks
import measure
import oracle
import prelude
import table
from cast import make
from client import SERVICES, Client, Refused
from day import Days
from desk import Desk
from digest import Exclusions, digest
from prelude import Disagreement, Switchboard
from register import AS_OF, CHANGES, REGISTER, Row, accounts, by_day, read_changes, read_register
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from scenario import Scenario, Windows
from stack import Stack, StackFailed, World, closed_port
from streams import Streams
from usage import Agents

BUILD = Path(__file__).parents[2] / "build"
SAID_EVERY = 30  # days between two lines where no progress bar can be seen
SERVICE_WINDOWS = tuple(f.name for f in fields(Windows) if not f.name.endswith("_after"))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Record, watch and close, on the real register of a government.")
    parser.add_argument("--days", type=int, default=210, help="the last N days of the log (434: all of it)")
    parser.add_argument("--seed", type=int, default=2025, help="of what is made up: usage, answers")
    parser.add_argument("--data", type=Path, default=BUILD / "demo-data", help="data directory, made anew")
    parser.add_argument("--json", type=Path, default=BUILD / "demo.json", help="where the table goes")
    parser.add_argument(
        "--keep", action=argparse.BooleanOptionalAction, default=True, help="keep the data directory, to look at it"
    )
    parser.add_argument("--stay", action="store_true", help="leave the stack running until Ctrl-C")
    parser.add_argument("--kill-each-once", action="store_true", help="kill -9 each service once on the way")
    parser.add_argument("--register", type=Path, default=REGISTER, help="another register than the real one")
    parser.add_argument("--changes", type=Path, default=CHANGES, help="another change log")
    parser.add_argument("--windows", type=json.loads, default={}, help='shorter windows, as {"answer_days": 3, …}')
    return parser.parse_args()


class Demo:
    """One run."""

    def __init__(self, asked: argparse.Namespace, console: Console) -> None:
        self.asked = asked
        self.console = console
        self.windows = Windows(**asked.windows)
        self.rows: list[Row] = read_register(asked.register)
        self.log = by_day(read_changes(asked.changes))
        self.accounts = accounts(self.rows, [row for day in sorted(self.log) for row in self.log[day]])
        self.scenario: Scenario = make(self.accounts, days=asked.days, seed=asked.seed, windows=self.windows)
        self.killer: Killer | None = None
        begun = time.monotonic()
        self.expected = oracle.expect(self.scenario, self.rows)
        console.print(
            f"{len(self.rows):,} lines of the register of {AS_OF}, {sum(map(len, self.log.values()))} of its log; "
            f"{asked.days} days from {self.scenario.start}; expectations computed in {time.monotonic() - begun:.1f} s"
        )

    def run(self) -> bool:
        """Whether everything came out as computed."""
        socket, nowhere = closed_port()
        world = World(self.asked.data.with_name(f"{self.asked.data.name}-world"), self.asked.seed)
        settings = {}
        if self.asked.windows:
            chosen = {name: getattr(self.windows, name) for name in SERVICE_WINDOWS}
            settings["JIANFU_DECOMMISSION_WINDOWS"] = json.dumps(chosen)
        egress = [f"127.0.0.1:{world.port}", nowhere]
        stack = Stack(self.asked.data, egress=egress, settings=settings)
        try:
            world.forget()
            world.start()
            stack.start(self.console)
            well = asyncio.run(self._with(stack, world, f"http://{nowhere}"))
        finally:
            stack.stop()
            world.kill()
            socket.close()
        if well and not self.asked.keep:  # what went wrong stays to be looked at
            stack.remove()
        return well

    async def _with(self, stack: Stack, world: World, nowhere: str) -> bool:
        state = stack.state
        tokens = await stack.tokens()
        client = Client(state["address"], tokens)
        try:
            async with Streams(state["kafka"], registrar=tokens["registrar"], agent=tokens["agent"]) as streams:
                board = Switchboard(client, world, self.scenario, nowhere)
                imported = await self._prepare(client, streams, world, board)
                days = self._days(client, streams, world, board)
                speed = await self._play(days, stack)
            return await self._finish(client, stack, world, days, imported, speed)
        finally:
            await client.close()

    async def _prepare(self, client: Client, streams: Streams, world: World, board: Switchboard) -> dict[str, int]:
        begun = time.monotonic()
        now = await prelude.step_clock(client, world, AS_OF)
        await prelude.configure(client, world)
        content = self.asked.register.read_bytes()
        imported = await prelude.import_register(client, content, self.console)
        await client.quiet()
        await board.connect()
        await prelude.check_ids(client, {row.identity for row in self.rows})
        self.console.print(f"imported in {time.monotonic() - begun:.1f} s: {imported['added']:,} accounts recorded")
        for day in sorted(self.log):
            if day < self.scenario.start:
                now = await prelude.step_clock(client, world, day)
                await prelude.apply_rows(client, streams, self.log[day], now, board)
        world.tell("manners", self.expected.closing.manners())
        return imported

    def _days(self, client: Client, streams: Streams, world: World, board: Switchboard) -> Days:
        desk = Desk(client, self.scenario)
        agents = Agents(self.scenario, desk.posts)
        return Days(client, streams, world, agents=agents, desk=desk, board=board, log=self.log, expected=self.expected)

    async def _play(self, days: Days, stack: Stack) -> float:
        """Days a second."""
        killer = self.killer = Killer(self.asked.days, stack) if self.asked.kill_each_once else None
        begun = time.monotonic()
        columns = (
            TextColumn("{task.fields[day]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TextColumn("{task.fields[found]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as progress:
            task = progress.add_task("", total=len(self.scenario.days), day="", speed="", found="")
            for n, day in enumerate(self.scenario.days):
                stack.check()
                sweep = await days.play(day, partial(killer.moment, n) if killer else lambda _: None)
                speed = (n + 1) / (time.monotonic() - begun)
                found = f"{sweep['zombie']} zombies, {sweep['unknown']} unknown"
                progress.update(task, advance=1, day=str(day), speed=f"{speed:.2f} days/s", found=found)
                if not self.console.is_terminal and (n + 1) % SAID_EVERY == 0:
                    print(f"{day}: {n + 1} days, {speed:.2f} a second, {found}", flush=True)
        return len(self.scenario.days) / (time.monotonic() - begun)

    async def _finish(
        self, client: Client, stack: Stack, world: World, days: Days, imported: dict[str, int], speed: float
    ) -> bool:
        touched = dict.fromkeys(row.identity for rows in self.log.values() for row in rows)
        findings, cases = await measure.findings(client), await measure.cases(client)
        measured = await measure.register_numbers(client, touched, imported)
        measured |= {"watched": days.watched, "unknown (account-days)": days.unknown}
        measured |= measure.finding_numbers(self.scenario, findings) | await measure.case_numbers(client, cases)
        found = table.lines(measured, self.expected.numbers)
        table.show(self.console, found)
        faults = [
            *days.differences,
            *(f"{line.name}: {line.measured}, computed {line.expected}" for line in found if not line.agrees),
            *checks.findings(findings, self.expected),
            *checks.cases(cases, self.expected),
            *checks.calls(world.calls(), crashed=self.asked.kill_each_once),
            *checks.pages(world.state()["stopped"], self.expected),
            *await checks.tombstones(client, cases),
            *await casefiles.check(client, stack, self.console, self.scenario.seed),
        ]
        whole, tables = await digest(stack.state["databases"], Exclusions.read())
        self._say(stack, days, speed, faults)
        print(f"digest: {whole}", flush=True)
        more: dict[str, Any] = {
            "digest": whole,
            "digest_tables": tables,
            "days": self.asked.days,
            "seed": self.asked.seed,
            "first_day": self.scenario.start,
            "killed": self.killer.killed if self.killer else [],
            "days_per_second": round(speed, 3),
            "seconds": {name: round(spent, 2) for name, spent in days.seconds.items()},
            "faults": faults,
        }
        table.write(self.asked.json, found, **more)
        await self._invite(stack, cases)
        return not faults

    def _say(self, stack: Stack, days: Days, speed: float, faults: list[str]) -> None:
        longest = sorted(days.seconds.items(), key=lambda item: -item[1])
        spent = ", ".join(f"{name} {seconds:.1f}" for name, seconds in longest)
        self.console.print(f"{speed:.2f} days a second, {days.beacons:,} beacons; seconds: {spent}", soft_wrap=True)
        for fault in faults:
            self.console.print(f"[bold red]✗[/] {fault}", soft_wrap=True)

    async def _invite(self, stack: Stack, cases: list[measure.Case]) -> None:
        """Where to look: now with --stay, else by one command on the data that was kept."""
        address = stack.state["address"]
        closed = next((case.asset for case in cases if case.state == "closed"), None)
        page = f"{address}/registry/v1/tombstones/{closed}" if closed else f"{address}/registry/v1/docs"
        if self.asked.stay:
            self.console.print(f"look at {address}/ and {page}; Ctrl-C ends it", soft_wrap=True)
            with contextlib.suppress(asyncio.CancelledError):  # Ctrl-C ends the stay, not a failed run
                await stack.wait()
        elif self.asked.keep:
            again = f"jianfu up --clock stepped --data {shlex.quote(str(self.asked.data))}"
            self.console.print(f"look: `{again}`, then {address}/ and {page}", soft_wrap=True)


class Killer:
    """Kills each service once: the registry in the second quarter, then the monitor, then decommission."""

    def __init__(self, days: int, stack: Stack) -> None:
        self._stack = stack
        self._due = {name: days * (n + 1) // 4 for n, name in enumerate(SERVICES)}
        self.killed: list[str] = []

    def moment(self, n: int, name: str) -> None:
        """On the `n`-th day, at a moment at which `name` may die."""
        if name in self._due and n >= self._due[name]:
            del self._due[name]
            self.killed.append(name)
            self._stack.kill_service(name)


def main() -> int:
    console = Console(highlight=False)
    # aiokafka warns on each connection that SASL without TLS is in the clear; the broker is on loopback.
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    try:
        return 0 if Demo(arguments(), console).run() else 1
    except (StackFailed, Disagreement, Refused) as error:
        console.print(f"[bold red]✗[/] {error}")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
