"""Checks a Jianfu case file offline: read this file, then run it. 离线核验减负案卷:先读本文件,再运行。

    python jianfu_verify.py CASEFILE --service-key FILE [--unit-key FILE] [--package PATH] [--checkpoint FILE]

It needs Python 3.10 or later and the package `cryptography`, and nothing of Jianfu. The format is docs/case-file.md.
Get the service's key and the unit's key elsewhere than the case file: whoever hands you a forged file hands you a
fitting key with it. Exit code: 0 nothing is wrong, 1 something is, 2 it could not be checked.

From top to bottom: strict JSON, keys and signatures, the table of what may follow what, the replay of a log, what
stands beside the log, the archive package, the report.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import math
import os
import re
import stat
import sys
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from pathlib import Path
from typing import IO, Any, TypeVar
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMATS = ("jianfu-case-file/1", "jianfu-case-file/2")
MOST_BYTES = 64 << 20  # of a case file
MOST_DEPTH = 64  # of values in values
MOST_UNPACKED = 1 << 30  # bytes of a package, unpacked
MOST_FILES = 10_000  # of a package
MOST_FAULTS = 100  # that one check tells: who has read a hundred needs no more, and a forger could make millions
MOST_PEOPLE = 100  # who have had a part in one case
GENESIS = "0" * 64
NAMESPACE = UUID("6f1d3c1e-52a1-5f0e-9c55-4a69616e6675")  # of ids, which are made of what they name
CALENDAR = "calendar"  # how the first entry of a younger log says that its days are counted
DAY = timedelta(days=1)  # older rule: what a log that does not say so may have counted for a day
UTC = timezone.utc  # noqa: UP017 - datetime.UTC is younger than Python 3.10
Json = dict[str, Any]


class Refused(Exception):
    """What was given cannot be read as what it should be; the text says why."""


# --- strict JSON: one text has one meaning, and says nothing twice


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no blanks, in UTF-8: the one text of a value that is hashed and signed."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_json(data: bytes | str) -> Any:
    """A JSON value. Raises Refused on doubled names, NaN, numbers beyond reason, halves of characters, deep nesting."""
    if len(data) > MOST_BYTES:
        raise Refused(f"it is larger than {MOST_BYTES} bytes")
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=_once, parse_constant=_constant, parse_int=_whole, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise Refused(f"it is no strict JSON: {error}") from None
    waiting = [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        if depth > MOST_DEPTH:
            raise Refused(f"it is nested deeper than {MOST_DEPTH}")
        if isinstance(one, dict):
            waiting += [(each, depth + 1) for pair in one.items() for each in pair]
        elif isinstance(one, list):
            waiting += [(each, depth + 1) for each in one]
        elif isinstance(one, str) and re.search("[\ud800-\udfff]", one):
            raise Refused("it holds half of a character")
    return value


def _once(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names something twice")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _whole(digits: str) -> int:
    if len(digits) > 20:
        raise ValueError("a number has more than 20 digits")
    return int(digits)


def _finite(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError("a number is beyond what can be told")
    return number


SHOWN = re.compile("[^ -~\u3001\u3002\u4e00-\u9fff\uff08\uff09\uff0c\uff1a\uff1b]")


def shown(value: Any, most: int = 300) -> str:
    """A text from a file as it may be printed: all but printable ASCII and CJK letters is escaped, and it is bounded.

    Else a file could paint its own tick on your terminal.
    """
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= most else text[: most - 1] + "\u2026"
    return SHOWN.sub(lambda sign: f"\\u{{{ord(sign[0]):x}}}", text)


# --- keys and signatures: Ed25519 (RFC 8032) in compact JWS (RFC 7515; RFC 8037 calls it EdDSA, RFC 9864 Ed25519)

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


def b64(text: str) -> bytes:
    """Raises Refused on anything but base64url."""
    bare = text.rstrip("=")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", bare) or len(bare) % 4 == 1:
        raise Refused("it is no base64url")
    return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))


@dataclass(frozen=True)
class Key:
    """A public key; `thumbprint` is that of RFC 7638 (SHA-256, hexadecimal), by which people compare keys."""

    thumbprint: str
    public: Ed25519PublicKey


def read_key(jwk: Any) -> Key:
    """A public Ed25519 key from a JWK. Raises Refused on points that any signature fits, and on other kinds of keys."""
    if not isinstance(jwk, dict) or jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519" or "d" in jwk:
        raise Refused("expected a public JWK with kty OKP and crv Ed25519")
    x = jwk.get("x")
    raw = b64(x) if isinstance(x, str) else b""
    if len(raw) != 32:
        raise Refused("expected 32 bytes as x")
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y >= P:
        raise Refused("the point is not written canonically")
    if y in (0, 1, P - 1) or (D * y**4 + 2 * y * y - 1) % P == 0:  # orders 4, 1, 2 and 8
        raise Refused("the point is of small order: anybody can sign for it")
    if pow((y * y - 1) * pow(D * y * y + 1, -1, P), (P - 1) // 2, P) != 1:
        raise Refused("it is no point of the curve")
    named = canonical({"crv": "Ed25519", "kty": "OKP", "x": base64.urlsafe_b64encode(raw).decode().rstrip("=")})
    return Key(sha256(named), Ed25519PublicKey.from_public_bytes(raw))


def read_keys(text: str) -> list[Key]:
    """The keys of a JWK, or of a JWKS such as a service publishes. Raises Refused."""
    given = read_json(text)
    if isinstance(given, dict) and "keys" in given:
        if not isinstance(given["keys"], list) or not given["keys"]:
            raise Refused("the JWKS holds no key")
        return [read_key(one) for one in given["keys"]]
    return [read_key(given)]


def opened(token: Any, keys: list[Key]) -> tuple[Json, Key] | None:
    """What a compact JWS by one of the keys says, and by which; None when none of them has signed it."""
    try:
        head, body, signature = str(token).strip().split(".")
        header = read_json(b64(head))
        if not isinstance(header, dict) or header.get("alg") not in ("Ed25519", "EdDSA") or "crit" in header:
            return None
        for key in keys:
            try:
                key.public.verify(b64(signature), f"{head}.{body}".encode())
            except InvalidSignature:
                continue
            claims = read_json(b64(body))
            return (claims, key) if isinstance(claims, dict) else None
    except (Refused, ValueError):
        pass
    return None


# --- what may follow what: the product's own table, and a test of the product compares the two

BEFORE_STOP = "noticing undelivered answering fixing ready planned approved announced archived rechecking"
AFTER_STOP = "verifying unverified verified"
TOWARDS_STOP = "planned approved announced archive_started slot_reserved stop_started"
OPEN = f"{BEFORE_STOP} {AFTER_STOP} new stopping restoring disposed needs_person"
RECHECKS = "archived rechecking stopping fixing"
TABLE = {
    "opened": "new",
    "finding_attached": OPEN,
    "notice_started": "noticing",
    "noticed": "noticing undelivered needs_person",
    "undelivered": "noticing",
    "endpoint_changed": "noticing undelivered answering fixing ready needs_person",
    "sponsor_changed": "answering ready",
    "answered": "answering fixing ready planned approved announced archived rechecking needs_person",
    "planned": "ready",
    "unplanned": "planned approved announced archived rechecking needs_person",
    "approved": "planned",
    "announced": "approved",
    "archive_started": "announced stopping",
    "archived": "announced stopping",
    "archive_failed": "announced archived rechecking stopping",
    "slot_reserved": "archived rechecking stopping",
    "slot_missed": "archived rechecking stopping",
    "recheck_asked": RECHECKS,
    "confirmed": RECHECKS,
    "refuted": RECHECKS,
    "finding_refuted": RECHECKS,
    "inconclusive": RECHECKS,
    "cleared": f"{BEFORE_STOP} stopping needs_person",
    "stop_started": "rechecking stopping",
    "stop_accepted": "stopping restoring",
    "stop_failed": "stopping restoring",
    "stop_unanswered": "stopping restoring",
    "probed": f"{AFTER_STOP} restoring",
    "restore_asked": f"{AFTER_STOP} needs_person",
    "restore_started": "restoring",
    "restore_accepted": "restoring",
    "restore_failed": "restoring",
    "restore_unanswered": "restoring",
    "disposed": "verified",
    "closed": "disposed",
    "ended": f"{BEFORE_STOP} restoring needs_person",
    "restored": "restoring",
    "held": " ".join(state for state in OPEN.split() if state not in ("new", "disposed")),
    "released": OPEN,
    "needs_person": OPEN,
    "resumed": "needs_person",
    "cancelled": f"{BEFORE_STOP} {AFTER_STOP} needs_person stopping",
}
# Entries that the service writes only when this is the case's next move at that very time.
MOVES = {
    "notice_started": ("notice",),
    "planned": ("plan",),
    "announced": ("announce",),
    "archive_started": ("archive",),
    "slot_reserved": ("reserve",),
    "recheck_asked": ("ask",),
    "stop_started": ("stop",),
    "restore_started": ("restore",),
    "disposed": ("dispose",),
    "closed": ("close",),
    "ended": ("end", "finish_restore"),
    "restored": ("finish_restore",),
}
# Who may write an entry: the service all but what people alone decide, people only the two lines below. A unit answers
# by its receipt. That a hold has ended the service writes as well, once its day is over.
BY_PEOPLE = "answered held released resumed cancelled restore_asked"
BY_EITHER = "unplanned endpoint_changed"
SERVICE = "jianfu"
# What comes of a step can only be written after it was begun and has no result yet.
RESULTS = {
    f"{step}_{end}": step for step in ("stop", "restore") for end in ("accepted", "failed", "unanswered")
} | {"archived": "archive"}  # fmt: skip
# Days that each wait takes; an older file may not say all of them, and then a wait counts as a day. The last two are
# younger than the first files, and nothing was kept of them then.
WINDOWS = (
    "answer_days",
    "announce_days",
    "verify_days",
    "restore_days",
    "notice_retry_days",
    "notice_attempts",
    "reopen_days",
    "min_answer_days",
    "key_age_days",
)
YOUNGER = dict.fromkeys(WINDOWS[-2:], 0)


class Case:
    """What a log amounts to, entry by entry: the same as the product's own fold of it.

    `pending`: step → key, begun and without a result. `stop_unclear`: an order to stop has no result. `clock_from`: the
    start of the wait that a hold prolongs, `held_days` by how many days. `older`: the log pins no windows, and may have
    been led by older rules. `calendar`: its first entry says that days are those of the calendar; where it does not,
    they were counted as 24 hours each, and `paused` is how long the case was held.
    """

    def __init__(
        self,
        windows: dict[str, int],
        zone: tzinfo,
        *,
        older: bool = False,
        calendar: bool = True,
        at: datetime | None = None,
        day: date | None = None,
        text: str = "",
    ) -> None:
        self.windows, self.zone, self.older, self.calendar = windows, zone, older, calendar
        self.opened = self.on_behalf = self.refuted = self.alive = self.disposed = False
        self.stop_ordered = self.stop_unclear = self.restore_asked = self.restore_accepted = self.restore_seen = False
        self.cancelled = self.person = False
        self.attempts = self.archive_failures = self.stop_failures = 0
        self.last_attempt = self.noticed_at = self.fix_checked_at = self.planned_at = self.approved_at = at
        self.announced_at = self.last_failure = self.ordered_at = self.stopped_at = self.verified_at = self.again = at
        self.restore_failed_at = self.held_since = self.clock_from = self.answered_at = self.not_before = at
        self.fix_until = self.slot_day = self.missed_day = self.asked_day = self.confirmed_day = day
        self.probed_day = self.hold_until = day
        self.notice_sha256 = self.planned_notice = self.answer = self.plan_id = self.plan_sha256 = text
        self.archive_sha256 = self.asked_finding = self.stop_finding = self.request_id = self.ended = text
        self.approved: Json = {}
        self.notice_key: Json | None = None
        self.planned_key: Json | None = None
        self.pending: dict[str, Any] = {}
        self.used: set[str] = set()
        self.sent: dict[str | None, datetime] = {}  # to which key a notice went, and when last
        self.gone_days: list[date] = []
        self.held_days, self.paused = 0, timedelta(0)

    @property
    def unwinding(self) -> bool:
        """Whether what was done is being undone."""
        return self.cancelled or self.restore_asked or (self.refuted and self.stop_ordered)

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def morning(self, day: date) -> datetime:
        return datetime.combine(day, time(0), self.zone).astimezone(UTC)

    def over(self, start: datetime, days: int, at: datetime, *, told: bool = False, prolonged: bool = True) -> bool:
        """Whether a wait of so many days is over; `told`: its last day is somebody's until its end.

        A log that does not say how it counts may have kept either the calendar or as many times 24 hours.
        """
        last = later(self.day(start), days + (self.held_days if prolonged else 0) + told)
        if not days or at >= self.morning(last):
            return at >= start
        return not self.calendar and at >= start + days * DAY + (self.paused if prolonged else timedelta(0))

    def state(self) -> str:
        """The one word for where the case stands."""
        if self.ended or self.person or not self.opened:
            return self.ended or ("needs_person" if self.person else "new")
        if self.stop_ordered:
            if self.unwinding:
                return "restoring"
            if self.stopped_at is None:
                return "stopping"
            if self.disposed or self.verified_at is not None:
                return "disposed" if self.disposed else "verified"
            return "unverified" if self.alive else "verifying"
        if self.noticed_at is None:
            return "undelivered" if self.attempts >= self.windows["notice_attempts"] else "noticing"
        if self.answer == "fix" and self.fix_checked_at is None and not self.plan_id:
            return "fixing"
        if self.archive_sha256:
            return "rechecking" if self.asked_day is not None and self.approved else "archived"
        if self.announced_at is not None or self.approved or self.plan_id:
            return "announced" if self.announced_at is not None else "approved" if self.approved else "planned"
        if self.answer not in ("close", "fix") or self.on_behalf:
            return "answering"
        said = self.answered_at if self.answer == "close" else self.fix_checked_at
        return "ready" if said is not None and self._window_over(self.noticed_at, said) else "answering"

    def _window_over(self, noticed_at: datetime, at: datetime) -> bool:
        """Before this no answer, not even one that agrees, lets the case go on to a plan."""
        return self.over(noticed_at, min(self.windows["min_answer_days"], self.windows["answer_days"]), at)

    def may(self, kind: str) -> bool:
        """Whether the case may take this entry where it stands."""
        state = self.state()
        undone = self.cancelled or self.refuted or (self.answer == "keep" and not self.stop_ordered)
        if undone and kind in TOWARDS_STOP.split() and not self.older:
            return False
        if state == "answering" and kind == "planned":
            return True  # a window that ran out in silence writes no entry
        never = {
            "noticed": self.person and self.noticed_at is not None,
            "answered": self.person and (self.noticed_at is None or self.stop_ordered),
            "endpoint_changed": self.stop_ordered or self.plan_id,
            "released": self.held_since is None,
            "cancelled": self.disposed,
            "restore_asked": self.stopped_at is None or self.disposed or self.unwinding,
            "unplanned": not self.plan_id or self.stop_ordered,
            "cleared": self.stopped_at is not None,
        }
        return not never.get(kind, False) and state in TABLE.get(kind, "").split()

    # --- the next move: what the machine may do by itself at an instant

    def move(self, at: datetime) -> str:
        """The next move at an instant; "wait" when there is none."""
        today = self.day(at)
        if self.ended:
            return "done"
        if self.held_since is not None:
            return "wait" if self.hold_until is None or today <= self.hold_until else "release"
        if self.person:
            return "wait"
        if self.unwinding:
            return self._unwind(at, today)
        if self.stopped_at is not None:
            return self._after_stop(at, today, self.stopped_at)
        if self.refuted:
            return "end"
        if self.noticed_at is None:
            return self._notice(at)
        return self._towards_stop(at, today) if self.approved else self._answering(at, today, self.noticed_at)

    def _since(self, start: datetime | None, days: int, at: datetime) -> bool:
        """Whether a wait that no hold prolongs is over."""
        return start is None or self.over(start, days, at, prolonged=False)

    def _notice(self, at: datetime) -> str:
        if "notice" in self.pending or self.last_attempt is None:
            return "notice"
        again = self._since(self.last_attempt, self.windows["notice_retry_days"], at)
        if self.not_before is not None:
            again = at >= self.not_before
        return "notice" if again and self.attempts < self.windows["notice_attempts"] else "wait"

    def _answering(self, at: datetime, today: date, noticed_at: datetime) -> str:
        if self.answer == "keep":
            return "end"
        if self.plan_id:
            return "wait"
        if self.answer == "fix" and self.fix_checked_at is None:
            over = self.fix_until is None or at >= self.morning(later(self.fix_until, self.held_days + 1))
            if self.fix_until is not None and not self.calendar:
                over = over or at >= self.morning(self.fix_until) + self.paused
            return "ask" if over and self.asked_day != today else "wait"
        silent = not self.answer or self.on_behalf
        over = self.over(noticed_at, self.windows["answer_days"], at, told=True)
        return "plan" if over or (not silent and self._window_over(noticed_at, at)) else "wait"

    def _towards_stop(self, at: datetime, today: date) -> str:
        if self.answer == "keep" and not self.stop_ordered:
            return "end"
        if self.announced_at is None:
            return "announce"
        if not self.over(self.announced_at, self.windows["announce_days"], at):
            return "wait"
        if self.archive_failures >= 3 or self.stop_failures >= 3:
            return "person"
        if (self.archive_failures or self.stop_failures) and not self._since(self.last_failure, 1, at):
            return "wait"
        if not self.archive_sha256:
            return "archive"
        if self.slot_day != today:
            return "wait" if self.missed_day == today else "reserve"
        if self.confirmed_day == today:
            return "stop"
        return "wait" if self.asked_day == today else "ask"

    def _after_stop(self, at: datetime, today: date, stopped_at: datetime) -> str:
        if self.disposed:
            return "close"
        if self.verified_at is not None:
            if not self.over(self.verified_at, self.windows["restore_days"], at):
                return "wait"
            if self.gone_days and self.gone_days[-1] == today:
                return "dispose"
            return "wait" if self.probed_day == today else "probe"
        return "probe" if today > (self.probed_day or self.day(stopped_at)) else "wait"

    def _unwind(self, at: datetime, today: date) -> str:
        if not self.stop_ordered:
            return "end"
        if not self.restore_accepted:
            again = at >= self.again if self.again else self._since(self.restore_failed_at, 1, at)
            return "restore" if again else "wait"
        return "finish_restore" if self.restore_seen else "wait" if self.probed_day == today else "probe"

    # --- one entry after the other

    def wrote(self, kind: str, at: datetime, data: Json, actor: Any) -> Iterator[str]:
        """Why an entry cannot be this actor's, before it is taken in."""
        by_hand, who = kind in BY_PEOPLE.split(), person(actor)
        if who == SERVICE:
            mine = not by_hand or (kind == "released" and self._hold_over(self.day(at)))
        elif who.startswith("unit:"):
            mine = kind == "answered" and not data.get("on_behalf")
        else:
            mine = is_person(actor) and (by_hand or kind in BY_EITHER.split())
        if not mine:
            yield f"{actor} cannot have written it"

    def _hold_over(self, today: date) -> bool:
        """Whether a hold has ended by itself: after its last day, by an older rule on it."""
        return self.hold_until is not None and today >= later(self.hold_until, int(self.calendar))

    def take(self, kind: str, at: datetime, data: Json) -> Iterator[str]:
        """Take in one entry; yields why it cannot have been written there and then."""
        if kind not in TABLE:
            yield "no entry has this name"
            return
        if not self.may(kind):
            yield f"the case stood at {self.state()}, where it is not possible"
        elif kind in MOVES and self.move(at) not in MOVES[kind]:
            yield f"it was not the next move then: that was {self.move(at)}"
        yield from self._odd(kind, at, data)
        self._apply(kind, at, data, self.day(at))

    def _odd(self, kind: str, at: datetime, data: Json) -> Iterator[str]:
        """What is wrong with an entry beside its place in the log."""
        day = self.day(at).isoformat()
        for name in ("day", "announced_on", "closed_on"):
            if name in data and data[name] != day:
                yield f"{name} is not the day on which it was written"
        if kind in RESULTS and RESULTS[kind] not in self.pending:
            yield f"no {RESULTS[kind]} was under way"
        if kind.endswith("_started") and data["key"] in self.used:
            yield "its key was used before"
        match kind:
            case "noticed":
                if not self.sent:
                    yield "no notice had been sent"
                yield from self._odd_key(at, data.get("key"))
            case "announced":
                yield from self._odd_announcement(at, data)
            case "answered" if data["answer"] not in ("keep", "fix", "close"):
                yield "it is none of the three answers"
            case "answered" if data["answer"] == "fix" and self.plan_id:
                yield "a plan was sealed already, which is too late for a promise"
            case "answered" if data.get("on_behalf") and self.answer and not self.on_behalf:
                if data["answer"] != "keep":
                    yield "the unit had answered itself"
            case "approved" if (data["plan_id"], data["plan_sha256"]) != (self.plan_id, self.plan_sha256):
                yield "it is not the plan that the case was in"
            case "archived" if not all(dict(data.get("checks", {})).values()):
                yield "the package had not passed its checks"
            case "confirmed" | "refuted" | "inconclusive":
                if data["request_id"] != self.request_id or self.asked_day != self.day(at):
                    yield "it answers no question of that day"
                if self.asked_finding and data.get("finding_id", self.asked_finding) != self.asked_finding:
                    yield "it speaks of another finding than was asked about"
            case "probed":
                yield from self._odd_look(at, data)
            case "closed" if "stopped_on" in data and self.stopped_at is not None:
                if data["stopped_on"] != self.day(self.stopped_at).isoformat():
                    yield "it was not stopped on that day"
            case "ended":
                why = {"cancelled": self.cancelled, "kept": self.answer == "keep"}
                if not why.get(data["outcome"], self.refuted):
                    yield "nothing before led to this outcome"

    def _odd_key(self, at: datetime, key: Json | None) -> Iterator[str]:
        """What is wrong with the unit's key that proved a notice; an older log does not name it."""
        if key is None:
            if self.windows["key_age_days"] and not self.older:
                yield "it does not name the unit's key"
            return
        if not (key["proved_at"] and key["confirmed_at"] and key["confirmed_by"]):
            yield "the unit's key was never proved, or never confirmed"
            return
        proved, confirmed, since = (instant(key[n]) for n in ("proved_at", "confirmed_at", "in_force_from"))
        if since != max(proved, confirmed) or min(proved, confirmed) < instant(key["set_at"]):
            yield "the unit's key was not in force from when it had been proved and confirmed"
        if same(key["set_by"], key["confirmed_by"]):
            yield "who set the unit's key has confirmed it"
        if not (is_person(key["set_by"]) and is_person(key["confirmed_by"])):
            yield "the unit's key was set or confirmed by nobody who is a person"
        sent = self.sent.get(key["thumbprint"])
        if sent is None and (self.windows["key_age_days"] or None not in self.sent):  # an older one names no key
            yield "no notice had been sent to the key that its receipt is signed with"
        if sent is not None and sent < since:
            yield "the unit's key came into force only after the notice to it had been sent"
        if not self.over(since, self.windows["key_age_days"], at, prolonged=False):
            yield "the unit's key was too young to prove a notice"

    def _odd_announcement(self, at: datetime, data: Json) -> Iterator[str]:
        if "stop_not_before" in data:
            days = between(self.day(at), date.fromisoformat(data["stop_not_before"]))
            if "announce_days" in self.windows and days != self.windows["announce_days"]:
                yield "it announces another window than that of the case"
        told, key = data.get("notice_key"), self.notice_key
        if told != key and (told is not None or (self.windows["key_age_days"] and not self.older)):
            yield "it names another key of the unit than the notice was proved with"
        elif (
            told is not None
            and "notice_key_age_days" in data
            and data["notice_key_age_days"] != between(self.day(instant(told["in_force_from"])), self.day(at))
        ):
            yield "it says another age of the unit's key than that was"

    def _odd_look(self, at: datetime, data: Json) -> Iterator[str]:
        status = data.get("status")
        seen = "gone" if status in (404, 410) else "unclear"
        if isinstance(status, int) and 200 <= status < 300:
            seen = "alive"
        if data["result"] != seen:
            yield "its result is not what such an answer says"
        last = self.probed_day or (self.day(self.stopped_at) if self.stopped_at else None)
        if not self.unwinding and last is not None and self.day(at) <= last:
            yield "there is one look a day, the first on the day after the stop"

    def _apply(self, kind: str, at: datetime, data: Json, day: date) -> None:
        match kind:
            case "opened":
                self.opened = True
            case "notice_started" | "archive_started" | "restore_started":
                self._begin(kind, data)
                if kind == "notice_started":
                    self.sent[data.get("unit_key")] = at
            case "noticed":
                self.pending.pop("notice", None)
                self.noticed_at, self.notice_sha256 = at, data["notice_sha256"]
                self.notice_key, self.not_before = data.get("key"), None
                self._clock(at)
            case "undelivered":
                self.pending.pop("notice", None)
                self.last_attempt, self.not_before = at, None
                if data.get("until"):  # the unit's key is too young to prove anything: no attempt has failed
                    self.not_before = instant(data["until"])
                else:
                    self.attempts += 1
            case "sponsor_changed":
                self._untold(unanswered=True)
            case "endpoint_changed":
                self.pending.pop("notice", None)
                self._untold(unanswered=self.answer == "close" or self.on_behalf)
            case "answered":
                self.answer, self.on_behalf, self.answered_at = data["answer"], bool(data.get("on_behalf")), at
                self.fix_until = date.fromisoformat(data["until"]) if data["answer"] == "fix" else None
                self.fix_checked_at = None
                if self.fix_until is not None and not self.on_behalf:
                    self._clock(at)
            case "planned":
                self.plan_id, self.plan_sha256 = data["plan_id"], data["plan_sha256"]
                self.planned_at, self.planned_notice, self.planned_key = at, self.notice_sha256, self.notice_key
            case "unplanned":
                self.plan_id = self.plan_sha256 = self.archive_sha256 = ""
                self.announced_at = self.confirmed_day = None
                self.approved, self.held_days, self.paused = {}, 0, timedelta(0)
            case "approved":
                self.approved, self.approved_at = data, at
            case "announced":
                self.announced_at = at
                self._clock(at)
            case "archived":
                self.pending.pop("archive", None)
                self.archive_sha256 = data["sha256"]
            case "archive_failed":
                self.pending.pop("archive", None)
                self.archive_sha256 = ""
                self.archive_failures, self.last_failure = self.archive_failures + 1, at
            case "slot_reserved":
                self.slot_day = day
            case "slot_missed":
                self.missed_day, self.slot_day = day, None
            case "recheck_asked":
                self.asked_day, self.request_id, self.confirmed_day = day, data["request_id"], None
                self.asked_finding = data.get("finding_id", "")
            case "confirmed":
                self.confirmed_day = day
                if self.answer == "fix":
                    self.fix_checked_at = self.fix_checked_at or at
            case "finding_refuted":
                self.asked_day = self.confirmed_day = None
                self.request_id = ""
            case "refuted" | "cleared":
                self.refuted = True
            case _:
                self._apply_end(kind, at, data, day)

    def _apply_end(self, kind: str, at: datetime, data: Json, day: date) -> None:
        match kind:
            case "stop_started":
                self._begin(kind, data)
                self.stop_ordered = True
                self.stop_finding, self.ordered_at = self.asked_finding, at
            case "stop_accepted":
                self.pending.pop("stop", None)
                self.stopped_at = at
            case "stop_failed" | "stop_unanswered":
                if kind == "stop_failed":
                    self.pending.pop("stop", None)
                    self.stop_ordered = self.stop_unclear
                else:
                    self.stop_unclear = True
                self.stop_failures, self.last_failure = self.stop_failures + 1, at
            case "probed":
                self._apply_look(data["result"], at, day)
            case "restore_asked":
                self.restore_asked, self.person = True, False
            case "restore_accepted":
                self.pending.pop("restore", None)
                self.restore_accepted, self.restore_seen, self.probed_day = True, False, None
            case "restore_failed" | "restore_unanswered":
                self.pending.pop("restore" if kind == "restore_failed" else "", None)
                self.restore_failed_at, self.again = at, instant(data["until"]) if data.get("until") else None
            case "disposed":
                self.disposed = True
            case "closed" | "restored" | "ended":
                self.ended = kind
            case "cancelled":
                self.cancelled, self.person = True, False
            case "needs_person":
                self.person = True
                self.pending.pop(data.get("unknown", ""), None)
                self.stop_unclear = self.stop_unclear or data.get("unknown") == "stop"
            case "resumed":
                self.person = False
                self.archive_failures = self.stop_failures = 0
            case "held":
                until = date.fromisoformat(data["until"]) if data.get("until") else None
                if self.held_since is not None:
                    until = None if until is None or self.hold_until is None else max(until, self.hold_until)
                self.held_since, self.hold_until = self.held_since or at, until
            case "released":
                if self.held_since is not None:
                    since = max(self.held_since, self.clock_from) if self.clock_from else self.held_since
                    self.held_days += max(0, between(self.day(since), day))
                    self.paused += max(timedelta(0), at - since)
                self.held_since = self.hold_until = None

    def _untold(self, *, unanswered: bool) -> None:
        """Whoever has to be told now has not been told yet."""
        self.attempts, self.last_attempt, self.not_before, self.noticed_at = 0, None, None, None
        self.notice_sha256, self.notice_key = "", None
        if unanswered:
            self.answer, self.answered_at, self.fix_checked_at, self.fix_until = "", None, None, None
            self.on_behalf = False

    def _begin(self, kind: str, data: Json) -> None:
        self.pending[kind.partition("_")[0]] = data["key"]
        self.used.add(data["key"])

    def _apply_look(self, result: str, at: datetime, day: date) -> None:
        self.probed_day = day
        if self.unwinding:
            self.restore_seen = self.restore_accepted and result == "alive"
            return
        if result != "unclear":
            self.alive = result == "alive"
        if self.alive:
            self.verified_at = None
        follows = not self.gone_days or later(self.gone_days[-1], 1) == day
        before = self.gone_days[-self.windows["verify_days"] :] if follows else []
        self.gone_days = [*before, day] if result == "gone" else []
        if self.verified_at is None and len(self.gone_days) >= self.windows["verify_days"]:
            self.verified_at = at
            self._clock(at)

    def _clock(self, at: datetime) -> None:
        """A new wait begins; holds of earlier waits do not prolong it."""
        self.held_days, self.paused, self.clock_from = 0, timedelta(0), at


