"""Signals against a naive reading of their definition, over random stories of usage, statements and restatements."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from services.monitor.admissions.domain import Scope
from services.monitor.verdicts import store
from tests.integration.monitor.conftest import Monitor, day
from tests.integration.monitor.stories import for_all

LAST = 12
ASSETS, SOURCES = 3, 2
_names = count(1)

POST = st.tuples(st.just("post"), st.integers(0, SOURCES - 1), st.integers(0, LAST), st.integers(0, ASSETS - 1))
STATE = st.tuples(
    st.just("state"),
    st.integers(0, SOURCES - 1),
    st.integers(0, LAST),
    st.tuples(st.frozensets(st.integers(0, ASSETS - 1)), st.sampled_from([0, 0, 0, 0, 1, -1])),
)
SPAN = st.tuples(
    st.just("span"),
    st.integers(0, SOURCES - 1),
    st.integers(0, LAST),
    st.tuples(st.integers(0, LAST), st.frozensets(st.integers(0, ASSETS - 1), min_size=1)),
)
STORY = st.lists(POST | STATE | SPAN | SPAN, max_size=25)


@dataclass
class Naive:
    """The definitions, read literally, one day and one asset at a time."""

    posts: set[tuple[int, int]] = field(default_factory=set)  # (day, asset)
    received: dict[tuple[int, int], int] = field(default_factory=dict)  # (source, day)
    stated: dict[tuple[int, int], tuple[int, frozenset[int]]] = field(default_factory=dict)
    revision: dict[tuple[int, int], int] = field(default_factory=dict)

    def vouches(self, source: int, on: int, asset: int) -> bool:
        stated = self.stated.get((source, on))
        return stated is not None and stated[0] == self.received.get((source, on), 0) and asset in stated[1]

    def signals(self, asset: int, today: int, healthy: Sequence[int]) -> tuple[int | None, int | None]:
        """(days_since_post, days_observed_silent) with sources of rhythm 1."""
        judged = next(
            (on for on in (today, today - 1) if any(self.vouches(source, on, asset) for source in healthy)), None
        )
        last = max((on for on, who in self.posts if who == asset and on <= today), default=None)
        # The story is too short for a source to omit an asset for four weeks.
        blind = any(source not in healthy for source, _ in self.stated)
        if judged is None or blind:
            return (0, 0) if last is not None and last >= today - 1 else (None, None)
        silent = 0
        on = judged
        while any(self.vouches(s, on, asset) for s in range(SOURCES)) and not (last is not None and on <= last):
            silent += 1
            on -= 1
        if last is None:
            return None, silent
        covered = all(any(self.vouches(s, d, asset) for s in range(SOURCES)) for d in range(last + 1, judged + 1))
        return (max(0, judged - last) if covered else None), silent


async def test_silence_is_counted_only_where_it_was_vouched_for(monitor: Monitor) -> None:
    monitor.at(LAST)

    async def play(story: list[tuple[str, int, int, Any]], today: int, healthy: list[int]) -> None:
        prefix = f"story-{next(_names)}"
        assets: list[UUID] = [await monitor.record(f"{prefix}-{n}") for n in range(ASSETS)]
        names = [f"{prefix}-{n}" for n in range(SOURCES)]
        for name in names:  # for these alone: whoever is blind elsewhere is waited for there
            await monitor.admit(name, scope=Scope(assets=tuple(assets)))
        naive = Naive()

        async def state(source: int, on: int, who: frozenset[int], off: int) -> None:
            records = max(0, naive.received.get((source, on), 0) + off)
            revision = naive.revision[(source, on)] = naive.revision.get((source, on), 0) + 1
            naive.stated[(source, on)] = (records, who)
            covered = [assets[n] for n in who]
            assert await monitor.state(names[source], on, covered, records, revision=revision) == "applied"

        for move, source, on, more in story:
            if move == "post":
                naive.posts.add((on, more))
                naive.received[(source, on)] = naive.received.get((source, on), 0) + 1
                await monitor.usage(names[source], on, {assets[more]: 1})
            elif move == "state":
                await state(source, on, *more)
            else:
                until, who = more
                for each in range(on, until + 1):
                    await state(source, each, who, 0)
        async with monitor.database.reading() as conn:
            believed = [names[n] for n in healthy]
            evaluations = await store.evaluate(conn, monitor.book, assets, day(today), believed)
        read = {each.asset_id: {signal.name: signal.value for signal in each.reading.signals} for each in evaluations}
        for n, asset in enumerate(assets):
            assert (read[asset]["days_since_post"], read[asset]["days_observed_silent"]) == naive.signals(
                n, today, healthy
            ), (n, naive)

    healthy = st.lists(st.integers(0, SOURCES - 1), unique=True, min_size=0)
    await for_all(play, STORY, st.integers(0, LAST), healthy, examples=150)
