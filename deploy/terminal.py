"""What a person at a terminal is told: progress, and errors that say what to do."""

import sys


class StackError(RuntimeError):
    """The local stack cannot go on; the text says what to do about it."""


def say(text: str) -> None:
    """Progress, for a person who watches."""
    print(text, file=sys.stderr, flush=True)
