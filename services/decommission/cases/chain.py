"""The log as a hash chain: each entry's hash covers the one before, so none can be altered, dropped or moved. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libs.common.security.signing import canonical, sha256

GENESIS = "0" * 64
EVIDENCE = "the evidence of a finding is not what its log recorded"
LENGTH = "its row counts another number of entries than its log has"
WHOLE = 1e16  # from here on a float is written with an exponent, which a database of decimal numbers does not keep


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
            "seq": self.seq,
            "at": self.at.isoformat(),
            "actor": self.actor,
            "kind": self.kind,
            "data": self.data,
            "previous": self.previous,
        }


def link(log: list[Entry], *, at: datetime, actor: str, kind: str, data: dict[str, Any]) -> Entry:
    """The entry that comes next in a log; time never goes back in it, also where the machine's clock was set back."""
    previous = log[-1].sha256 if log else GENESIS
    at = max(at, log[-1].at) if log else at
    bare = Entry(len(log) + 1, at, actor, kind, data, previous, "")
    return Entry(bare.seq, at, actor, kind, data, previous, sha256(canonical(bare.content())))


def stored(value: Any) -> Any:
    """A JSON value as the database gives it back: a hash of 1e+22 or -0.0 would not be that of what is read later."""
    if isinstance(value, dict):
        return {name: stored(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [stored(part) for part in value]
    if isinstance(value, float) and abs(value) >= WHOLE:
        return int(value)
    return 0.0 if isinstance(value, float) and value == 0 else value


def problem(log: Sequence[Entry], version: int) -> str | None:
    """Why a log is not what was written, or None; `version` is how many entries the row of its case says it has."""
    if version != len(log):
        return f"{LENGTH}: {len(log)}, {version}"
    found = problems([entry.content() | {"sha256": entry.sha256} for entry in log])
    return found[0] if found else None


def evidence_problem(log: Sequence[Entry], evidence: Mapping[str, Any], hashes: Mapping[str, str]) -> str | None:
    """Why the evidence beside a log is not what the log recorded of it, or None; both by the finding's id.

    A notice, a plan and an archive say what it says, so nothing is done on evidence that was altered.
    """
    for entry in log:
        if entry.kind in ("opened", "finding_attached"):
            which, recorded = entry.data["finding_id"], entry.data["evidence_sha256"]
            found = evidence.get(which)
            if found is None or hashes.get(which) != recorded or sha256(canonical(found)) != recorded:
                return f"{EVIDENCE}: {which}"
    return None


def head(log: Sequence[Entry]) -> tuple[int, str]:
    """(number of entries, hash of the last): what stands for a whole log where it is kept outside of it."""
    return (log[-1].seq, log[-1].sha256) if log else (0, GENESIS)


def extends(log: Sequence[Entry], entries: int, last: str) -> bool:
    """Whether a log is still the one that had this head once, with what came after."""
    return 0 < entries <= len(log) and log[entries - 1].sha256 == last


def problems(entries: list[dict[str, Any]]) -> list[str]:
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
