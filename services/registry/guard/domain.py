"""How many assets of a source may vanish in a day, and which of many wait for a person. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from libs.common import days
from libs.common.errors import DomainError
from libs.common.text import Text
from services.registry.assets.domain import Policy


class AlreadyDecided(DomainError):
    """A pending disappearance is decided once."""

    code = "already_decided"
    kind = "conflict"
    says = Text("该项已处理:{state}。", "This was decided already: {state}.")
    words: ClassVar[Mapping[str, str]] = {"applied": "已确认消失", "dropped": "已忽略"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One business day of a zone, as instants."""

    since: datetime
    until: datetime


def span(day: date, policy: Policy) -> Span:
    """The day from its first instant to the next day's."""
    return Span(since=days.morning(day, policy.zone), until=days.end(day, policy.zone))


def guard_limit(listed: int, source: str, policy: Policy) -> int:
    """How many of a source's assets may vanish in a rolling day; 0 holds every disappearance.

    A number set for this source, or a share of what it lists with a floor.
    """
    stated = policy.guard_limits.get(source)
    return stated if stated is not None else max(policy.guard_floor, int(listed * policy.guard_share))


def waiting(
    vanishing: Sequence[UUID], *, pending: Collection[UUID], room: int, doubtful: Collection[UUID] = ()
) -> set[UUID]:
    """Which of the assets that one list takes away wait for a person: all of them where they are more than `room`.

    All or none, because a list that takes away too much is more likely cut short or mistaken than true. Those that are
    `pending` already go on waiting, and the `doubtful` wait in any case.
    """
    beyond = len(vanishing) - len(pending) > room
    return {asset_id for asset_id in vanishing if beyond or asset_id in pending or asset_id in doubtful}