# Default_Ignorable_Code_Point of Unicode 16, DerivedCoreProperties.txt: what nobody sees tells no two people apart.
IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def person(name: Any) -> str:
    """Who somebody is, in one form: two ways to write one name are not two people."""
    text = unicodedata.normalize("NFKC", IGNORED.sub("", str(name))).casefold()
    return " ".join(unicodedata.normalize("NFKC", IGNORED.sub("", text)).split())


def is_person(name: Any) -> bool:
    """Whether a name is one that a person can have: not the service's, nor a unit's, whoever has issued it."""
    subject = person(name).rpartition("|")[2].strip()
    return subject not in ("", SERVICE) and not subject.startswith("unit:")


def alike(a: str, b: str) -> bool:
    """Whether two names in their one form may be one person's: an older one is a subject, a younger issuer|subject."""
    return a == b or a.endswith(f"|{b}") or b.endswith(f"|{a}")


def same(one: Any, other: Any) -> bool:
    """Whether two names may be one person's."""
    return alike(person(one), person(other))


def people(names: Iterable[Any]) -> list[str]:
    """One name for each person: of names that may be one person's the shortest. Raises Refused beyond the bound."""
    found: list[str] = []
    for name in sorted(bounded({person(each) for each in names} - {""}), key=lambda each: (len(each), each)):
        if not any(alike(name, other) for other in found):
            found.append(name)
    return found


