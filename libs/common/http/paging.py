"""Pages of a list in order of time, the newest first: where the next one begins, in a text that nobody need read. Pure.

A page goes on behind an instant and an id, so what comes anew moves nothing, and no page costs more than its rows.
"""

import base64
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar
from uuid import UUID

from libs.common.errors import Invalid

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = struct.Struct(">q16s")  # microseconds since 1970, and an id: 24 bytes, 32 letters
Row = TypeVar("Row")


class Place(NamedTuple):
    """Where a page begins: behind the row of this instant and id; both None for the first page."""

    at: datetime | None = None
    which: UUID | None = None


def place(cursor: str | None) -> Place:
    """Where a cursor points to. Raises Invalid for one that was not given out."""
    if cursor is None:
        return Place()
    try:
        micros, which = _FORM.unpack(base64.b64decode(cursor, b"-_", validate=True))
        return Place(EPOCH + timedelta(microseconds=micros), UUID(bytes=which))
    except (ValueError, struct.error, OverflowError):
        why = ("不是上一页给出的 next", "it is no next of a page before")
        raise Invalid(field="cursor", accepted="next of the page before", why=why) from None


def cursor(at: datetime, which: UUID) -> str:
    """A place as callers are told it."""
    micros = (at - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(_FORM.pack(micros, which.bytes)).decode()


def cut(rows: Sequence[Row], most: int, key: Callable[[Row], tuple[datetime, UUID]]) -> tuple[list[Row], str | None]:
    """A page of rows of which one more than `most` was asked for, and the cursor of the next; None at the end."""
    shown = list(rows[:most])
    return shown, cursor(*key(shown[-1])) if len(rows) > most else None
