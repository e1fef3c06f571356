"""What a route is: the steps of a case from its notice to its end, in their order, as data. Pure.

`cases/next_move.py` interprets a route, the verifier holds the same table, and a case keeps the route with which it was
opened: its name and version stand in the log's first entry. A route that was ever used is never changed; a changed way
is a new version beside it.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a route.

    `verb`: what is done, a name of `VERBS` in `cases/next_move.py`. `window`: the window of the case (a name of
    `Windows`) that the step waits out or counts by. `since`: the fact from which a wait counts: announced or verified.
    `attempts`: how often the step may fail before a person is called.
    """

    verb: str
    window: str | None = None
    since: str | None = None
    attempts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A way to close assets of some kinds."""

    name: str
    version: int
    kinds: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def pinned(self) -> dict[str, Any]:
        """How a case names the route that it was opened with."""
        return {"name": self.name, "version": self.version}

    def step(self, verb: str) -> Step:
        """The first step of a verb.

        Raises:
            KeyError: the route has no such step.
        """
        for step in self.steps:
            if step.verb == verb:
                return step
        raise KeyError(verb)
