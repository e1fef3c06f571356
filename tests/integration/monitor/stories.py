"""Hypothesis tests whose bodies await: run on the loop that owns the connections, one example after another."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


async def for_all(
    body: Callable[..., Coroutine[Any, Any, None]], *strategies: st.SearchStrategy[Any], examples: int
) -> None:
    """Await `body` for that many examples drawn from the strategies; the shrunk failure is raised."""
    loop = asyncio.get_running_loop()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.tuples(*strategies))
    def check(drawn: tuple[Any, ...]) -> None:
        asyncio.run_coroutine_threadsafe(body(*drawn), loop).result(60)

    await asyncio.to_thread(check)