Some = TypeVar("Some", bound=Sized)


def bounded(some: Some) -> Some:
    """The same. Raises Refused where it names more people, or their mandates, than can have had a part in a case."""
    if len(some) > MOST_PEOPLE:
        raise Refused(f"it names more than {MOST_PEOPLE} people or mandates")
    return some


def later(day: date, days: int) -> date:
    """The date so many calendar days later."""
    return date.fromordinal(day.toordinal() + days)


def between(first: date, last: date) -> int:
    """How many calendar days lie from one date to another."""
    return last.toordinal() - first.toordinal()


def instant(text: Any) -> datetime:
    """A time with its offset, in UTC. Raises ValueError."""
    at = datetime.fromisoformat(re.sub("Z$", "+00:00", str(text)))
    if at.tzinfo is None:
        raise ValueError(f"{text} names no offset")
    return at.astimezone(UTC)


def replay(log: list[Json], windows: dict[str, int], zone: tzinfo) -> tuple[Case, list[str]]:
    """What a log amounts to, and which of its entries cannot have been written where they stand: the first of them."""
    older, calendar = "windows" not in log[0]["data"], log[0]["data"].get("days") == CALENDAR
    case = Case(windows, zone, older=older, calendar=calendar)
    found: list[str] = []
    before = datetime.min.replace(tzinfo=UTC)
    for number, entry in enumerate(log, start=1):
        at, name = instant(entry["at"]), f"entry {number} ({entry['kind']})"
        if at < before and len(found) <= MOST_FAULTS:
            found.append(f"{name}: time goes back")
        kind, data = entry["kind"], entry["data"]
        odd = [*case.wrote(kind, at, data, entry["actor"]), *case.take(kind, at, data)]
        found += [f"{name}: {why}" for why in odd if len(found) <= MOST_FAULTS]
        before = at
    return case, found


