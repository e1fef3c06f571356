"""What every kind of entry has. Pure."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any, ClassVar, Self

from services.decommission.cases.case import Membership, Progress, Timer

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(ABC):
    """What one entry of a log states.

    Fields are JSON values, named as in the log; one with the default None is left out of the log where it is None.
    `NULLABLE` names those that are written as null instead. A log of an older service may say more or less than a
    class names: more is kept in the log and read by nobody, and what is missing raises only where it is needed.
    """

    KIND: ClassVar[str]
    LEGAL_IN: ClassVar[frozenset[str]]
    TOWARDS_STOP: ClassVar[bool] = False
    NULLABLE: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def read(cls, data: Data) -> Self:
        """The fact of an entry's data.

        Raises:
            TypeError: a field without which it says nothing is missing.
        """
        return cls(**{field.name: data[field.name] for field in fields(cls) if field.name in data})

    def data(self) -> dict[str, Any]:
        """What is written into the log."""
        stated = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in stated.items() if value is not None or name in self.NULLABLE}

    @classmethod
    def allowed(cls, p: Progress) -> bool:
        """Whether a case that stands in a state of `LEGAL_IN` may take the entry, by what its state does not tell."""
        return True

    @abstractmethod
    def apply(self, p: Progress, at: datetime, day: date) -> Progress:
        """What the log amounts to with this entry, which was written at an instant of a business day."""


def started(p: Progress, step: str, key: str) -> Progress:
    """A step has begun under an effect key."""
    return replace(p, pending={**p.pending, step: key})


def settled(p: Progress, step: str | None) -> Progress:
    """A step that began has a result."""
    return replace(p, pending={name: key for name, key in p.pending.items() if name != step})


def next_wait(p: Progress, at: datetime) -> Progress:
    """A new wait begins; holds of earlier waits do not prolong it."""
    return replace(p, timer=Timer(since=at))


def in_plan(p: Progress) -> Membership:
    """The plan that a case is in.

    Raises:
        TypeError: it is in none, so its log was written by no service.
    """
    if p.plan is None:
        raise TypeError("the case is in no plan")
    return p.plan
