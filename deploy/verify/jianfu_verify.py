"""Checks a Jianfu case file offline: read this file, then run it. 离线核验减负案卷:先读本文件,再运行。

    python jianfu_verify.py CASEFILE --service-key FILE [--unit-key FILE] [--package PATH] [--checkpoint FILE]

It needs Python 3.10 or later and the package `cryptography`, and nothing of Jianfu. The format is docs/case-file.md.
Get the service's key and the unit's key elsewhere than the case file: whoever hands you a forged file hands you a
fitting key with it. Exit code: 0 nothing is wrong, 1 something is, 2 it could not be checked.

From top to bottom: strict JSON, keys and signatures, names and days, the rules as tables, the replay of a log by them,
the checks in the order in which they are made, the archive package, the report.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import stat
import sys
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from functools import partial
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
UTC = timezone.utc  # noqa: UP017 - datetime.UTC is younger than Python 3.10
Json = dict[str, Any]


class Refused(Exception):
    """What was given cannot be read as what it should be; the text says why."""


class Faults(list[str]):
    """What one check finds wrong."""

    def __call__(self, so: Any, fault: str) -> bool:
        """Note a fault where it is so; answers whether it is. Raises Refused beyond the bound."""
        if so and len(self) == MOST_FAULTS:
            raise Refused(f"and more than these {MOST_FAULTS}")
        if so:
            self.append(fault)
        return bool(so)


# --- strict JSON: one text has one meaning, and says nothing twice


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no blanks, in UTF-8: the one text of a value that is hashed and signed."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def sha256(data: bytes | str) -> str:
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()


def read_json(data: bytes | str) -> Any:
    """A JSON value. Raises Refused on doubled names, NaN, numbers beyond reason, halves of characters, deep nesting."""
    if len(data) > MOST_BYTES:
        raise Refused(f"it is larger than {MOST_BYTES} bytes")
    try:
        value = json.loads(data if isinstance(data, str) else data.decode(), object_pairs_hook=_once, parse_int=_whole)
        canonical(value)  # has no text of NaN, of a number beyond what can be told, and of half of a character
    except (ValueError, RecursionError) as error:
        raise Refused(f"it is no strict JSON: {error}") from None
    level, depth = [value], 1
    while level := [each for one in level for each in _within(one)]:
        depth += 1
        if depth > MOST_DEPTH:
            raise Refused(f"it is nested deeper than {MOST_DEPTH}")
    return value


def _within(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _once(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names something twice")
    return found


def _whole(digits: str) -> int:
    if len(digits) > 20:
        raise ValueError("a number has more than 20 digits")
    return int(digits)


def read_file(path: Path) -> bytes:
    """A file's bytes, bounded. Raises OSError, and Refused beyond the bound."""
    with path.open("rb") as stream:
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Refused(f"{path} is larger than {MOST_BYTES} bytes")
    return data


SHOWN = re.compile("[^ -~\u3001\u3002\u4e00-\u9fff\uff08\uff09\uff0c\uff1a\uff1b]")


def shown(value: Any, most: int = 300) -> str:
    """A text from a file as it may be printed: bounded, and all but printable ASCII and CJK letters is escaped.

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
    if not isinstance(given, dict) or "keys" not in given:
        return [read_key(given)]
    if not isinstance(given["keys"], list) or not given["keys"]:
        raise Refused("the JWKS holds no key")
    return [read_key(one) for one in given["keys"]]


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


# --- names and days

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


# --- the rules as a table: the product's own, and a test of the product compares the two

SERVICE = "jianfu"
CALENDAR = "calendar"  # how the first entry of a younger log says that its days are counted
DAY = timedelta(days=1)  # older rule: what a log that does not say so may have counted for a day
# Days that each wait takes. An older file may not say all of them, and then a wait counts as a day; the younger ones
# the first files never say, and nothing was kept of them then.
YOUNGER = {"min_answer_days": 0, "key_age_days": 0}
OLDEST = "answer_days announce_days verify_days restore_days notice_retry_days notice_attempts reopen_days"
WINDOWS = (*OLDEST.split(), *YOUNGER)

BEFORE_STOP = "noticing undelivered answering fixing ready planned approved announced archived rechecking"
AFTER_STOP = "verifying unverified verified"
PLANNED = "planned approved announced archived rechecking"
HOLDS = f"{BEFORE_STOP} {AFTER_STOP} stopping restoring needs_person"
OPEN = f"{HOLDS} new disposed"
TOWARDS_STOP = "planned approved announced archive_started slot_reserved stop_started"
TOLD = "attempts last_attempt not_before noticed_at notice_sha256 notice_key"
ANSWER = "answer answered_at fix_checked_at fix_until on_behalf"
# Of each entry: where the case must stand to take it; `move`: one of these must be its next move at that very time;
# `by`: whether people alone write it, or the service or people, else the service alone; a unit answers by its receipt.
# `needs`, `bars`: what must be known of the case, and what must not. `of`: the step whose result it is, which must be
# under way; `ends`: that is not any more (what got no answer may still come about). Then what is known by it: what is
# `true`, what happened `at` its time or `on` its day, what it `said` by the same name, what `copies` what was known,
# what `counts` once more, what it `forgets`. What it takes beside this is in `Case.take`.
COLUMNS = "where move by needs bars of ends true at on said copies counts forgets"
RULES_TEXT = f"""
opened: new; true opened
finding_attached: {OPEN}
notice_started: noticing; move notice
noticed: noticing undelivered needs_person; bars noticed_at; ends notice; at noticed_at; said notice_sha256;
    forgets not_before
undelivered: noticing; ends notice; at last_attempt
endpoint_changed: noticing undelivered answering fixing ready needs_person; by either; bars stop_ordered plan_id;
    ends notice; forgets {TOLD}
sponsor_changed: answering ready; forgets {TOLD} {ANSWER}
answered: answering fixing ready {PLANNED} needs_person; by people; needs noticed_at; bars stop_ordered;
    at answered_at; said answer; forgets fix_checked_at
planned: ready; move plan; at planned_at; said plan_id plan_sha256;
    copies planned_notice=notice_sha256 planned_key=notice_key
unplanned: {PLANNED} needs_person; by either; needs plan_id; bars stop_ordered;
    forgets plan_id plan_sha256 archive_sha256 announced_at confirmed_day approved held_days paused
approved: planned; at approved_at
announced: approved; move announce; at announced_at
archive_started: announced stopping; move archive
archived: announced stopping; of archive; ends archive
archive_failed: announced archived rechecking stopping; ends archive; at last_failure; counts archive_failures;
    forgets archive_sha256