# --- the file: chain, head, history, and what stands beside the log


@dataclass
class Report:
    """What was found: faults, what the file proves, and what it does not; texts are ready to be printed."""

    faults: list[str] = field(default_factory=list)
    proves: list[str] = field(default_factory=list)
    not_proved: list[str] = field(default_factory=list)

    def told(self, check: Callable[..., Iterator[str]], *given: Any) -> None:
        """Run one check; a file too broken for it is a fault, and hides none that another check finds."""
        try:
            for number, fault in enumerate(check(*given)):
                if number == MOST_FAULTS:
                    self.faults.append(f"{check.__name__.strip('_')}: and more than these {MOST_FAULTS}")
                    return
                if (text := shown(fault)) not in self.faults:
                    self.faults.append(text)
        except Refused as error:
            self.faults.append(shown(f"{check.__name__.strip('_')}: {error}"))
        except Exception as error:  # whatever a file holds, the answer is a verdict and never a traceback
            what = f"{check.__name__.strip('_')}: it is not what a case file holds"
            self.faults.append(shown(f"{what}: {type(error).__name__} {error}"))

    def lines(self) -> Iterator[str]:
        """The report as it is printed."""
        yield from (f"✗ {fault}" for fault in self.faults)
        if self.faults:
            yield "✗ DOES NOT VERIFY. What it says proves nothing. 核验不通过,所述内容不能作为证明。"
            return
        yield "✓ VERIFIES: nothing in it contradicts its signatures or the rules. 核验通过:内容与签名、规则均无矛盾。"
        yield "It proves 能够证明:"
        yield from (f"  + {text}" for text in self.proves)
        yield "It does not prove 不能证明:"
        yield from (f"  - {text}" for text in self.not_proved)


