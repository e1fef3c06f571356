"""Voices for tests that are about something else: they speak of any measure on any day."""

import base64
from datetime import date
from typing import Any

import datasketches

from services.monitor.admissions.domain import Voice

MEASURES = frozenset({"posts", "views", "posts_total", "followers"})


def voice(*sources: str, first: date = date(2000, 1, 1), last: date = date(2099, 12, 31)) -> Voice:
    """One agent that is admitted for these sources, or for `s` and `t`."""
    return Voice(takes=dict.fromkeys(sources or ("s", "t"), MEASURES), first=first, last=last, who="i|agent")


def sent(users: Any) -> str:
    """A sketch as an agent sends it: of type HLL_8, compact, base64."""
    union = datasketches.hll_union(11)
    union.update(users)
    return base64.b64encode(union.get_result(datasketches.tgt_hll_type.HLL_8).serialize_compact()).decode()