slot_reserved: archived rechecking stopping; move reserve; on slot_day
slot_missed: archived rechecking stopping; on missed_day; forgets slot_day
recheck_asked: archived rechecking stopping fixing; move ask; on asked_day; said request_id; forgets confirmed_day
confirmed: archived rechecking stopping fixing; on confirmed_day
refuted: archived rechecking stopping fixing; true refuted
finding_refuted: archived rechecking stopping fixing; forgets asked_day confirmed_day request_id
inconclusive: archived rechecking stopping fixing
cleared: {BEFORE_STOP} stopping needs_person; bars stopped_at; true refuted
stop_started: rechecking stopping; move stop; true stop_ordered; at ordered_at; copies stop_finding=asked_finding
stop_accepted: stopping restoring; of stop; ends stop; at stopped_at
stop_failed: stopping restoring; of stop; ends stop; at last_failure; copies stop_ordered=stop_unclear;
    counts stop_failures
stop_unanswered: stopping restoring; of stop; true stop_unclear; at last_failure; counts stop_failures
probed: {AFTER_STOP} restoring; on probed_day
restore_asked: {AFTER_STOP} needs_person; by people; needs stopped_at; bars disposed unwinding; true restore_asked;
    forgets person
restore_started: restoring; move restore
restore_accepted: restoring; of restore; ends restore; true restore_accepted; forgets restore_seen probed_day
restore_failed: restoring; of restore; ends restore; at restore_failed_at
restore_unanswered: restoring; of restore; at restore_failed_at
disposed: verified; move dispose; true disposed
closed: disposed; move close
ended: {BEFORE_STOP} restoring needs_person; move end finish_restore
restored: restoring; move finish_restore
held: {HOLDS}; by people
released: {OPEN}; by people; needs held_since; forgets held_since hold_until
needs_person: {OPEN}; true person
resumed: needs_person; by people; forgets person archive_failures stop_failures
cancelled: {BEFORE_STOP} {AFTER_STOP} stopping needs_person; by people; bars disposed; true cancelled; forgets person
"""


def _rule(text: str) -> tuple[str, dict[str, str]]:
    kind, _, rest = " ".join(text.split()).partition(": ")
    parts = [part.split(" ", 1) for part in f"where {rest}".split("; ")]
    return kind, dict.fromkeys(COLUMNS.split(), "") | dict(parts)


# Of each route, by its name and version: its steps in their order, which the first entry of a case pins. `window`: the
# window that a step waits out or counts by; `since`: what a wait counts from; `attempts`: failures before a person is
# called. A log that names none is of the first.
ROUTES: dict[tuple[str, int], list[Json]] = {
    ("close", 1): [
        {"verb": "notice", "window": "notice_retry_days"},
        {"verb": "answer", "window": "answer_days"},
        {"verb": "plan"},
        {"verb": "sign"},
        {"verb": "announce"},
        {"verb": "wait", "window": "announce_days", "since": "announced"},
        {"verb": "archive", "attempts": 3},
        {"verb": "reserve"},
        {"verb": "ask"},
        {"verb": "stop", "attempts": 3},
        {"verb": "verify", "window": "verify_days"},
        {"verb": "wait", "window": "restore_days", "since": "verified"},
        {"verb": "dispose"},
        {"verb": "close"},
    ],
}

RULES = dict(map(_rule, re.split(r"\n(?=\w)", RULES_TEXT.strip())))
TABLE = {kind: rule["where"] for kind, rule in RULES.items()}


# --- the replay


def first(*rows: tuple[Any, str]) -> str:
    """The word of the first row whose condition holds; none is empty."""
    return next((word for holds, word in rows if holds), "")


NEVER: Any = None  # the time of what has not been


class Case:
    """What a log amounts to, entry by entry: the same as the product's own fold of it.

    `pending`: steps begun and without a result. `stop_unclear`: an order to stop has no result. `clock_from`: the start
    of the wait that a hold prolongs, `held_days` by how many days. `older`: the log pins no windows, and may have been
    led by older rules. `calendar`: its first entry says that days are those of the calendar; where it does not, they
    were counted as 24 hours each, and `paused` is how long the case was held.
    """

    opened = on_behalf = refuted = alive = disposed = cancelled = person = False
    stop_ordered = stop_unclear = restore_asked = restore_accepted = restore_seen = False
    attempts = archive_failures = stop_failures = held_days = 0
    paused = timedelta(0)
    answer = plan_id = plan_sha256 = notice_sha256 = planned_notice = archive_sha256 = ended = ""
    asked_finding = stop_finding = request_id = ""
    last_attempt = not_before = noticed_at = answered_at = fix_checked_at = planned_at = approved_at = NEVER
    announced_at = last_failure = ordered_at = stopped_at = verified_at = restore_failed_at = restore_again = NEVER
    held_since = clock_from = hold_until = fix_until = NEVER
    slot_day = missed_day = asked_day = confirmed_day = probed_day = NEVER
    notice_key = planned_key = approved = NEVER

    def __init__(self, windows: dict[str, int], zone: tzinfo, *, older: bool = False, calendar: bool = True) -> None:
        self.windows, self.zone, self.older, self.calendar = windows, zone, older, calendar
        self.pending: set[str] = set()
        self.used: set[str] = set()  # the keys of steps
        self.sent: dict[str | None, datetime] = {}  # to which key a notice went, and when last
        self.gone_days: list[date] = []
        self.route = ROUTES["close", 1]

    @property
    def unwinding(self) -> bool:
        """Whether what was done is being undone."""
        return self.cancelled or self.restore_asked or (self.refuted and self.stop_ordered)

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def morning(self, day: date) -> datetime:
        return datetime.combine(day, time(0), self.zone).astimezone(UTC)

    def over(self, start: Any, days: int, at: datetime, *, told: bool = False, prolonged: bool = True) -> bool:
        """Whether a wait is over, or never began; holds prolong it. `told`: its last day is somebody's until its end.

        A log that does not say how it counts may have kept either the calendar or as many times 24 hours.
        """
        if start is None:
            return True
        held_days, paused = (self.held_days, self.paused) if prolonged else (0, timedelta(0))
        if not days or at >= self.morning(later(self.day(start), days + held_days + told)):
            return bool(at >= start)
        return not self.calendar and bool(at >= start + days * DAY + paused)

    def _since(self, start: Any, days: int, at: datetime) -> bool:
        """The same of a wait that no hold prolongs."""
        return self.over(start, days, at, prolonged=False)

    def _may_agree(self, at: datetime) -> bool:
        """Before this no answer, not even one that agrees, lets the case go on to a plan."""
        return self.over(self.noticed_at, min(self.windows["min_answer_days"], self.windows["answer_days"]), at)

    def state(self) -> str:
        """The one word for where the case stands: the first that fits."""
        stop, telling = self.stop_ordered, not self.noticed_at
        agreed = self.answered_at if self.answer == "close" else self.fix_checked_at
        word = first(
            (self.ended, self.ended),
            (self.person, "needs_person"),
            (not self.opened, "new"),
            (stop and self.unwinding, "restoring"),
            (stop and not self.stopped_at, "stopping"),
            (stop and self.disposed, "disposed"),
            (stop and self.verified_at, "verified"),
            (stop and self.alive, "unverified"),
            (stop, "verifying"),
            (telling and self.attempts >= self.windows["notice_attempts"], "undelivered"),
            (telling, "noticing"),
            (self.answer == "fix" and not self.fix_checked_at and not self.plan_id, "fixing"),
            (self.archive_sha256 and self.asked_day and self.approved, "rechecking"),
            (self.archive_sha256, "archived"),
            (self.announced_at, "announced"),
            (self.approved, "approved"),
            (self.plan_id, "planned"),
            (self.answer not in ("close", "fix") or self.on_behalf, "answering"),
        )
        return word or ("ready" if agreed and self._may_agree(agreed) else "answering")

    def may(self, kind: str) -> bool:
        """Whether the case may take this entry where it stands."""
        state, rule = self.state(), RULES.get(kind)
        undone = self.cancelled or self.refuted or (self.answer == "keep" and not self.stop_ordered)
        if rule is None or (undone and kind in TOWARDS_STOP.split() and not self.older):
            return False
        if state == "answering" and kind == "planned":
            return True  # a window that ran out in silence writes no entry
        known = all(getattr(self, name) for name in rule["needs"].split())
        barred = any(getattr(self, name) for name in rule["bars"].split())
        return state in rule["where"].split() and known and not barred

    def move(self, at: datetime) -> str:
        """What the machine may do next by itself at an instant: the first that fits; "wait" when there is nothing."""
        today, undone, keeps = self.day(at), self.unwinding, self.noticed_at and self.answer == "keep"
        again = at >= self.restore_again if self.restore_again else self._since(self.restore_failed_at, 1, at)
        look = "wait" if self.probed_day == today else "probe"
        word = first(
            (self.ended, "done"),
            (self.held_since and self.hold_until and today > self.hold_until, "release"),
            (self.held_since or self.person, "wait"),
            (undone and not self.stop_ordered, "end"),
            (undone and not self.restore_accepted, "restore" if again else "wait"),
            (undone, "finish_restore" if self.restore_seen else look),
            (not self.stopped_at and (self.refuted or (keeps and not self.stop_ordered)), "end"),
        )
        return word or next((todo for step in self._ahead() if (todo := self._todo(step, at))), "wait")

    def _ahead(self) -> list[Json]:
        """The steps of the case's route that can still be to do: after the stop those behind it."""
        verbs = [step["verb"] for step in self.route]
        return self.route[verbs.index("stop") + 1 :] if self.stopped_at else self.route

    def _todo(self, step: Json, at: datetime) -> str:
        """What a step of the route leaves to do; empty when it is done."""
        today, days, window = self.day(at), self.windows, self.windows.get(step.get("window", ""), 0)
        look = "wait" if self.probed_day == today else "probe"
        gone = self.gone_days and self.gone_days[-1] == today
        tried = "attempts" in step and (self.archive_failures or self.stop_failures)
        if tried and max(self.archive_failures, self.stop_failures) >= step["attempts"]:
            return "person"
        if tried and not self._since(self.last_failure, 1, at):
            return "wait"
        match step["verb"]:
            case "notice" if not self.noticed_at:
                again = at >= self.not_before if self.not_before else self._since(self.last_attempt, window, at)
                begun = "notice" in self.pending or not self.last_attempt
                return "notice" if begun or (again and self.attempts < days["notice_attempts"]) else "wait"
            case "answer" if not self.plan_id:
                if self.answer == "fix" and not self.fix_checked_at:
                    return "ask" if self._fix_over(at, today) and self.asked_day != today else "wait"
                agreed = self.answer and not self.on_behalf and self._may_agree(at)
                return "" if agreed or self.over(self.noticed_at, window, at, told=True) else "wait"
            case "plan" if not self.plan_id:
                return "plan"
            case "sign" if not self.approved:
                return "wait"
            case "announce" if not self.announced_at:
                return "announce"
            case "wait" if not self.disposed:
                since = {"announced": self.announced_at, "verified": self.verified_at}[step["since"]]
                return "" if self.over(since, window, at) else "wait"
            case "archive" if not self.archive_sha256:
                return "archive"
            case "reserve" if self.slot_day != today:
                return "wait" if self.missed_day == today else "reserve"
            case "ask" if self.confirmed_day != today:
                return "wait" if self.asked_day == today else "ask"
            case "stop":
                return "stop"
            case "verify" if not self.verified_at and not self.disposed:
                return "probe" if today > (self.probed_day or self.day(self.stopped_at)) else "wait"
            case "dispose" if not self.disposed:
                return "dispose" if gone else look
            case "close":
                return "close"
        return ""

    def _fix_over(self, at: datetime, today: date) -> bool:
        """Whether the date of a promised fix is over: with its end, by the older rule with its beginning."""
        until = self.fix_until
        by_hours = until and not self.calendar and at >= self.morning(until) + self.paused
        return not until or between(until, today) > self.held_days or bool(by_hours)

    # --- one entry after the other

    def may_write(self, kind: str, at: datetime, data: Json, actor: Any) -> bool:
        """Whether an entry can be this actor's, before it is taken in."""
        by, who = RULES[kind]["by"] if kind in RULES else "", person(actor)
        if who == SERVICE:  # it writes as well that a hold has ended: after its last day, by an older rule on it
            over = self.hold_until and self.day(at) >= later(self.hold_until, int(self.calendar))
            return by != "people" or bool(kind == "released" and over)
        if who.startswith("unit:"):
            return kind == "answered" and not data.get("on_behalf")
        return is_person(actor) and by in ("people", "either")

    def take(self, kind: str, at: datetime, data: Json) -> Faults:
        """Take in one entry; answers why it cannot have been written there and then."""
        wrong = Faults()
        if wrong(kind not in RULES, "no entry has this name"):
            return wrong
        rule, today = RULES[kind], self.day(at)
        if not self.may(kind):
            wrong(True, f"the case stood at {self.state()}, where it is not possible")
        elif rule["move"] and self.move(at) not in rule["move"].split():
            wrong(True, f"it was not the next move then: that was {self.move(at)}")
        for name in ("day", "announced_on", "closed_on"):
            wrong(name in data and data[name] != str(today), f"{name} is not the day on which it was written")
        wrong(rule["of"] and rule["of"] not in self.pending, f"no {rule['of']} was under way")
        self.pending.discard(rule["ends"])
        if kind.endswith("_started"):
            wrong(data["key"] in self.used, "its key was used before")
            self.pending.add(kind.partition("_")[0])
            self.used.add(data["key"])
        match kind:
            case "opened" if "route" in data:
                named = (data["route"]["name"], data["route"]["version"])
                wrong(named not in ROUTES, "it names a route that this verifier does not know")
                self.route = ROUTES.get(named, self.route)
            case "notice_started":
                self.sent[data.get("unit_key")] = at
            case "noticed":
                wrong(not self.sent, "no notice had been sent")
                self._odd_key(wrong, at, data.get("key"))
                self.notice_key = data.get("key")
                self._clock(at)
            case "undelivered":  # with `until` the unit's key is too young to prove anything, and no attempt has failed
                self.not_before = instant(data["until"]) if data.get("until") else None
                self.attempts += 0 if data.get("until") else 1
            case "endpoint_changed" if self.answer == "close" or self.on_behalf:
                self._forget(ANSWER)
            case "answered":
                answer, before = data["answer"], self.answer and not self.on_behalf
                self.on_behalf = bool(data.get("on_behalf"))
                self.fix_until = date.fromisoformat(data["until"]) if answer == "fix" else None
                wrong(answer not in ("keep", "fix", "close"), "it is none of the three answers")
                wrong(self.fix_until and self.plan_id, "a plan was sealed already, which is too late for a promise")
                wrong(before and self.on_behalf and answer != "keep", "the unit had answered itself")
                if self.fix_until and not self.on_behalf:
                    self._clock(at)
            case "approved":
                for name in ("plan_id", "plan_sha256"):
                    wrong(data[name] != getattr(self, name), "it is not the plan that the case was in")
                self.approved = data
            case "announced":
                self._odd_announcement(wrong, at, data)
                self._clock(at)
            case "archived":
                wrong(not all(dict(data.get("checks", {})).values()), "the package had not passed its checks")
                self.archive_sha256 = data["sha256"]
            case "recheck_asked":
                self.asked_finding = data.get("finding_id", "")
            case "confirmed" | "refuted" | "inconclusive":
                asked = data["request_id"] == self.request_id and self.asked_day == today
                wrong(not asked, "it answers no question of that day")
                other = self.asked_finding and data.get("finding_id", self.asked_finding) != self.asked_finding
                wrong(other, "it speaks of another finding than was asked about")
                if kind == "confirmed" and self.answer == "fix":
                    self.fix_checked_at = self.fix_checked_at or at
            case "probed":
                self._look(wrong, at, today, data)
            case "closed" if "stopped_on" in data and self.stopped_at:
                wrong(data["stopped_on"] != str(self.day(self.stopped_at)), "it was not stopped on that day")
            case "ended":
                why = {"cancelled": self.cancelled, "kept": self.answer == "keep"}
                wrong(not why.get(data["outcome"], self.refuted), "nothing before led to this outcome")
            case "restore_failed" | "restore_unanswered":
                self.restore_again = instant(data["until"]) if data.get("until") else NEVER
            case "needs_person":
                self.pending.discard(data.get("unknown", ""))
                self.stop_unclear = self.stop_unclear or data.get("unknown") == "stop"
            case "held":
                until = date.fromisoformat(data["until"]) if data.get("until") else None
                if self.held_since:
                    until = max(until, self.hold_until) if until and self.hold_until else None
                self.held_since, self.hold_until = self.held_since or at, until
            case "released" if self.held_since:
                since = max(self.held_since, self.clock_from or self.held_since)
                self.held_days += max(0, between(self.day(since), today))
                self.paused += max(timedelta(0), at - since)
        self.ended = kind if kind in ("closed", "restored", "ended") else self.ended
        self._forget(rule["forgets"])
        for column, value in (("true", True), ("at", at), ("on", today)):
            for name in rule[column].split():
                setattr(self, name, value)
        for name in rule["said"].split():
            setattr(self, name, data[name])
        for name in rule["counts"].split():
            setattr(self, name, getattr(self, name) + 1)
        for name, _, known in (each.partition("=") for each in rule["copies"].split()):
            setattr(self, name, getattr(self, known))
        return wrong

    def _forget(self, names: str) -> None:
        for name in names.split():
            setattr(self, name, getattr(Case, name))

    def _clock(self, at: datetime) -> None:
        """A new wait begins; holds of earlier waits do not prolong it."""
        self.held_days, self.paused, self.clock_from = 0, timedelta(0), at

    def _odd_key(self, wrong: Faults, at: datetime, key: Json | None) -> None:
        """What is wrong with the unit's key that proved a notice; an older log does not name it."""
        aged = self.windows["key_age_days"]
        if key is None:
            wrong(aged and not self.older, "it does not name the unit's key")
            return
        known = key["proved_at"] and key["confirmed_at"] and key["confirmed_by"]
        if wrong(not known, "the unit's key was never proved, or never confirmed"):
            return
        proved, confirmed, since = (instant(key[n]) for n in ("proved_at", "confirmed_at", "in_force_from"))
        early = since != max(proved, confirmed) or min(proved, confirmed) < instant(key["set_at"])
        wrong(early, "the unit's key was not in force from when it had been proved and confirmed")
        wrong(same(key["set_by"], key["confirmed_by"]), "who set the unit's key has confirmed it")
        two = is_person(key["set_by"]) and is_person(key["confirmed_by"])
        wrong(not two, "the unit's key was set or confirmed by nobody who is a person")
        sent = self.sent.get(key["thumbprint"])
        unsent = sent is None and (aged or None not in self.sent)  # an older notice names no key
        wrong(unsent, "no notice had been sent to the key that its receipt is signed with")
        wrong(sent and sent < since, "the unit's key came into force only after the notice to it had been sent")
        wrong(not self._since(since, aged, at), "the unit's key was too young to prove a notice")

    def _odd_announcement(self, wrong: Faults, at: datetime, data: Json) -> None:
        today, told = self.day(at), data.get("notice_key")
        if "stop_not_before" in data:
            days = between(today, date.fromisoformat(data["stop_not_before"]))
            wrong(days != self.windows["announce_days"], "it announces another window than that of the case")
        needed = told is not None or (self.windows["key_age_days"] and not self.older)
        if wrong(
            told != self.notice_key and needed, "it names another key of the unit than the notice was proved with"
        ):
            return
        if told is not None and "notice_key_age_days" in data:
            age = between(self.day(instant(told["in_force_from"])), today)
            wrong(data["notice_key_age_days"] != age, "it says another age of the unit's key than that was")

    def _look(self, wrong: Faults, at: datetime, today: date, data: Json) -> None:
        """What was seen on a day: gone on days in a row is verified, until it is seen alive."""
        status, result = data.get("status"), data["result"]
        alive = isinstance(status, int) and 200 <= status < 300
        seen = "gone" if status in (404, 410) else "alive" if alive else "unclear"
        wrong(result != seen, "its result is not what such an answer says")
        if self.unwinding:
            self.restore_seen = self.restore_accepted and result == "alive"
            return
        last = self.probed_day or (self.stopped_at and self.day(self.stopped_at))
        wrong(last and today <= last, "there is one look a day, the first on the day after the stop")
        if result != "unclear":
            self.alive = result == "alive"
        if self.alive:
            self.verified_at = None
        follows = not self.gone_days or later(self.gone_days[-1], 1) == today
        before = self.gone_days[-self.windows["verify_days"] :] if follows else []
        self.gone_days = [*before, today] if result == "gone" else []
        if not self.verified_at and len(self.gone_days) >= self.windows["verify_days"]:
            self.verified_at = at
            self._clock(at)


