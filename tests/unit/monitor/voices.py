"""Voices for tests that are about something else: they speak of any measure on any day."""

from datetime import date

from services.monitor.vouching import Voice

MEASURES = frozenset({"posts", "views", "posts_total", "followers"})


def voice(*sources: str, first: date = date(2000, 1, 1), last: date = date(2099, 12, 31)) -> Voice:
    """One agent that is admitted for these sources, or for `s` and `t`."""
    return Voice(dict.fromkeys(sources or ("s", "t"), MEASURES), first, last, "i|agent")
