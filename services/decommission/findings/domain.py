"""For how long the end of a case excuses its asset. Pure."""

from datetime import date

from libs.common import days
from services.decommission.limits.domain import Windows


def excused_until(answer_until: str | None, today: date, windows: Windows) -> date:
    """The last day on which what is true of an asset opens no case after an end that excuses it from that.

    `answer_until` is what the unit said to a keep. Nobody approves a keep, so it excuses for `reopen_days` at most.
    """
    longest = days.later(today, windows.reopen_days)
    return min(max(date.fromisoformat(answer_until), today), longest) if answer_until else longest
