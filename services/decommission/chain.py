"""The log as a hash chain: each entry's hash covers the one before, so none can be altered, dropped or moved. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libs.common.signing import canonical, sha256

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: `at` is business time, `actor` who did it, `kind` what it is, `data` JSON values only."""

    seq: int
    at: datetime
    actor: str
    kind: str
    data: dict[str, Any]
    previous: str
    sha256: str

    def content(self) -> dict[str, Any]:
        """What the hash covers."""
        return {
            "seq": self.seq, "at": self.at.isoformat(), "actor": self.actor, "kind": self.kind, "data": self.data,
            "previous": self.previous,
        }  # fmt: skip


def link(log: list[Entry], *, at: datetime, actor: str, kind: str, data: dict[str, Any]) -> Entry:
    """The entry that comes next in a log; time never goes back in it, also where the machine's clock was set back."""
    previous = log[-1].sha256 if log else GENESIS
    at = max(at, log[-1].at) if log else at
    bare = Entry(len(log) + 1, at, actor, kind, data, previous, "")
    return Entry(bare.seq, at, actor, kind, data, previous, sha256(canonical(bare.content())))


def faults(entries: list[dict[str, Any]]) -> list[str]:
    """What is wrong with an exported chain, the first bad entry first; empty when it is whole."""
    previous = GENESIS
    for position, entry in enumerate(entries, start=1):
        content = {key: entry.get(key) for key in ("seq", "at", "actor", "kind", "data", "previous")}
        if entry.get("seq") != position:
            return [f"entry {position}: it says it is number {entry.get('seq')}; entries are missing or out of order"]
        if entry.get("previous") != previous:
            return [f"entry {position}: it does not follow from the entry before it"]
        if sha256(canonical(content)) != entry.get("sha256"):
            return [f"entry {position} ({entry.get('kind')}): its content is not what its hash covers"]
        previous = entry["sha256"]
    return []