@dataclass
class File:
    """A case file and all that was given from outside to check it with."""

    body: Json
    service_keys: list[Key]
    unit_keys: list[Key]
    package: Path | None = None
    checkpoint: bytes | None = None
    zone: str | None = None
    case: Case | None = None
    signed_by: Key | None = None
    receipts: list[str] = field(default_factory=list)

    @property
    def log(self) -> list[Json]:
        log: list[Json] = self.body["log"]
        return log

    def entries(self, *kinds: str) -> list[Json]:
        return [entry["data"] for entry in self.log if entry["kind"] in kinds]


def check(data: bytes, service_keys: list[Key], unit_keys: list[Key] | None = None, **more: Any) -> Report:
    """Everything that can be said of a case file; `more`: package, checkpoint, zone. Never raises."""
    report = Report()
    try:
        body = read_json(data)
    except Refused as error:
        report.faults.append(shown(f"it cannot be read: {error}"))
        return report
    if not isinstance(body, dict) or body.get("format") not in FORMATS or not isinstance(body.get("log"), list):
        report.faults.append(f"it is no case file of the formats {', '.join(FORMATS)}")
        return report
    file = File(body, service_keys, unit_keys or [], **more)
    for each in (_chain, _head, _history, _beside, _notices, _plan, _findings, _archive, _package, _checkpoint):
        report.told(each, file)
    if not report.faults:
        report.told(_says, file, report)
    return report


def _chain(file: File) -> Iterator[str]:
    """Each entry's hash covers the one before, so none can be altered, dropped or moved."""
    previous = GENESIS
    for number, entry in enumerate(file.log, start=1):
        content = {name: entry.get(name) for name in ("seq", "at", "actor", "kind", "data", "previous")}
        name = f"entry {number} ({entry.get('kind')})"
        if entry.get("seq") != number or isinstance(entry["seq"], bool):
            yield f"{name}: it says it is number {entry.get('seq')}; entries are missing or out of order"
            return
        if entry.get("previous") != previous:
            yield f"{name}: it does not follow from the entry before it"
            return
        if sha256(canonical(content)) != entry.get("sha256") or set(entry) != {*content, "sha256"}:
            yield f"{name}: its content is not what its hash covers"
            return
        previous = entry["sha256"]


def _head(file: File) -> Iterator[str]:
    """The signed head covers the number of entries, the last of them, and everything that stands beside the log."""
    body, log = file.body, file.log
    found = opened(body.get("signature"), file.service_keys)
    if found is None:
        yield "the head is not signed by this key"
        return
    signed, file.signed_by = found
    rest = {name: part for name, part in body.items() if name not in ("head", "signature")}
    actual = {
        "format": body["format"],
        "case_id": body["case"]["case_id"],
        "entries": len(log),
        "last": log[-1]["sha256"] if log else GENESIS,
        "content": sha256(canonical(rest)),
    }
    count = signed.get("entries")
    if count != len(log):
        what = "shortened" if isinstance(count, int) and count > len(log) else "lengthened"
        yield f"the log is {what}: {len(log)} entries, {count} were signed"
    elif signed.get("case_id") != actual["case_id"]:
        yield "the signed head is that of another case"
    elif signed.get("last") != actual["last"]:
        yield "the signed head is not that of this log: it was rewritten after signing"
    elif canonical(signed) != canonical(actual):
        yield "what stands beside the log was altered after signing"
    elif canonical(body["head"]) != canonical(signed):
        yield "the head shown is not the head that was signed"


