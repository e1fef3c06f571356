"""Strangers at the door: large, slow and many. Others are served as ever, and the kill switch answers at once."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from tests.acceptance.house import SERVICES, House, eventually
from tests.attack import counting
from tests.attack.counting import Counts

pytestmark = pytest.mark.acceptance
MOST_MB = 1000.0
LIGHT = "/registry/v1/verify?address=https://x.com/nobody"
USUAL_SIZE = 23 * 1024 * 1024
ELSEWHERE = ("127.0.0.2", "127.0.0.3", "127.0.0.4")  # what an attack comes from; bystanders come from 127.0.0.1
DAY = "2000-01-01"  # which has come, wherever the clock of the shared house stands
HEAD = "account,platform,department,language,url\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def besieged(house: House, counts: Counts, *, seconds: float = 1.5) -> AsyncIterator[None]:
    """While the block runs, and for `seconds` at least, others go on undisturbed and the kill switch answers."""
    waited: list[float] = []
    headers = {"Authorization": f"Bearer {house.token('operator')}"}

    async def switch(client: httpx.AsyncClient) -> None:
        while True:
            begun = time.monotonic()
            reply = await client.post("/decommission/v1/kill-switch", json={"on": False}, headers=headers)
            waited.append(time.monotonic() - begun)
            assert counts.answer(reply).status_code == 204, reply.text
            await asyncio.sleep(0.2)

    ends = time.monotonic() + seconds
    pids = {name: house.stack["services"][name]["pid"] for name in SERVICES}
    async with (
        httpx.AsyncClient(base_url=house.stack["address"], timeout=30) as client,
        counting.bystander(counts, house.stack["address"] + LIGHT, every=0.005) as seen,
    ):
        switching = asyncio.create_task(switch(client))
        await eventually(lambda: waited)
        waited.clear()  # that one was in peace: it opened connections
        try:
            yield
            while time.monotonic() < ends or not waited or len(seen.times) <= 100:
                await asyncio.sleep(0.05)
            if switching.done():
                switching.result()
        finally:
            switching.cancel()
            with suppress(asyncio.CancelledError):
                await switching
    assert seen.failures == []
    assert seen.p99 < 1, f"a bystander waited {seen.p99:.2f} s"
    assert max(waited) < 1, f"the kill switch took {max(waited):.2f} s"
    assert counts.memory(*pids.values(), house.stack["gateway"]["pid"]) < MOST_MB


def from_elsewhere(house: House, which: int = 0) -> httpx.AsyncClient:
    """A client at another address than the bystander's."""
    transport = httpx.AsyncHTTPTransport(local_address=ELSEWHERE[which])
    return httpx.AsyncClient(base_url=house.stack["address"], transport=transport, timeout=60)


async def connect(house: House, which: int, *, room: int | None = None) -> Connection:
    """A connection from elsewhere; `room` is how many bytes its system takes of answers that nobody reads."""
    away = socket.socket()
    if room is not None:
        away.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    away.setblocking(False)
    away.bind((ELSEWHERE[which], 0))
    await asyncio.get_running_loop().sock_connect(away, ("127.0.0.1", house.stack["gateway"]["port"]))
    return await asyncio.open_connection(sock=away)


def let_go(held: Sequence[Connection]) -> None:
    for _, writer in held:
        writer.transport.abort()