def replay(log: list[Json], windows: dict[str, int], zone: tzinfo) -> tuple[Case, list[str]]:
    """What a log amounts to, and which of its entries cannot have been written where they stand: the first of them."""
    older, calendar = "windows" not in log[0]["data"], log[0]["data"].get("days") == CALENDAR
    case = Case(windows, zone, older=older, calendar=calendar)
    found: list[str] = []
    before = datetime.min.replace(tzinfo=UTC)
    for number, entry in enumerate(log, start=1):
        at, kind, data, actor = instant(entry["at"]), entry["kind"], entry["data"], entry["actor"]
        wrong = Faults()
        wrong(at < before, "time goes back")
        wrong(not case.may_write(kind, at, data, actor), f"{actor} cannot have written it")
        wrong += case.take(kind, at, data)
        found += [f"entry {number} ({kind}): {why}" for why in wrong if len(found) <= MOST_FAULTS]
        before = at
    return case, found


# --- the checks, in the order in which they are made


@dataclass
class Report:
    """A case file, all that was given from outside to check it with, and what was found: texts ready to be printed."""

    service_keys: list[Key]
    unit_keys: list[Key]
    package: Path | None = None
    checkpoint: bytes | None = None
    zone: str | None = None
    body: Json = field(default_factory=dict)
    log: list[Json] = field(default_factory=list)
    case: Any = None  # what the log amounts to; None where it cannot be said
    signed_by: str = ""
    receipts: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    proves: list[str] = field(default_factory=list)
    not_proved: list[str] = field(default_factory=list)

    def entries(self, *kinds: str) -> list[Json]:
        return [entry["data"] for entry in self.log if entry["kind"] in kinds]

    def told(self, check: Callable[[Faults, Report], None]) -> None:
        """Run one check; a file too broken for it is a fault, and hides none that another check finds."""
        wrong, name = Faults(), check.__name__.strip("_")
        try:
            check(wrong, self)
        except Refused as error:
            wrong.append(f"{name}: {error}")
        except Exception as error:  # whatever a file holds, the answer is a verdict and never a traceback
            wrong.append(f"{name}: it is not what a case file holds: {type(error).__name__} {error}")
        self.faults += [fault for fault in dict.fromkeys(map(shown, wrong)) if fault not in self.faults]

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


