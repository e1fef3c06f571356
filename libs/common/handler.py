"""How one type of event is read and acted on: what consumers, and replays of dead letters, call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from libs.common.events.envelope import Event, Incoming


@dataclass(frozen=True, slots=True)
class Handler:
    """`act` runs one use case for an event that was read as `model`."""

    model: type[Event]
    act: Callable[[Any, Incoming], Awaitable[None]]