@pytest.mark.parametrize(("role", "refusal"), [(None, 401), ("viewer", 403), ("agent", 413)])
async def test_large_bodies_cost_nobody_anything(
    house: House, counts: Counts, size: int, role: str | None, refusal: int
) -> None:
    """23 MiB of JSON from somebody unknown, somebody who may not, and somebody who may."""
    body = b'{"source": "s", "records": [' + b"0," * (USUAL_SIZE // 2) + b"0]}"
    fits = body[: 5 * 1024 * 1024]
    headers = {"Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {house.token(role)}"} if role else {}
    async with besieged(house, counts), from_elsewhere(house) as client:
        for _ in range(size):
            async with asyncio.TaskGroup() as group:
                sent = [
                    group.create_task(client.post("/monitor/v1/usage", content=content, headers=headers))
                    for content in (body, fits, body)
                ]
            statuses = [counts.answer(each.result()).status_code for each in sent]
            assert statuses == [413, refusal if role != "agent" else 422, 413]


async def test_many_keys_and_many_faults_cost_nobody_anything(house: House, counts: Counts, size: int) -> None:
    """1.8 million keys are larger than any route of theirs; as many as fit are refused within a moment, ten of them
    named."""
    many = b"{" + b",".join(b'"%d":0' % n for n in range(1_800_000)) + b"}"
    some = b"{" + b",".join(b'"%d":0' % n for n in range(6_000)) + b"}"
    deep = b"[" * 30_000 + b"]" * 30_000
    wrong = b'{"source":"s","day":"2025-06-01","records":1,"revision":1,"assets":[' + b"0," * 500_000 + b"0]}"
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {house.token('agent', 'registrar')}"}
    async with besieged(house, counts), from_elsewhere(house) as client:
        for _ in range(size):
            for path, content, statuses in (
                ("/registry/v1/assets", many, {413}),
                ("/registry/v1/assets", some, {422}),
                ("/registry/v1/assets", deep, {400, 422}),
                ("/monitor/v1/usage", some, {422}),
                ("/monitor/v1/usage", deep, {422}),
                ("/monitor/v1/statements", wrong, {422}),
            ):
                reply = counts.answer(await client.post(path, content=content, headers=headers))
                assert reply.status_code in statuses, (path, reply.text[:300])
                assert len(reply.json()["errors"]) <= 10


async def test_dripping_bodies_hold_up_nobody(house: House, counts: Counts, size: int) -> None:
    """210 requests whose bodies come byte by byte, from three addresses."""
    head = "POST /decommission/v1/kill-switch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {house.token('operator')}\r\nContent-Length: 60000\r\n\r\n"
    held: list[Connection] = []
    try:
        async with besieged(house, counts, seconds=2.0):
            held = [await connect(house, which % 3) for which in range(210)]
            for _, writer in held:
                writer.write(head.encode())
            for _ in range(10 * size):
                for _, writer in held:
                    writer.write(b" ")
                await asyncio.sleep(0.1)
    finally:
        let_go(held)
    counts.requests += len(held)


async def test_half_a_head_holds_up_nobody(house: House, counts: Counts, size: int) -> None:
    """600 connections that never say what they want: those of one address are limited, and all are ended in time."""
    held: list[Connection] = []
    try:
        async with besieged(house, counts, seconds=2.0):
            for which in range(600):
                held.append(await connect(house, which % 3))
                held[-1][1].write(b"GET /registry/v1/verify HTTP/1.1\r\nHost: x\r\nX-Half: ")
            ended = [asyncio.create_task(reader.read()) for reader, _ in held]
            await eventually(lambda: sum(task.done() for task in ended) >= 300, 10)
            assert all(b" 429 " in task.result()[:20] for task in ended if task.done())
        if size > 1:  # the rest has its ten seconds
            await asyncio.wait(ended, timeout=30)
            assert sum(b" 408 " in task.result()[:20] for task in ended) >= 250
    finally:
        let_go(held)
    counts.requests += len(held)
    counts.refused += 300


async def test_who_reads_no_answers_holds_up_nobody(house: House, counts: Counts, size: int) -> None:
    """Answers that nobody takes: many requests at once on each of many connections, nothing of it read."""
    ask = b"GET /decommission/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    held: list[Connection] = []
    try:
        async with besieged(house, counts, seconds=2.0 * size):
            for which in range(30):
                held.append(await connect(house, which % 3, room=4096))
                held[-1][1].transport.pause_reading()  # type: ignore[attr-defined]
                held[-1][1].write(ask * 3)
                await asyncio.sleep(0.02)  # one after the other: it is their number that lasts, not a rush
    finally:
        let_go(held)
    counts.requests += len(held)


def accounts(kind: str, rows: int) -> bytes:
    lines = (f"{kind} {n},X,Example county,en,https://x.com/{kind}{n}\n" for n in range(rows))
    return (HEAD + "".join(lines)).encode()


async def test_two_imports_run_and_the_rest_comes_back_later(house: House, counts: Counts, size: int) -> None:
    """Eight at once: two are done, six are told when to come back."""
    headers = {"Authorization": f"Bearer {house.token('registrar')}"}
    async with besieged(house, counts), from_elsewhere(house) as client:

        async def send(which: int) -> httpx.Response:
            path = f"/registry/v1/imports?source=siege{which}&on={DAY}&mode=dry-run"
            content = accounts(f"e{which}", 3_000 * min(size, 3))
            return counts.answer(await client.post(path, content=content, headers=headers))

        replies = await asyncio.gather(*map(send, range(8)))
    done = [reply for reply in replies if reply.status_code == 200]
    busy = [reply for reply in replies if reply.status_code == 429]
    assert (len(done), len(busy)) == (2, 6)
    assert all(int(reply.headers["retry-after"]) > 0 for reply in busy)
    assert all(reply.json()["code"] == "imports_busy" for reply in busy)


async def test_an_import_that_nobody_waits_for_makes_room(house: House, counts: Counts, size: int) -> None:
    """It stops between two chunks, and others get their turn."""
    headers = {"Authorization": f"Bearer {house.token('registrar')}"}
    path = f"/registry/v1/imports?source=siege&on={DAY}&mode=dry-run"
    small = accounts("small", 10)
    async with besieged(house, counts), from_elsewhere(house) as client:

        async def insist(content: bytes) -> None:
            while counts.answer(await client.post(path, content=content, headers=headers)).status_code == 429:
                pass

        async def turned_away() -> bool:
            return counts.answer(await client.post(path, content=small, headers=headers)).status_code == 429

        for turn in range(2 * size):
            files = [accounts(f"gone{turn}{n}", 60_000) for n in range(2)]
            leaving = [asyncio.create_task(insist(content)) for content in files]
            await eventually(turned_away, 20)
            for task in leaving:
                task.cancel()
            await asyncio.gather(*leaving, return_exceptions=True)

            async def taken() -> bool:
                return counts.answer(await client.post(path, content=small, headers=headers)).status_code == 200

            await eventually(taken, 20)