def check(data: bytes, service_keys: list[Key], unit_keys: list[Key] | None = None, **more: Any) -> Report:
    """Everything that can be said of a case file; `more`: package, checkpoint, zone. Never raises."""
    file = Report(service_keys, unit_keys or [], **more)
    try:
        body = read_json(data)
        if not isinstance(body, dict) or body.get("format") not in FORMATS or not isinstance(body.get("log"), list):
            raise Refused(f"it is no case file of the formats {', '.join(FORMATS)}")
    except Refused as error:
        file.faults.append(shown(f"it cannot be read: {error}"))
        return file
    file.body, file.log = body, body["log"]
    for each in (_chain, _head, _history, _beside, _notices, _plan, _findings, _archive, _package, _checkpoint):
        file.told(each)
    if not file.faults:
        file.told(_says)
    return file


def _chain(wrong: Faults, file: Report) -> None:
    """Each entry's hash covers the one before, so none can be altered, dropped or moved."""
    previous = GENESIS
    for number, entry in enumerate(file.log, start=1):
        content = {name: entry.get(name) for name in ("seq", "at", "actor", "kind", "data", "previous")}
        seq, name = entry.get("seq"), f"entry {number} ({entry.get('kind')})"
        out = seq != number or isinstance(seq, bool)
        if wrong(out, f"{name}: it says it is number {seq}; entries are missing or out of order"):
            return
        if wrong(entry.get("previous") != previous, f"{name}: it does not follow from the entry before it"):
            return
        covered = sha256(canonical(content)) == entry.get("sha256") and set(entry) == {*content, "sha256"}
        if wrong(not covered, f"{name}: its content is not what its hash covers"):
            return
        previous = entry["sha256"]