def _history(file: File) -> Iterator[str]:
    """The log once more from its first entry: each must be possible where it stands, and no earlier than allowed."""
    pinned, beside = file.log[0]["data"].get("windows"), file.body.get("windows") or {}
    younger = file.body["format"] != FORMATS[0]
    if younger and (not set(WINDOWS) <= set(pinned or ()) or "zone" not in file.log[0]["data"]):
        yield "its first entry does not name the windows and the time zone of the case, which its format always does"
    if not younger and pinned is not None:
        yield "its first entry names windows, which its format never does"
    if file.log[0]["data"].get("days", CALENDAR) != CALENDAR:
        yield "its first entry counts days in a way that is not known here"
    if pinned is not None and pinned != beside:
        yield "the windows beside the log are not those that the log pinned when the case was opened"
    windows = dict.fromkeys(WINDOWS, 1) | YOUNGER | (beside if pinned is None else pinned)
    if odd := [name for name, days in windows.items() if type(days) is not int or not younger <= days <= 3650]:
        yield f"the windows {', '.join(odd)} are no whole days"
        return
    best: tuple[Case, list[str]] | None = None
    for zone in _zones(file):
        tried = replay(file.log, windows, zone)
        best = tried if best is None or len(tried[1]) < len(best[1]) else best
        if not tried[1] or len(best[1]) > MOST_FAULTS:
            break
    assert best is not None  # noqa: S101 - there is always a zone to try
    file.case = best[0]
    yield from best[1]


def _zones(file: File) -> list[tzinfo]:
    """The zone of the business days; of an older file that does not name it, every offset that it may have been."""
    name = file.zone or file.log[0]["data"].get("zone")
    if name is not None:
        try:
            return [ZoneInfo(name)]
        except (LookupError, ValueError, OSError):
            raise Refused("its time zone is unknown here; install the package tzdata, or give another --zone") from None
    return [timezone(timedelta(minutes=minutes)) for minutes in (480, *range(-720, 841, 30))]


def _beside(file: File) -> Iterator[str]:
    """What is told of the case beside its log is what the log amounts to."""
    told, case, log = file.body["case"], file.case, file.log
    if case is None:
        return
    either = set() if case.calendar else {"ready", "answering"}  # by which rule its least time was over
    if told["state"] != case.state() and not {told["state"], case.state()} <= either:
        yield f"it says that the case is {told['state']}, its log says {case.state()}"
    if told["version"] != len(log):
        yield "it says that the log has another number of entries"
    first = log[0]["data"]
    if (told["finding_id"], told["rule"]) != (first["finding_id"], first["rule"]):
        yield "it says that another finding has opened the case"
    parts = "case", told["asset_id"], str(told["ordinal"])
    if told["case_id"] != str(uuid5(NAMESPACE, "\x1f".join(parts))):
        yield "its id is not that of this asset's case of this number"
    if instant(told["opened_at"]) != instant(log[0]["at"]):
        yield "it says that the case was opened at another time"
    if instant(file.body["exported_at"]) < instant(log[-1]["at"]):
        yield "it was taken out before its last entry was written"


def _notices(file: File) -> Iterator[str]:
    """Every notice that the log says was proved, by the receipt that the unit's key signed."""
    latest, notices = file.body.get("notice"), file.body.get("notices")
    told = [(number, entry) for number, entry in enumerate(file.log) if entry["kind"] == "noticed"]
    if notices is None:  # the oldest files hold the latest alone
        notices, told = [latest] if latest else [], told[-1:]
    elif latest != (notices[-1] if notices else None):
        yield "the notice shown is not the last of the notices"
    held = {sha256(notice["receipt"].encode()): notice for notice in notices if notice.get("receipt")}
    read: dict[str, Read] = {}
    for number, entry in told:
        which = entry["data"]["receipt_sha256"]
        if which not in held:
            yield "the log says that the unit was told, the file holds no receipt of that hash"
            continue
        if which not in read:  # once, however often the log names it
            one, key = held[which], read_key(held[which]["public_key"])
            read[which] = one, key, opened(one["receipt"], [key]), sha256(one["body"].encode()), read_json(one["body"])
        yield from _receipt(file, number, entry, read[which])
    if notices is file.body.get("notices"):
        yield from _unit_answers(file, {number for number, _ in told})


Read = tuple[Json, Key, "tuple[Json, Key] | None", str, Json]  # a notice, its key, its receipt, its hash, what it says


def _unit_answers(file: File, told: set[int]) -> Iterator[str]:
    """A unit's own answer is that of its receipt, which is proved with the entry before."""
    for number, entry in enumerate(file.log):
        if entry["kind"] == "answered" and person(entry["actor"]).startswith("unit:") and number - 1 not in told:
            yield f"entry {number + 1} (answered): the unit has signed no such answer"


def _receipt(file: File, number: int, entry: Json, read: Read) -> Iterator[str]:
    proved, case, asset = entry["data"], file.body["case"], file.body["case"]["asset_id"]
    notice, named, found, notice_sha256, body = read
    if notice_sha256 != proved["notice_sha256"]:
        yield "the notice is not the one whose receipt the log records"
    if found is None:
        yield "notice: the receipt is not signed with the unit's key"
        return
    if (key := proved.get("key")) is not None and key["thumbprint"] != named.thumbprint:
        yield "notice: the receipt is signed with another key than the log names"
    if key is not None and notice.get("key") not in (None, key):
        yield "notice: it stands beside another key of the unit than the log names"
    if file.unit_keys and named.thumbprint not in [key.thumbprint for key in file.unit_keys]:
        yield f"notice: the receipt is signed with the key {named.thumbprint}, which is none of the unit keys given"
    receipt = found[0]
    if receipt.get("notice_sha256") != proved["notice_sha256"] or receipt.get("asset_id") != asset:
        yield "notice: the receipt names another notice or another asset"
    if body.get("receipt_key") not in (None, named.thumbprint):
        yield "notice: it asks for a receipt by another key"
    if (body["case_id"], body["asset_id"]) != (case["case_id"], asset):
        yield "notice: it is about another case"
    sent, answer_by, stop_from = (date.fromisoformat(body[n]) for n in ("sent_on", "answer_by", "stop_not_before"))
    windows = file.body.get("windows") or {}
    for name, days in (("answer_days", between(sent, answer_by)), ("announce_days", between(answer_by, stop_from))):
        if windows.get(name, days) != days:
            yield f"notice: the unit was told of {days} {name}, the file says {windows[name]}"
    if (soonest := body.get("answered_stop_not_before")) is not None and windows:
        least = min(windows["min_answer_days"], windows["answer_days"]) + windows["announce_days"]
        if date.fromisoformat(soonest) != later(sent, least):
            yield "notice: the unit was told of another day for what it agrees to than that of the windows"
    if file.case is not None:
        day, received = file.case.day(instant(entry["at"])), str(receipt.get("received_on") or "")
        if sent > day:
            yield "notice: it was proved before it was sent"
        if received and (not _between(sent, received, day) or proved.get("received_on", received) != received):
            yield "notice: it was received on another day than the log says, or before it was sent or after its proof"
    yield from _answer(file, number, proved, receipt.get("answer"))
    file.receipts.append(f"{named.thumbprint}, received on {receipt.get('received_on')}")


def _answer(file: File, number: int, proved: Json, said: Json | None) -> Iterator[str]:
    """What the unit has signed was taken down, all of it, as the next entry; and nothing that it has not signed."""
    after = [one for one in file.log[number + 1 : number + 2] if one["kind"] == "answered"]
    mine = [one["data"] for one in after if person(one["actor"]).startswith("unit:")]
    if said is None:
        if mine:
            yield f"entry {number + 2} (answered): the unit has signed no such answer"
        return
    wanted = said["answer"], _text(said.get("reason")), said.get("until") or None
    if [(one["answer"], _text(one.get("reason")), one.get("until")) for one in mine] != [wanted]:
        yield f"the unit's receipt answers {said['answer']}, and the log does not say so, or not all of it"
    elif after[0]["actor"] != f"unit:{proved['unit_id']}":
        yield f"entry {number + 2} (answered): it is another unit's than the one that was told"


def _between(first: date, day: str, last: date) -> bool:
    """Whether what is written is a day, none before the first and none after the last."""
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", day, re.ASCII)) and first.isoformat() <= day <= last.isoformat()


