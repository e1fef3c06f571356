"""Waiting for what happens elsewhere: a check and a deadline, never a sleep of a guessed length."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any


async def eventually(check: Callable[[], Any], deadline: float = 20.0, *, every: float = 0.02) -> Any:
    """The first true answer of `check`, which may be async; `deadline` in seconds.

    What it raises or answers last is in the AssertionError when time is up.
    """
    end = time.monotonic() + deadline
    while True:
        try:
            answer = check()
            if inspect.isawaitable(answer):
                answer = await answer
            if answer:
                return answer
        except Exception as error:
            answer = error
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline:g} s; the last answer was {answer!r}") from None
        await asyncio.sleep(every)