def _head(wrong: Faults, file: Report) -> None:
    """The signed head covers the number of entries, the last of them, and everything that stands beside the log."""
    found = opened(file.body.get("signature"), file.service_keys)
    if found is None:
        wrong(True, "the head is not signed by this key")
        return
    signed, file.signed_by = found[0], found[1].thumbprint
    content = sha256(canonical({name: file.body[name] for name in file.body if name not in ("head", "signature")}))
    case_id, count = file.body["case"]["case_id"], len(file.log)
    last = file.log[-1]["sha256"] if file.log else GENESIS
    actual = {"format": file.body["format"], "case_id": case_id, "entries": count, "last": last, "content": content}
    entries = signed.get("entries")
    what = "shortened" if isinstance(entries, int) and entries > count else "lengthened"
    fault = first(
        (entries != count, f"the log is {what}: {count} entries, {entries} were signed"),
        (signed.get("case_id") != case_id, "the signed head is that of another case"),
        (signed.get("last") != last, "the signed head is not that of this log: it was rewritten after signing"),
        (canonical(signed) != canonical(actual), "what stands beside the log was altered after signing"),
        (canonical(file.body.get("head")) != canonical(signed), "the head shown is not the head that was signed"),
    )
    wrong(fault, fault)


def _history(wrong: Faults, file: Report) -> None:
    """The log once more from its first entry: each must be possible where it stands, and no earlier than allowed."""
    opening, beside, younger = file.log[0]["data"], file.body.get("windows") or {}, file.body["format"] != FORMATS[0]
    pinned = opening.get("windows")
    whole = set(WINDOWS) <= set(pinned or ()) and "zone" in opening
    always = "its first entry does not name the windows and the time zone of the case, which its format always does"
    wrong(younger and not whole, always)
    wrong(not younger and pinned is not None, "its first entry names windows, which its format never does")
    wrong(opening.get("days", CALENDAR) != CALENDAR, "its first entry counts days in a way that is not known here")
    moved = pinned is not None and pinned != beside
    wrong(moved, "the windows beside the log are not those that the log pinned when the case was opened")
    windows = dict.fromkeys(WINDOWS, 1) | YOUNGER | (beside if pinned is None else pinned)
    odd = [name for name, days in windows.items() if type(days) is not int or not younger <= days <= 3650]
    if wrong(odd, f"the windows {', '.join(odd)} are no whole days"):
        return
    best: tuple[Case | None, list[str]] = (None, [])
    for zone in _zones(file):
        tried = replay(file.log, windows, zone)
        best = tried if best[0] is None or len(tried[1]) < len(best[1]) else best
        if not tried[1] or len(best[1]) > MOST_FAULTS:
            break
    file.case = best[0]
    for fault in best[1]:
        wrong(True, fault)