def _text(given: Any) -> str:
    """The reason of an answer as a log keeps it."""
    return unicodedata.normalize("NFC", str(given or "")[:1000])[:1000]


def _plan(file: File) -> Iterator[str]:
    """The plan is the one that was sealed and approved, by two people or under a mandate that two others signed."""
    case, plan = file.case, file.body.get("plan")
    if case is None or not case.plan_id:
        return
    if plan is None:
        yield "the log says that a plan was sealed, the file holds none"
        return
    actual, content = sha256(plan["content"].encode()), read_json(plan["content"])
    if actual != case.plan_sha256 or content["plan_id"] != case.plan_id:
        yield "the plan is not the one that was sealed"
    assert case.planned_at is not None  # noqa: S101 - with its id
    if content["sealed_on"] != case.day(case.planned_at).isoformat():
        yield "the plan was sealed on another day than the log says"
    mine = [member for member in content["members"] if member["case_id"] == file.body["case"]["case_id"]]
    if len(mine) != 1 or mine[0]["asset_id"] != file.body["case"]["asset_id"]:
        yield "the plan does not hold this case"
        return
    if "log_sha256" in mine[0] and not _goes_on(file, mine[0]["log_entries"], mine[0]["log_sha256"]):
        yield "the log is not the one that the plan was sealed with"
    if mine[0]["notice_sha256"] != (case.planned_notice):
        yield "the plan rests on another notice than the one that was proved"
    if mine[0].get("notice_key") != case.planned_key:
        yield "the plan names another key of the unit than the notice was proved with"
    signed = {person(approval["approver"]): approval for approval in bounded(plan["approvals"])}
    if not all(map(is_person, signed)):
        yield "the plan was approved by somebody who is no person"
    if len(people(signed)) != len(plan["approvals"]):
        yield "one person approved the plan twice"
    if any(approval["sha256"] != actual for approval in signed.values()):
        yield "an approval is for another plan"
    if any(not case.planned_at <= instant(approval["at"]) for approval in signed.values()):
        yield "an approval was given before the plan was sealed"
    parts = _parts(file, case)
    for name, part in parts.items():
        if any(alike(name, signer) for signer in signed):
            yield f"{part} has approved the plan"
    if case.approved:
        yield from _approved(case, plan, mine[0], signed, parts)
    yield from _signed_evidence(file, case, mine[0])


def _parts(file: File, case: Case) -> dict[str, str]:
    """Who does not sign for a case, by what part he had in it: its unit's key, or a move towards its stop by hand."""
    key = case.planned_key or {}
    holders = [key[by] for by in ("set_by", "confirmed_by") if key.get(by)]
    parts = {person(name): "who set or confirmed the unit's key" for name in holders}
    kinds = [entry["kind"] for entry in file.log]
    before = len(kinds) - kinds[::-1].index("stop_started") if "stop_started" in kinds else len(kinds)
    for entry in file.log[:before] if case.approved and not case.older else ():
        towards = entry["kind"] in ("answered", "released", "resumed") and entry["data"].get("answer") != "keep"
        if towards and is_person(entry["actor"]):
            parts.setdefault(person(entry["actor"]), f"entry {entry['seq']} ({entry['kind']}): who did it")
    return bounded(parts)


def _goes_on(file: File, entries: int, last: str) -> bool:
    """Whether the log is one that once stood at this head."""
    return 1 <= entries <= len(file.log) and bool(file.log[entries - 1]["sha256"] == last)


def _approved(case: Case, plan: Json, member: Json, signed: dict[str, Json], parts: dict[str, str]) -> Iterator[str]:
    assert case.approved_at is not None  # noqa: S101 - with the entry
    named = case.approved["approvers"]
    named = named.split(", ") if isinstance(named, str) else named
    who = people(named)
    if not who or not {person(name) for name in named} <= set(signed):
        yield "the plan lacks an approval that the log records"
    if any(instant(approval["at"]) > case.approved_at for approval in signed.values()):
        yield "an approval was given after the plan was approved"
    if len(who) >= 2:
        return
    mandates = bounded(plan.get("mandates", ()))
    covered = {mandate["rule"] for mandate in mandates if _stands(mandate, case, parts)}
    for rule in member.get("rules") or [member["rule"]]:
        if rule not in covered:
            yield f"one person approved the plan, and no mandate that two others signed covers its rule {rule}"


def _stands(mandate: Json, case: Case, parts: dict[str, str]) -> bool:
    """Whether a standing approval was in force when it was used: at the approval, and at the stop.

    Who signed it has signed every plan that rests on it: it is nobody with another part in the case.
    """
    signed, proposer = people(mandate["approvers"]), person(mandate["proposed_by"])
    others = [name for name in signed if not alike(name, proposer)]
    used = [at for at in (case.approved_at, case.ordered_at) if at is not None]
    until, revoked = mandate.get("until"), mandate.get("revoked_at")
    return (
        mandate["mandate_id"] in case.approved.get("mandates", ())
        and len(others) >= 2
        and all(map(is_person, signed))
        and not any(alike(name, other) for name in signed for other in parts)
        and all(until is None or case.day(at) <= date.fromisoformat(until) for at in used)
        and all(revoked is None or at <= instant(revoked) for at in used)
    )


def _signed_evidence(file: File, case: Case, member: Json) -> Iterator[str]:
    """What was confirmed last before the order to stop is among the evidence that was signed."""
    named = {data["finding_id"]: data["evidence_sha256"] for data in file.entries("opened", "finding_attached")}
    evidence = named.get(case.stop_finding)
    if case.stop_ordered and evidence is not None and evidence not in member.get("evidence_sha256", ()):
        yield "what was confirmed before the stop is not among the evidence that was signed"


def _findings(file: File) -> Iterator[str]:
    held = {sha256(canonical(finding["evidence"])) for finding in file.body["findings"]}
    for data in file.entries("opened", "finding_attached"):
        if data["evidence_sha256"] not in held:
            yield f"the evidence of finding {data['finding_id']} is not what the log records"


def _archive(file: File) -> Iterator[str]:
    archived, package = file.entries("archived"), file.body.get("archive")
    if archived and (package is None or package["sha256"] != archived[-1]["sha256"]):
        yield "the archive package named is not the one the log records"


# --- the archive package: a BagIt bag (RFC 8493), as a folder or a zip of one


def _package(file: File) -> Iterator[str]:
    """Every file by its hash, and nothing beside what the manifests name."""
    if file.package is None:
        return
    if not (archived := file.entries("archived")):
        yield "package: the log says of none"
        return
    try:
        held = _in_zip(file.package) if file.package.is_file() else _in_folder(file.package)
    except (Refused, OSError, zipfile.BadZipFile) as error:
        yield f"package: {error}"
        return
    if "tagmanifest-sha256.txt" not in held or "manifest-sha256.txt" not in held:
        yield "package: its manifests are missing; the root of the bag must be the root of what is given"
        return
    text = {name: b"".join(_chunks(held[name])) for name in ("tagmanifest-sha256.txt", "manifest-sha256.txt")}
    if sha256(text["tagmanifest-sha256.txt"]) != archived[-1]["sha256"]:
        yield "package: it is not the one whose hash the log records"
    tags, payload = (_manifest(each) for each in text.values())
    if not {"manifest-sha256.txt", "bagit.txt"} <= set(tags) or any(not name.startswith("data/") for name in payload):
        yield "package: its manifests do not name what they must"
    named = {**tags, **payload}
    for name in sorted({*named, "tagmanifest-sha256.txt"} ^ set(held)):
        yield f"package: {name} is {'not in the manifests' if name in held else 'missing'}"
    for name in sorted(set(named) & set(held)):
        digest = hashlib.sha256()
        for chunk in _chunks(held[name]):
            digest.update(chunk)
        if digest.hexdigest() != named[name]:
            yield f"package: {name} is not what the manifest covers"
    log = read_json(b"".join(_chunks(held["data/case/log.json"])))
    if not log or log != file.log[: len(log)]:
        yield "package: the log in it is not the beginning of this one"


Held = dict[str, tuple[int, Callable[[], IO[bytes]]]]


