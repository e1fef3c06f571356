"""Pages of a list in order of time, the newest first: where the next one begins, in a text that nobody need read. Pure.

A page goes on behind an instant and an id, so what comes anew moves nothing, and no page costs more than its rows.
"""

import base64
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, NamedTuple, Self, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from libs.common.errors import Invalid
from libs.common.exact import AskedWhole
from libs.common.text import Text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = struct.Struct(">q16s")  # microseconds since 1970, and an id: 24 bytes, 32 letters
Row = TypeVar("Row")
Item = TypeVar("Item")

Cursor = Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{32}$", description="上一页的 next `next` of the page before")]
Limit = Annotated[AskedWhole, Query(ge=1, le=500, description="每页条数 items per page")]


class Page(BaseModel, Generic[Item]):
    """A part of a list; ask again with `cursor=next` for what follows."""

    items: list[Item]
    next: str | None

    @classmethod
    def of(cls, items: Sequence[Any], limit: int, key: Callable[[Any], object]) -> Self:
        """The page of up to `limit` items; where it is full, its `next` is the key of its last item."""
        return cls(items=list(items), next=str(key(items[-1])) if len(items) == limit else None)


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
        why = Text("不是上一页给出的 next", "it is no next of a page before")
        raise Invalid(field="cursor", accepted="next of the page before", why=why) from None


def cursor(at: datetime, which: UUID) -> str:
    """A place as callers are told it."""
    micros = (at - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(_FORM.pack(micros, which.bytes)).decode()


def cut(rows: Sequence[Row], most: int, key: Callable[[Row], tuple[datetime, UUID]]) -> tuple[list[Row], str | None]:
    """A page of rows of which one more than `most` was asked for, and the cursor of the next; None at the end."""
    shown = list(rows[:most])
    return shown, cursor(*key(shown[-1])) if len(rows) > most else None
