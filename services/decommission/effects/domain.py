"""What came of an order that may be carried out once, and what is to be written of it. Pure."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from services.decommission.calls.domain import Accepted, Outcome, Refused

T = TypeVar("T")
State = Literal["started", "done", "failed", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared(Generic[T]):
    """What a step is about to do: `order` is handed to the call, `entry` goes into the log with the key.

    `honours_keys`: the target does once what it is told again under the same key.
    """

    order: T
    honours_keys: bool = True
    entry: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """How the attempt ends, with what `result`, and what is written to the case in the same transaction.

    `started`: it stays open and is repeated under its key. `ask_person`: it may have happened or not, at a target that
    cannot be asked again, so a person has to look.
    """

    state: State
    result: dict[str, Any] = field(default_factory=dict)
    write: Callable[[Any, Any], Awaitable[None]]
    ask_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Generic[T]):
    """One attempt under way. `log` is the case's when it began; `repeated`: it began before and left no result."""

    case_id: UUID
    key: UUID
    order: T
    honours_keys: bool
    log: tuple[Any, ...]
    repeated: bool = False


def settle(outcome: Outcome, *, repeated: bool, honours_keys: bool) -> Literal["accepted", "failed", "open", "unknown"]:
    """What an order amounts to. One that may have been carried out keeps its key (open), or goes to a person (unknown).

    Where it had gone out before without a result, that its repeat is refused says nothing of the first.
    """
    if isinstance(outcome, Accepted):
        return "accepted"
    if isinstance(outcome, Refused) and not repeated:
        return "failed"
    return "open" if honours_keys else "unknown"