def _zones(file: Report) -> list[tzinfo]:
    """The zone of the business days; of an older file that does not name it, every offset that it may have been."""
    name = file.zone or file.log[0]["data"].get("zone")
    if name is None:
        return [timezone(timedelta(minutes=minutes)) for minutes in (480, *range(-720, 841, 30))]
    try:
        return [ZoneInfo(name)]
    except (LookupError, ValueError, OSError):
        raise Refused("its time zone is unknown here; install the package tzdata, or give another --zone") from None


def _beside(wrong: Faults, file: Report) -> None:
    """What is told of the case beside its log is what the log amounts to."""
    if file.case is None:
        return
    told, opening, state = file.body["case"], file.log[0], file.case.state()
    either = set() if file.case.calendar else {"ready", "answering"}  # by which rule its least time was over
    other = told["state"] != state and not {told["state"], state} <= either
    wrong(other, f"it says that the case is {told['state']}, its log says {state}")
    wrong(told["version"] != len(file.log), "it says that the log has another number of entries")
    for name in ("finding_id", "rule"):
        wrong(told[name] != opening["data"][name], "it says that another finding has opened the case")
    made = uuid5(NAMESPACE, "\x1f".join(("case", told["asset_id"], str(told["ordinal"]))))
    wrong(told["case_id"] != str(made), "its id is not that of this asset's case of this number")
    begun, last = instant(opening["at"]), instant(file.log[-1]["at"])
    wrong(instant(told["opened_at"]) != begun, "it says that the case was opened at another time")
    wrong(instant(file.body["exported_at"]) < last, "it was taken out before its last entry was written")


def _notices(wrong: Faults, file: Report) -> None:
    """Every notice that the log says was proved, by the receipt that the unit's key signed; and the unit's answers."""
    latest, notices = file.body.get("notice"), file.body.get("notices")
    told = [number for number, entry in enumerate(file.log) if entry["kind"] == "noticed"]
    if oldest := notices is None:  # the oldest files hold the latest alone
        notices, told = [latest] if latest else [], told[-1:]
    last = notices[-1] if notices else None
    wrong(latest != last and not oldest, "the notice shown is not the last of the notices")
    held = {sha256(notice["receipt"]): notice for notice in notices if notice.get("receipt")}
    read: dict[str, Notice] = {}  # each once, however often the log names it
    for number in told:
        which = file.log[number]["data"]["receipt_sha256"]
        if wrong(which not in held, "the log says that the unit was told, the file holds no receipt of that hash"):
            continue
        read[which] = read.get(which) or Notice(held[which])
        _receipt(wrong, file, number, read[which])
    for number, entry in enumerate(file.log):
        alone = not oldest and _by_unit(entry) and number - 1 not in told
        wrong(alone, f"entry {number + 1} (answered): the unit has signed no such answer")


class Notice:
    """A notice and its receipt: `key` has signed it, `receipt` is what it says, None where it is signed by another."""

    def __init__(self, given: Json) -> None:
        key = read_key(given["public_key"])
        found = opened(given["receipt"], [key])
        self.key, self.key_named, self.receipt = key.thumbprint, given.get("key"), found[0] if found else None
        self.sha256, self.body = sha256(given["body"]), read_json(given["body"])


def _by_unit(entry: Json) -> bool:
    return bool(entry["kind"] == "answered" and person(entry["actor"]).startswith("unit:"))


def _receipt(wrong: Faults, file: Report, number: int, notice: Notice) -> None:
    """One notice and its receipt, against the entry that says that it was proved."""
    proved, case, body, receipt = file.log[number]["data"], file.body["case"], notice.body, notice.receipt
    hashed, asset, key, windows = proved["notice_sha256"], case["asset_id"], proved.get("key"), file.body.get("windows")
    wrong(notice.sha256 != hashed, "the notice is not the one whose receipt the log records")
    if receipt is None:
        wrong(True, "notice: the receipt is not signed with the unit's key")
        return
    if key is not None:
        wrong(key["thumbprint"] != notice.key, "notice: the receipt is signed with another key than the log names")
        other = "notice: it stands beside another key of the unit than the log names"
        wrong(notice.key_named not in (None, key), other)
    unknown = file.unit_keys and notice.key not in [each.thumbprint for each in file.unit_keys]
    wrong(unknown, f"notice: the receipt is signed with the key {notice.key}, which is none of the unit keys given")
    named = receipt.get("notice_sha256"), receipt.get("asset_id")
    wrong(named != (hashed, asset), "notice: the receipt names another notice or another asset")
    wrong(body.get("receipt_key") not in (None, notice.key), "notice: it asks for a receipt by another key")
    wrong((body["case_id"], body["asset_id"]) != (case["case_id"], asset), "notice: it is about another case")
    sent, answer_by, stop_from = (date.fromisoformat(body[n]) for n in ("sent_on", "answer_by", "stop_not_before"))
    for name, days in (("answer_days", between(sent, answer_by)), ("announce_days", between(answer_by, stop_from))):
        kept = (windows or {}).get(name, days)
        wrong(kept != days, f"notice: the unit was told of {days} {name}, the file says {kept}")
    if (soonest := body.get("answered_stop_not_before")) is not None and windows:
        least = min(windows["min_answer_days"], windows["answer_days"]) + windows["announce_days"]
        other = "notice: the unit was told of another day for what it agrees to than that of the windows"
        wrong(date.fromisoformat(soonest) != later(sent, least), other)
    if file.case is not None:
        day, received = file.case.day(instant(file.log[number]["at"])), str(receipt.get("received_on") or "")
        wrong(sent > day, "notice: it was proved before it was sent")
        is_day = re.fullmatch(r"\d{4}-\d\d-\d\d", received, re.ASCII)
        fits = is_day and str(sent) <= received <= str(day) and proved.get("received_on", received) == received
        other = "notice: it was received on another day than the log says, or before it was sent or after its proof"
        wrong(received and not fits, other)
    _answered(wrong, file, number, receipt.get("answer"))
    file.receipts.append(f"{notice.key}, received on {receipt.get('received_on')}")


def _answered(wrong: Faults, file: Report, number: int, said: Any) -> None:
    """What the unit has signed was taken down, all of it, as the next entry; and nothing that it has not signed."""
    mine, name = (
        [each for each in file.log[number + 1 : number + 2] if _by_unit(each)],
        f"entry {number + 2} (answered)",
    )
    if said is None:
        wrong(mine, f"{name}: the unit has signed no such answer")
        return
    noted = [(one["data"]["answer"], _reason(one["data"]), one["data"].get("until")) for one in mine]
    missed = noted != [(said["answer"], _reason(said), said.get("until") or None)]
    if not wrong(missed, f"the unit's receipt answers {said['answer']}, and the log does not say so, or not all of it"):
        other = mine[0]["actor"] != f"unit:{file.log[number]['data']['unit_id']}"
        wrong(other, f"{name}: it is another unit's than the one that was told")


