"""The assets that a file lists, and those it calls closed, collected until all rows are read. Pure."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from services.registry.assets.domain import Key
from services.registry.imports.rows import Row


@dataclass(slots=True, kw_only=True)
class Listing:
    """`unreadable` counts the lines whose asset is unknown.

    `kinds` are those that the file lists: a list of accounts is not evidence about apps.
    """

    listed: set[Key] = field(default_factory=set)
    ended: dict[Key, Row] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    unreadable: int = 0

    def note(self, chunk: Sequence[Row], *, settled: Container[int]) -> None:
        """Collect these rows; this import has already applied the `settled` lines."""
        for row in chunk:
            if row.key is None:
                self.unreadable += 1
                continue
            self.kinds.add(row.kind)
            if not row.ended:
                self.listed.add(row.key)
            elif row.line not in settled and row.twin_line is None:
                self.ended[row.key] = row
