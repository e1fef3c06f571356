"""Places of a target: two and no more, and no call keeps one from what is urgent for longer than its time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from libs.common.outbound import egress
from libs.common.outbound.egress import Egress, GaveWay
from libs.common.outbound.targets import AT_ONCE, FAILURES, LEAST_TIME, TIME, Place, Targets
from tests.kit.waiting import eventually


class Now:
    """Machine seconds, told by the test."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Limit(asyncio.Timeout):
    """What ends a call, without a call: whether it was let run out."""

    def __init__(self) -> None:
        super().__init__(None)
        self.ran_out = False

    def reschedule(self, when: float | None) -> None:
        self.ran_out = True


def begun(targets: Targets, *, urgent: bool) -> tuple[Place, Limit]:
    """A call that has been sent whole, in a place of its own."""
    place, limit = targets.take("town:80", urgent=urgent), Limit()
    assert place is not None
    targets.begin(place, limit)
    targets.sent(place)
    return place, limit


async def test_a_call_is_broken_off_only_once_it_has_had_its_time_and_the_oldest_first() -> None:
    now = Now()
    targets = Targets(clock=now)
    _, first = begun(targets, urgent=True)
    now.seconds += 1
    _, second = begun(targets, urgent=True)
    now.seconds += TIME - 1.01
    targets.press("town:80")
    assert not first.ran_out
    now.seconds += 1.01
    targets.press("town:80")
    targets.press("town:80")
    assert (first.ran_out, second.ran_out) == (True, False), "one at a time: the first is ending"


async def test_an_ordinary_call_is_broken_off_before_an_order_that_is_older() -> None:
    now = Now()
    targets = Targets(clock=now)
    _, order = begun(targets, urgent=True)
    now.seconds += 1
    _, ordinary = begun(targets, urgent=False)
    now.seconds += TIME
    targets.press("town:80")
    assert (order.ran_out, ordinary.ran_out) == (False, True)


async def test_nobody_is_broken_off_while_there_is_a_place() -> None:
    now = Now()
    targets = Targets(clock=now)
    _, order = begun(targets, urgent=True)
    now.seconds += 10 * TIME
    targets.press("town:80")
    targets.press("elsewhere:80")
    assert not order.ran_out


async def test_where_nobody_was_answered_since_the_next_has_less_time_until_somebody_is() -> None:
    now = Now()
    targets = Targets(clock=now)
    places = [begun(targets, urgent=True) for _ in range(AT_ONCE)]
    now.seconds += TIME
    targets.press("town:80")
    targets.release(places[0][0], failed=True, error="GaveWay")
    third, limit = begun(targets, urgent=True)
    targets.release(places[1][0], failed=None)
    _, other = begun(targets, urgent=True)
    now.seconds += LEAST_TIME - 0.01
    targets.press("town:80")
    assert not limit.ran_out
    now.seconds += 0.01
    targets.press("town:80")
    assert (limit.ran_out, other.ran_out) == (True, False)
    third.gave_way = False  # it was answered after all
    targets.release(third, failed=False)
    begun(targets, urgent=True)
    now.seconds += LEAST_TIME
    targets.press("town:80")
    assert not other.ran_out


async def test_at_a_target_that_rests_an_order_gives_way_to_an_order() -> None:
    """What is urgent tries it one at a time, so an ordinary call keeps nothing from it there."""
    now = Now()
    targets = Targets(clock=now)
    _, ordinary = begun(targets, urgent=False)
    for _ in range(FAILURES):
        place, _ = begun(targets, urgent=True)
        targets.release(place, failed=True, error="HTTP 503")
    _, order = begun(targets, urgent=True)
    now.seconds += TIME
    targets.press("town:80")
    assert (order.ran_out, ordinary.ran_out) == (True, False)


@dataclass
class Mute:
    """A server that hears and answers nothing, or the beginning of an answer; how many were heard, and still call."""

    port: int = 0
    says: bytes = b""
    heard: int = 0
    calling: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calling += 1
        with suppress(ConnectionError):
            first = await reader.read(65536)
            self.heard += bool(first)
            writer.write(self.says)
            await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self.calling -= 1

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"


@pytest.fixture
async def mute() -> AsyncIterator[Mute]:
    found = Mute()
    listener = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield found
        await eventually(lambda: found.calling == 0)


@pytest.mark.parametrize(("scheme", "reached"), [("http", True), ("https", False)])
async def test_a_call_that_is_broken_off_says_whether_it_can_have_arrived(
    mute: Mute, scheme: str, reached: bool
) -> None:
    """Where not even the connection stood, nobody has seen anything of the request."""
    now = Now()
    targets = Targets(clock=now)
    door = Egress({"order": [mute.place]}, timeout=30, targets=targets)
    ways = [door.through(None, urgent=True) for _ in range(AT_ONCE)]
    url = f"{scheme}://{mute.place}/"
    calls = [asyncio.create_task(way.request("POST", url, purpose="order", content=b"{}", most=0)) for way in ways]
    await eventually(lambda: mute.heard == AT_ONCE)
    now.seconds += TIME
    targets.press(mute.place)
    done, left = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    (error,) = (call.exception() for call in done)
    assert isinstance(error, GaveWay)
    assert error.reached is reached
    (shown,) = targets.shown()
    assert (shown["calls"], shown["failures"], shown["error"]) == (1, 1, "GaveWay")
    for call in left:
        call.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await door.close()


@pytest.mark.parametrize("broken_off", [False, True])
async def test_where_nothing_is_read_of_an_answer_its_status_is_enough(
    mute: Mute, monkeypatch: pytest.MonkeyPatch, broken_off: bool
) -> None:
    """Its rest may come for a moment; what never ends keeps no place, and says nothing against the target."""
    monkeypatch.setattr(egress, "LINGER", 30.0 if broken_off else 0.05)
    now = Now()
    targets = Targets(clock=now)
    door = Egress({"order": [mute.place]}, timeout=20, targets=targets).through(None, urgent=True)
    mute.says = b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n."
    url = f"http://{mute.place}/"
    calls = [asyncio.create_task(door.request("POST", url, purpose="order", most=0)) for _ in range(AT_ONCE)]
    if broken_off:
        await eventually(lambda: mute.heard == AT_ONCE)
        now.seconds += TIME
        for ended in range(1, AT_ONCE + 1):
            await eventually(
                lambda ended=ended: targets.press(mute.place) or sum(call.done() for call in calls) == ended
            )
            assert targets.take(mute.place, urgent=True) is not None
    assert [(await call).status for call in calls] == [202, 202]
    assert [(shown["calls"], shown["failures"]) for shown in targets.shown()] == [(AT_ONCE * broken_off, 0)]
    await door.close()