def _reason(answer: Json) -> str:
    """The reason of an answer as a log keeps it."""
    return unicodedata.normalize("NFC", str(answer.get("reason") or "")[:1000])[:1000]


def _plan(wrong: Faults, file: Report) -> None:
    """The plan is the one that was sealed and approved, by two people or under a mandate that two others signed."""
    case, told = file.case, file.body["case"]
    plan: Any = file.body.get("plan")
    if case is None or not case.plan_id:
        return
    if wrong(plan is None, "the log says that a plan was sealed, the file holds none"):
        return
    actual, content = sha256(plan["content"]), read_json(plan["content"])
    same_plan = actual == case.plan_sha256 and content["plan_id"] == case.plan_id
    wrong(not same_plan, "the plan is not the one that was sealed")
    sealed_on = case.day(case.planned_at).isoformat()
    wrong(content["sealed_on"] != sealed_on, "the plan was sealed on another day than the log says")
    mine = [member for member in content["members"] if member["case_id"] == told["case_id"]]
    if wrong([each["asset_id"] for each in mine] != [told["asset_id"]], "the plan does not hold this case"):
        return
    member, notice = mine[0], mine[0]["notice_sha256"]
    other = "log_sha256" in member and not _goes_on(file, member["log_entries"], member["log_sha256"])
    wrong(other, "the log is not the one that the plan was sealed with")
    wrong(notice != case.planned_notice, "the plan rests on another notice than the one that was proved")
    other = member.get("notice_key") != case.planned_key
    wrong(other, "the plan names another key of the unit than the notice was proved with")
    signed = {person(approval["approver"]): approval for approval in bounded(plan["approvals"])}
    wrong(not all(map(is_person, signed)), "the plan was approved by somebody who is no person")
    wrong(len(people(signed)) != len(plan["approvals"]), "one person approved the plan twice")
    wrong(any(each["sha256"] != actual for each in signed.values()), "an approval is for another plan")
    early = any(instant(each["at"]) < case.planned_at for each in signed.values())
    wrong(early, "an approval was given before the plan was sealed")
    parts = _parts(file)
    for name, part in parts.items():
        wrong(any(alike(name, signer) for signer in signed), f"{part} has approved the plan")
    if case.approved:
        late = any(instant(each["at"]) > case.approved_at for each in signed.values())
        wrong(late, "an approval was given after the plan was approved")
        _approved(wrong, file, member, set(signed), parts)
    named = {data["finding_id"]: data["evidence_sha256"] for data in file.entries("opened", "finding_attached")}
    evidence = named.get(case.stop_finding)
    unsigned = case.stop_ordered and evidence is not None and evidence not in member.get("evidence_sha256", ())
    wrong(unsigned, "what was confirmed before the stop is not among the evidence that was signed")


def _goes_on(file: Report, entries: int, last: str) -> bool:
    """Whether the log is one that once stood at this head."""
    return 1 <= entries <= len(file.log) and bool(file.log[entries - 1]["sha256"] == last)


def _parts(file: Report) -> dict[str, str]:
    """Who does not sign for a case, by what part he had in it: its unit's key, or a move towards its stop by hand."""
    key, kinds = file.case.planned_key or {}, [entry["kind"] for entry in file.log]
    holders = [key[by] for by in ("set_by", "confirmed_by") if key.get(by)]
    parts = {person(name): "who set or confirmed the unit's key" for name in holders}
    before = len(kinds) - kinds[::-1].index("stop_started") if "stop_started" in kinds else len(kinds)
    for entry in file.log[:before] if file.case.approved and not file.case.older else ():
        towards = entry["kind"] in ("answered", "released", "resumed") and entry["data"].get("answer") != "keep"
        if towards and is_person(entry["actor"]):
            parts.setdefault(person(entry["actor"]), f"entry {entry['seq']} ({entry['kind']}): who did it")
    return bounded(parts)


def _approved(wrong: Faults, file: Report, member: Json, signed: set[str], parts: dict[str, str]) -> None:
    """Who the log says approved has signed: two people, or one under a mandate of each rule."""
    named = file.case.approved["approvers"]
    named = named.split(", ") if isinstance(named, str) else named
    who = people(named)
    wrong(not who or set(map(person, named)) - signed, "the plan lacks an approval that the log records")
    if len(who) >= 2:
        return
    mandates = bounded(file.body["plan"].get("mandates", ()))
    covered = {mandate["rule"] for mandate in mandates if _stands(mandate, file.case, parts)}
    for rule in member.get("rules") or [member["rule"]]:
        alone = rule not in covered
        wrong(alone, f"one person approved the plan, and no mandate that two others signed covers its rule {rule}")


def _stands(mandate: Json, case: Case, parts: dict[str, str]) -> bool:
    """Whether a standing approval was in force when it was used: at the approval, and at the stop.

    Who signed it has signed every plan that rests on it: it is nobody with another part in the case.
    """
    signed, proposer = people(mandate["approvers"]), person(mandate["proposed_by"])
    used = [at for at in (case.approved_at, case.ordered_at) if at]
    until, revoked = mandate.get("until"), mandate.get("revoked_at")
    return (
        mandate["mandate_id"] in case.approved.get("mandates", ())
        and sum(not alike(name, proposer) for name in signed) >= 2
        and all(map(is_person, signed))
        and not any(alike(name, other) for name in signed for other in parts)
        and all(until is None or case.day(at) <= date.fromisoformat(until) for at in used)
        and all(revoked is None or at <= instant(revoked) for at in used)
    )


def _findings(wrong: Faults, file: Report) -> None:
    held = {sha256(canonical(finding["evidence"])) for finding in file.body["findings"]}
    for data in file.entries("opened", "finding_attached"):
        if data["evidence_sha256"] not in held:
            wrong(True, f"the evidence of finding {data['finding_id']} is not what the log records")


def _archive(wrong: Faults, file: Report) -> None:
    archived, package = file.entries("archived"), file.body.get("archive")
    other = archived and (package is None or package["sha256"] != archived[-1]["sha256"])
    wrong(other, "the archive package named is not the one the log records")


# --- the archive package: a BagIt bag (RFC 8493), as a folder or a zip of one

Opening = Callable[[], IO[Any]]
Held = dict[str, tuple[int, Opening]]  # name: its size, and how it is opened
TAGS, MANIFEST = "tagmanifest-sha256.txt", "manifest-sha256.txt"


