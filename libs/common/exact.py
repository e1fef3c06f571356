"""Days, instants, counts and switches as they must be written: nothing is guessed, nothing is out of range. Pure.

What pydantic would otherwise take: a number of seconds as a day, `true` as one, `yes` as true, `1_000` as a thousand.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Strict
from pydantic_core import PydanticCustomError

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)  # beyond these a date is a slip, and no sum of days is safe
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(_DAY.pattern + r"[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})")
_WHOLE = re.compile(r"-?[0-9]{1,18}")


def day(text: str) -> date:
    """A day written as 2026-01-31 (RFC 3339 full-date). Raises ValueError for another form and outside the range."""
    if not _DAY.fullmatch(text):
        raise ValueError("expected a day such as 2026-01-31")
    found = date.fromisoformat(text)
    if not FIRST_DAY <= found <= LAST_DAY:
        raise ValueError(f"expected a day from {FIRST_DAY} to {LAST_DAY}")
    return found


def instant(text: str) -> datetime:
    """An instant written as 2026-01-31T08:00:00Z (RFC 3339 date-time), in UTC. Raises ValueError as `day` does."""
    if not _INSTANT.fullmatch(text):
        raise ValueError("expected a time with its offset, such as 2026-01-31T08:00:00Z")
    found = datetime.fromisoformat(text.upper())
    if not FIRST_DAY <= found.date() <= LAST_DAY:  # before it is converted, which fails at the ends of time
        raise ValueError(f"expected a time from {FIRST_DAY} to {LAST_DAY}")
    return found.astimezone(UTC)


def _day(value: Any) -> Any:
    if isinstance(value, datetime) or not isinstance(value, str | date):
        raise PydanticCustomError("day", "expected a day as text, such as 2026-01-31")
    return _said(day, value if isinstance(value, str) else value.isoformat())


def _instant(value: Any) -> Any:
    if not isinstance(value, str | datetime):
        raise PydanticCustomError("instant", "expected a time as text with its offset, such as 2026-01-31T08:00:00Z")
    return _said(instant, value if isinstance(value, str) else value.isoformat())


def _said(read: Any, text: str) -> Any:
    try:
        return read(text)
    except ValueError as error:
        why = str(error) if str(error).startswith("expected") else f"expected a date that exists: {error}"
        raise PydanticCustomError("date", "{why}", {"why": why}) from None


def _whole(value: Any) -> Any:
    """A whole number in a query is written in digits."""
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise PydanticCustomError("whole", "expected a whole number in digits")
    return value


def _switch(value: Any) -> Any:
    if isinstance(value, str) and value not in ("true", "false"):
        raise PydanticCustomError("switch", "expected true or false")
    return value


Day = Annotated[date, BeforeValidator(_day)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Count = Annotated[int, Strict()]  # in a body; bounds are its field's
Share = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]
AskedWhole = Annotated[int, BeforeValidator(_whole)]  # in a query or path, where all is text
AskedFlag = Annotated[bool, BeforeValidator(_switch)]
