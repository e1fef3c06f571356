"""Where every log ended: signed daily, so that a log rewritten from its first entry on is found out. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from libs.common.ids import derive
from libs.common.security import signing

FORMAT = "jianfu-checkpoint/1"
FIRST = "0" * 64  # what the first checkpoint names as the one before it
KEPT = 64


class BadCheckpoint(Exception):
    """A checkpoint is not what was signed; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where the log of a case ended: how many entries, and the hash of the last."""

    entries: int
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The heads of the logs that had changed by the end of one business day; `sha256` is the hash of its text."""

    day: date
    previous: str
    sha256: str
    heads: Mapping[str, Head]


def text(day: date, previous: str, heads: Mapping[UUID, Head]) -> str:
    """The canonical text of a checkpoint, which is what is hashed."""
    cases = [
        {"case_id": str(case_id), "entries": heads[case_id].entries, "last": heads[case_id].last}
        for case_id in sorted(heads, key=str)
    ]
    whole = {"format": FORMAT, "day": day.isoformat(), "previous": previous, "cases": cases}
    return signing.canonical(whole).decode()


def digest(content: str) -> str:
    """The hash of a checkpoint's text, which the next one names."""
    return signing.sha256(content.encode())


def named(day: date) -> UUID:
    """What an alarm about a day's checkpoint is about."""
    return derive("checkpoint", day)


def sign(private: dict[str, Any], day: date, content: str) -> str:
    """The signature of a checkpoint's text: a compact JWS over its format, day and hash."""
    return signing.sign(private, _claimed(day, digest(content)))


def _claimed(day: date, sha256: str) -> dict[str, Any]:
    return {"format": FORMAT, "day": day.isoformat(), "sha256": sha256}


def read(day: date, content: str, signature: str, keys: Iterable[dict[str, Any]]) -> Checkpoint:
    """A stored checkpoint. Raises BadCheckpoint unless one of the keys has signed this very text for this day."""
    actual = digest(content)
    if _claimed(day, actual) not in list(_claims(signature, keys)):
        raise BadCheckpoint("the checkpoint that holds its head is not what was signed")
    parsed = json.loads(content)
    heads = {case["case_id"]: Head(entries=case["entries"], last=case["last"]) for case in parsed["cases"]}
    return Checkpoint(day=date.fromisoformat(parsed["day"]), previous=parsed["previous"], sha256=actual, heads=heads)


def _claims(signature: str, keys: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for key in keys:
        try:
            yield signing.verify(key, signature)
        except signing.BadSignature:
            continue


@dataclass
class Notary:
    """Reads checkpoints and remembers those it has verified; `keys` are those that sign, or have signed before."""

    keys: Sequence[dict[str, Any]]
    _seen: dict[tuple[date, str, str], Checkpoint] = field(default_factory=dict)

    def known(self, day: date, sha256: str, signature: str) -> Checkpoint | None:
        """A checkpoint whose stored text has this hash now, if it was verified before."""
        return self._seen.get((day, sha256, signature))

    def read(self, day: date, content: str, signature: str) -> Checkpoint:
        """Verify one. Raises BadCheckpoint."""
        checkpoint = read(day, content, signature, self.keys)
        if len(self._seen) >= KEPT:
            del self._seen[min(self._seen)]
        self._seen[(day, checkpoint.sha256, signature)] = checkpoint
        return checkpoint