def _package(wrong: Faults, file: Report) -> None:
    """Every file by its hash, and nothing beside what the manifests name."""
    if file.package is None:
        return
    archived, held = file.entries("archived"), Held()
    if wrong(not archived, "package: the log says of none"):
        return
    try:
        for listed in _in_zip(file.package) if file.package.is_file() else _in_folder(file.package):
            _listed(held, *listed)
    except (Refused, OSError, zipfile.BadZipFile) as error:
        wrong(True, f"package: {error}")
        return
    bare = TAGS not in held or MANIFEST not in held
    if wrong(bare, "package: its manifests are missing; the root of the bag must be the root of what is given"):
        return
    texts = [b"".join(_chunks(*held[name])) for name in (TAGS, MANIFEST)]
    wrong(sha256(texts[0]) != archived[-1]["sha256"], "package: it is not the one whose hash the log records")
    tags, payload = map(_manifest, texts)
    complete = {MANIFEST, "bagit.txt"} <= set(tags) and all(name.startswith("data/") for name in payload)
    wrong(not complete, "package: its manifests do not name what they must")
    named = {**tags, **payload}
    for name in sorted({*named, TAGS} ^ set(held)):
        wrong(True, f"package: {name} is {'not in the manifests' if name in held else 'missing'}")
    for name in sorted(set(named) & set(held)):
        digest = hashlib.sha256()
        for chunk in _chunks(*held[name]):
            digest.update(chunk)
        wrong(digest.hexdigest() != named[name], f"package: {name} is not what the manifest covers")
    log = read_json(b"".join(_chunks(*held["data/case/log.json"])))
    wrong(not log or log != file.log[: len(log)], "package: the log in it is not the beginning of this one")


def _in_zip(path: Path) -> Iterator[tuple[str, bool, int, Opening]]:
    """Of each file in it: name, whether it is a plain one, size, and how it is opened."""
    archive = zipfile.ZipFile(path)
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        plain = kind in (0, stat.S_IFREG, stat.S_IFDIR) and not info.flag_bits & 1
        if not plain or not info.is_dir():
            yield info.filename, plain, info.file_size, partial(archive.open, info)


def _in_folder(root: Path) -> Iterator[tuple[str, bool, int, Opening]]:
    """The same of each file in a folder."""
    waiting = [root]
    while waiting:
        for each in sorted(waiting.pop().iterdir()):
            plain = each.is_file() and not each.is_symlink()
            if each.is_dir() and not each.is_symlink():
                waiting.append(each)
            else:
                yield each.relative_to(root).as_posix(), plain, each.lstat().st_size, partial(each.open, "rb")


def _listed(held: Held, name: str, plain: bool, size: int, opening: Opening) -> None:
    """Note one file of a package. Raises Refused on links, names that lead elsewhere, and beyond the bounds."""
    if not plain:
        raise Refused(f"{shown(name, 80)} is a link, encrypted, or no plain file")
    if name in held or not name.isprintable() or re.search(r"\\|:|^/|(^|/)\.{0,2}(/|$)", name):
        raise Refused(f"the name {shown(name, 80)} is doubled, or leads out of the package")
    held[name] = (size, opening)
    if len(held) > MOST_FILES or sum(each[0] for each in held.values()) > MOST_UNPACKED:
        raise Refused(f"it holds more than {MOST_FILES} files or {MOST_UNPACKED} bytes")


def _chunks(size: int, opening: Opening) -> Iterator[bytes]:
    """A file's bytes, no more than it says it has. Raises Refused."""
    with opening() as stream:
        while chunk := stream.read(1 << 16):
            size -= len(chunk)
            if size < 0:
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


# --- a checkpoint: what was published of all cases on some day


def _checkpoint(wrong: Faults, file: Report) -> None:
    """The log goes on from what the service published of a day, and signed: nothing before was rewritten since."""
    if file.checkpoint is None:
        return
    given = read_json(file.checkpoint)
    found, content = opened(given["signature"], file.service_keys), read_json(given["text"].encode())
    signed = {"format": "jianfu-checkpoint/1", "day": content["day"], "sha256": sha256(given["text"])}
    if wrong(found is None or found[0] != signed, "checkpoint: it is not signed by the service's key"):
        return
    mine = [one for one in content["cases"] if one["case_id"] == file.body["case"]["case_id"]]
    held = content.get("format") == "jianfu-checkpoint/1" and len(mine) == 1
    if not wrong(not held, "checkpoint: it does not hold this case"):
        other = not _goes_on(file, mine[0]["entries"], mine[0]["last"])
        wrong(other, f"checkpoint: on {content['day']} another log of this case was published")


# --- the report


def _says(_: Faults, file: Report) -> None:
    """What a file without faults proves, and what it leaves open."""
    count, state = len(file.log), shown(file.body["case"]["state"])
    proves, leaves = file.proves.append, file.not_proved.append
    proves(f"the service's key {file.signed_by} signed this log of {count} entries. 服务密钥签署了这 {count} 条日志。")
    days = shown(", ".join(f"{name} {value}" for name, value in file.case.windows.items()))
    proves(f"the log is one the rules allow: {days}; time never goes back. 日志符合流程、期限与时序规则。")
    for receipt in map(shown, file.receipts):
        if file.unit_keys:
            proves(f"the unit's key signed the receipt: {receipt}. 单位密钥签署了回执。")
            continue
        proves(f"the key that the file itself names signed the receipt: {receipt}. 回执由案卷自带的密钥签署。")
        leaves(
            "that this key is the unit's: no --unit-key was given, so the receipt was checked only against the key"
            " in the file, which proves less. 未提供单位公钥,不能证明该密钥属于单位。"
        )
    if file.case.approved:
        who = shown(", ".join(map(str, file.case.approved["approvers"])))
        proves(f"the plan shown is the one approved; the service names as approvers: {who}. 方案与批准时一致。")
    proves(f"by this log the case is {state}. 按日志,个案状态为 {state}。")
    if file.package is not None:
        proves("the archive package is the one recorded, whole and nothing beside it. 归档包完整,且无多余文件。")
    elif file.entries("archived"):
        leaves("that the archive package is whole: none was given. 未提供归档包,未核验。")
    if file.checkpoint is not None:
        proves("what the checkpoint published of this log was not rewritten since. 日志与已公布的检查点一致。")
    else:
        leaves("that this is the only log of the case: compare it with a published checkpoint. 未与检查点比对。")
    if file.body["format"] == FORMATS[0]:
        leaves(
            "that the windows are those of the case, and on which side of midnight an entry was written: this older"
            " format keeps the windows beside the log and names no time zone. 旧格式:期限不在日志内,未注明时区。"
        )
    leaves(
        "that the times are true, or that an approver or an operator did what the log says: that is the service's word."
        " 时间及人员操作仅为服务自述。"
    )
    leaves("that the page is gone now: look at it. 不能证明页面此刻已消失,请自行查看。")


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


if __name__ == "__main__":
    sys.exit(main())