def _chunks(held: tuple[int, Callable[[], IO[bytes]]]) -> Iterator[bytes]:
    """A file's bytes, no more than it says it has. Raises Refused."""
    left, opening = held
    with opening() as stream:
        while chunk := stream.read(1 << 16):
            left -= len(chunk)
            if left < 0:
                raise Refused("a file of the package is longer than it says")
            yield chunk


def _manifest(text: bytes) -> dict[str, str]:
    """What a manifest names, and the hash of each. Raises Refused."""
    found: dict[str, str] = {}
    for line in text.decode("utf-8").splitlines():
        match = re.fullmatch(r"([0-9a-f]{64}) [ *]?(\S.*)", line)
        if match is None or match[2] in found:
            raise Refused("a manifest of the package is malformed")
        found[match[2]] = match[1]
    return found


def _listed(held: Held, name: str, size: int, opening: Callable[[], IO[bytes]]) -> None:
    """Note one file of a package. Raises Refused on names that lead elsewhere, and beyond the bounds."""
    if name in held or not name.isprintable() or re.search(r"\\|:|^/|(^|/)\.{0,2}(/|$)", name):
        raise Refused(f"the name {shown(name, 80)} is doubled, or leads out of the package")
    held[name] = (size, opening)
    if len(held) > MOST_FILES or sum(each[0] for each in held.values()) > MOST_UNPACKED:
        raise Refused(f"it holds more than {MOST_FILES} files or {MOST_UNPACKED} bytes")


def _in_zip(path: Path) -> Held:
    held: Held = {}
    archive = zipfile.ZipFile(path)
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or info.flag_bits & 1:
            raise Refused(f"{shown(info.filename, 80)} is a link, encrypted, or no plain file")
        if not info.is_dir():
            _listed(held, info.filename, info.file_size, lambda info=info: archive.open(info))  # type: ignore[misc]
    return held


def _in_folder(root: Path) -> Held:
    held: Held = {}
    waiting = [root]
    while waiting:
        for each in sorted(os.scandir(waiting.pop()), key=lambda entry: entry.name):
            path = Path(each.path)
            name = path.relative_to(root).as_posix()
            if each.is_symlink() or not (each.is_file() or each.is_dir()):
                raise Refused(f"{shown(name, 80)} is a link, or no plain file")
            if each.is_dir():
                waiting.append(path)
            else:
                _listed(held, name, each.stat().st_size, lambda path=path: path.open("rb"))  # type: ignore[misc]
    return held


# --- a checkpoint: what was published of all cases on some day


def _checkpoint(file: File) -> Iterator[str]:
    """The log goes on from what was published of it: nothing before was rewritten since."""
    if file.checkpoint is None:
        return
    found = _read_checkpoint(file)
    if found is None:
        yield "checkpoint: it is not signed by the service's key"
        return
    mine = [one for one in found["cases"] if one["case_id"] == file.body["case"]["case_id"]]
    if found.get("format") != "jianfu-checkpoint/1" or len(mine) != 1:
        yield "checkpoint: it does not hold this case"
        return
    if not _goes_on(file, mine[0]["entries"], mine[0]["last"]):
        yield f"checkpoint: on {found['day']} another log of this case was published"


def _read_checkpoint(file: File) -> Json | None:
    """What the service published of a day: `text`, and a `signature` of its day and hash. None where it is not so."""
    given = read_json(file.checkpoint or b"")
    claims, text = opened(given["signature"], file.service_keys), given["text"].encode()
    content: Json = read_json(text)
    signed = {"format": "jianfu-checkpoint/1", "day": content["day"], "sha256": sha256(text)}
    return content if claims is not None and claims[0] == signed else None


# --- the report


def _says(file: File, report: Report) -> Iterator[str]:
    """What a file without faults proves, and what it leaves open."""
    case, body, proves, open_ = file.case, file.body, report.proves, report.not_proved
    assert case is not None  # noqa: S101 - without a history there is a fault
    assert file.signed_by is not None  # noqa: S101 - without a signature there is a fault
    count, key = len(file.log), file.signed_by.thumbprint
    proves.append(f"the service's key {key} signed this log of {count} entries. 服务密钥签署了这 {count} 条日志。")
    days = ", ".join(f"{name} {value}" for name, value in case.windows.items())
    proves.append(
        f"the log is one the rules allow: {shown(days)}; time never goes back. 日志符合流程、期限与时序规则。"
    )
    for receipt in file.receipts:
        if file.unit_keys:
            proves.append(f"the unit's key signed the receipt: {shown(receipt)}. 单位密钥签署了回执。")
        else:
            proves.append(
                f"the key that the file itself names signed the receipt: {shown(receipt)}. 回执由案卷自带的密钥签署。"
            )
            open_.append(
                "that this key is the unit's: no --unit-key was given, so the receipt was checked only against the key"
                " in the file, which proves less. 未提供单位公钥,不能证明该密钥属于单位。"
            )
    if case.approved:
        who = ", ".join(map(str, case.approved["approvers"]))
        proves.append(
            f"the plan shown is the one approved; the service names as approvers: {shown(who)}. 方案与批准时一致。"
        )
    state = body["case"]["state"]
    proves.append(f"by this log the case is {shown(state)}. 按日志,个案状态为 {shown(state)}。")
    if file.package is not None:
        proves.append("the archive package is the one recorded, whole and nothing beside it. 归档包完整,且无多余文件。")
    elif file.entries("archived"):
        open_.append("that the archive package is whole: none was given. 未提供归档包,未核验。")
    if file.checkpoint is not None:
        proves.append("what the checkpoint published of this log was not rewritten since. 日志与已公布的检查点一致。")
    else:
        open_.append("that this is the only log of the case: compare it with a published checkpoint. 未与检查点比对。")
    if body["format"] == FORMATS[0]:
        open_.append(
            "that the windows are those of the case, and on which side of midnight an entry was written: this older"
            " format keeps the windows beside the log and names no time zone. 旧格式:期限不在日志内,未注明时区。"
        )
    open_.append("that the times are true, or that an approver or an operator did what the log says: that is the")
    open_[-1] += " service's word. 时间及人员操作仅为服务自述。"
    open_.append("that the page is gone now: look at it. 不能证明页面此刻已消失,请自行查看。")
    yield from ()


def main(arguments: list[str] | None = None) -> int:
    """The command line; answers its exit code."""
    parser = argparse.ArgumentParser(description="Check a Jianfu case file offline. 离线核验减负案卷。")
    parser.add_argument("casefile", type=Path)
    parser.add_argument("--service-key", type=Path, action="append", required=True, help="JWK or JWKS 服务公钥")
    parser.add_argument("--unit-key", type=Path, action="append", default=[], help="JWK or JWKS 单位公钥")
    parser.add_argument("--package", type=Path, help="the archive package, a zip or a folder 归档包")
    parser.add_argument("--checkpoint", type=Path, help="a published checkpoint 检查点")
    parser.add_argument("--zone", help="IANA time zone of an older file's business days 时区")
    given = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        data = read_file(given.casefile)
        checkpoint = None if given.checkpoint is None else read_file(given.checkpoint)
        service, unit = (
            [key for path in paths for key in read_keys(read_file(path).decode())]
            for paths in (given.service_key, given.unit_key)
        )
        if given.package is not None and not given.package.exists():
            raise Refused(f"{given.package} does not exist")
    except (Refused, OSError, ValueError) as error:
        print(f"cannot check 无法核验: {shown(str(error))}", file=sys.stderr)
        return 2
    report = check(data, service, unit, package=given.package, checkpoint=checkpoint, zone=given.zone)
    for line in report.lines():
        print(line)
    return 1 if report.faults else 0


def read_file(path: Path) -> bytes:
    """A file's bytes, bounded. Raises OSError, and Refused beyond the bound."""
    with path.open("rb") as stream:
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Refused(f"{path} is larger than {MOST_BYTES} bytes")
    return data


if __name__ == "__main__":
    sys.exit(main())
