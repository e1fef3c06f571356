"""Folding usage: a torrent of beacons becomes a few counts, sketches and gauges per asset, day and measure. Pure.

Distinct users live in HyperLogLog sketches only (lg 11, HLL_4: about 1.1 % error): the fold hashes a user's
identifier into the sketch while the beacon is in memory, and keeps it nowhere else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from libs.common import exact
from libs.common.errors import Invalid
from libs.common.strings import quoted
from services.monitor.admissions.domain import Voice
from services.monitor.signals.catalogue import GAUGES
from services.monitor.usage import sketches

QUARTER = 900_000  # milliseconds; offsets of zones and so days begin at whole quarter hours
NAMED = 10  # problems of one record
EARLIEST, LATEST = 946_684_800_000 // QUARTER, 4_102_444_800_000 // QUARTER  # the years 2000 to 2100


class Refused(ValueError):
    """A record of usage cannot be counted; the text states the expected value. It never quotes a user."""


Whole = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]


class Beacon(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """One record of usage: a count (with `user`), a reading of a gauge (`value`), or a day folded at the source."""

    source: str
    asset_id: str
    measure: str
    ts: int = 0
    count: Whole = 1
    user: str | None = None
    value: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)] | None = None
    day: str | None = None
    sketch: str | None = None
    records: Whole = 1


FIELDS = {field.name: field for field in msgspec.structs.fields(Beacon)}
decode: Callable[[bytes], Beacon] = msgspec.json.Decoder(Beacon).decode


@dataclass(slots=True, kw_only=True)
class Count:
    """The count of one asset, measure and day; `users` is a sketch once a user was seen."""

    total: int = 0
    users: Any = None


class Bucket:
    """One source, measure and day: records that arrived and the assets they spoke of."""

    __slots__ = ("counts", "day", "measure", "received", "source")

    def __init__(self, source: str, measure: str, day: date) -> None:
        self.source, self.measure, self.day = source, measure, day
        self.received = 0
        self.counts: dict[str, Count] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """One row to merge into `usage_days`; `users` a sketch object or None."""

    asset_id: str
    measure: str
    day: date
    total: int
    users: Any


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Gauge:
    """One reading; of two of a source on a day the later wins, of two at an instant the greater."""

    asset_id: str
    measure: str
    day: date
    source: str
    ts: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldResult:
    """A fold, ready to be merged: rows in the order in which they are locked."""

    counters: tuple[Counter, ...]
    gauges: tuple[Gauge, ...]
    received: tuple[tuple[str, date, int], ...]


class Calendar:
    """Which business day an instant belongs to, in the deployment's zone; remembers quarter hours."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._days: dict[int, date] = {}

    def day(self, quarter: int) -> date:
        """The day of a quarter hour since 1970. Raises Refused outside the years 2000 to 2100."""
        day = self._days.get(quarter)
        if day is None:
            if not EARLIEST <= quarter < LATEST:
                raise Refused("ts: expected milliseconds since 1970, in the years 2000 to 2100")
            if len(self._days) > 100_000:
                self._days.clear()
            day = datetime.fromtimestamp(quarter * QUARTER / 1000, UTC).astimezone(self._zone).date()
            self._days[quarter] = day
        return day


class Fold:
    """The records read and not yet written; `keys` bounds its size."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._quarters: dict[tuple[str, str, int], Bucket] = {}
        self._buckets: dict[tuple[str, str, date], Bucket] = {}
        self._gauges: dict[tuple[str, str, date, str], Gauge] = {}
        self.keys = 0
        self.records = 0

    def add_all(self, values: Iterable[bytes | None], voice: Voice) -> list[tuple[int, str]]:
        """Fold raw records of one sender; answers (position, reason) of those refused."""
        refused: list[tuple[int, str]] = []
        quarters, takes = self._quarters, voice.takes
        index = -1
        for index, value in enumerate(values):
            try:
                beacon = decode(value)  # type: ignore[arg-type]
                if beacon.source not in takes:
                    raise Refused(voice.refusal(beacon.source))
                if beacon.value is None and beacon.day is None:
                    bucket = quarters.get((beacon.source, beacon.measure, beacon.ts // QUARTER))
                    if bucket is None:
                        bucket = self._bucket_of(beacon, voice)
                    count = bucket.counts.get(beacon.asset_id)
                    if count is None:
                        count = self._count(bucket, beacon.asset_id)
                    if beacon.user is not None:
                        if count.users is None:
                            count.users = sketches.new()
                        count.users.update(beacon.user)
                    count.total += beacon.count  # last: a record refused above counts nowhere
                    bucket.received += 1
                elif beacon.day is None:
                    self._gauge(beacon, voice)
                else:
                    self._folded(beacon, voice)
            except Exception as error:  # one record must never stop the rest
                refused.append((index, self._reason(error, value, voice)))
        self.records += index + 1 - len(refused)
        return refused

    def _reason(self, error: Exception, value: bytes | None, voice: Voice) -> str:
        """The problems of a record, ten at most, among them the one that stopped it."""
        if isinstance(error, msgspec.ValidationError):
            problems = unreadable(value)
        elif isinstance(error, Refused | Invalid):
            problems = self._unfit(decode(value or b""), voice)
        else:
            return f"expected a JSON object of usage ({type(error).__name__})"
        first = f"{error.field}: expected {error.accepted}" if isinstance(error, Invalid) else str(error)
        if isinstance(error, Refused | Invalid) and first not in problems:
            problems.insert(0, first)
        more = f"; {len(problems)} faults in all" if len(problems) > NAMED else ""
        return "; ".join(problems[:NAMED]) + more

    def _unfit(self, beacon: Beacon, voice: Voice) -> list[str]:
        """The problems of a readable record."""
        takes = voice.takes.get(beacon.source)
        problems = [voice.refusal(beacon.source)] if takes is None else []
        if takes is not None and beacon.measure not in takes:
            problems.append(_untaken(takes))
        checks: list[Callable[[], Any]] = [lambda: canonical(beacon.asset_id)]
        if beacon.day is not None:
            checks.append(lambda: _folded_day(beacon.day or "", voice))
        else:
            checks.append(lambda: self._day(beacon.ts // QUARTER, voice))
        for check in checks:
            try:
                check()
            except Refused as error:
                problems.append(str(error))
        return problems

    def _bucket_of(self, beacon: Beacon, voice: Voice) -> Bucket:
        quarter = beacon.ts // QUARTER
        bucket = self._bucket(beacon.source, beacon.measure, self._day(quarter, voice), voice)
        if beacon.measure in GAUGES:
            raise Refused(f"value: {beacon.measure} is a gauge; expected its reading as a whole number")
        self._quarters[(beacon.source, beacon.measure, quarter)] = bucket
        return bucket

    def _day(self, quarter: int, voice: Voice) -> date:
        day = self._calendar.day(quarter)
        if not voice.first <= day <= voice.last:
            raise Refused(f"ts: expected a time of the days {voice.first} to {voice.last}")
        return day

    def _bucket(self, source: str, measure: str, day: date, voice: Voice) -> Bucket:
        bucket = self._buckets.get((source, measure, day))
        if bucket is None:
            if measure not in voice.takes[source]:
                raise Refused(_untaken(voice.takes[source]))
            bucket = self._buckets[(source, measure, day)] = Bucket(source, measure, day)
        return bucket

    def _count(self, bucket: Bucket, asset_id: str) -> Count:
        name = canonical(asset_id)
        count = bucket.counts.get(name)
        if count is None:
            count = bucket.counts[name] = Count()
            self.keys += 1
        return count

    def _gauge(self, beacon: Beacon, voice: Voice) -> None:
        if beacon.measure not in GAUGES:
            raise Refused(f"measure: with a value expected one of {', '.join(sorted(GAUGES))}")
        day = self._day(beacon.ts // QUARTER, voice)
        bucket = self._bucket(beacon.source, beacon.measure, day, voice)
        name = canonical(beacon.asset_id)
        read = Gauge(
            asset_id=name,
            measure=beacon.measure,
            day=day,
            source=beacon.source,
            ts=beacon.ts,
            value=beacon.value or 0,
        )
        key = (name, beacon.measure, day, beacon.source)
        current = self._gauges.get(key)
        if current is None or current < read:
            self.keys += current is None
            self._gauges[key] = read
        bucket.received += 1

    def _folded(self, beacon: Beacon, voice: Voice) -> None:
        if beacon.measure in GAUGES or beacon.user is not None:
            raise Refused("day: a folded record carries a count and a sketch, neither a gauge nor a user")
        day = _folded_day(beacon.day or "", voice)
        users = None if beacon.sketch is None else sketches.read(beacon.sketch)
        bucket = self._bucket(beacon.source, beacon.measure, day, voice)
        count = self._count(bucket, beacon.asset_id)
        count.total += beacon.count
        count.users = sketches.merge(count.users, users)
        bucket.received += beacon.records

    def result(self) -> FoldResult:
        """The rows to write, sorted, so that two writers never wait for each other in a circle."""
        counts: dict[tuple[str, str, date], Count] = {}
        received: dict[tuple[str, date], int] = {}
        for bucket in self._buckets.values():
            if bucket.received:
                on = (bucket.source, bucket.day)
                received[on] = received.get(on, 0) + bucket.received
            for asset_id, count in bucket.counts.items():
                key = (asset_id, bucket.measure, bucket.day)
                other = counts.get(key)
                if other is None:
                    counts[key] = count
                else:  # a second source counted the same
                    users = sketches.merge(other.users, count.users)
                    counts[key] = Count(total=other.total + count.total, users=users)
        counters = (
            Counter(asset_id=asset_id, measure=measure, day=day, total=count.total, users=count.users)
            for (asset_id, measure, day), count in sorted(counts.items(), key=lambda item: item[0])
        )
        return FoldResult(
            counters=tuple(counters),
            gauges=tuple(self._gauges[key] for key in sorted(self._gauges)),
            received=tuple((*on, received[on]) for on in sorted(received)),
        )


def canonical(asset_id: str) -> str:
    """An asset's id as it is written. Raises Refused for another text."""
    try:
        return str(UUID(asset_id))
    except ValueError:
        raise Refused("asset_id: expected a UUID") from None


def _folded_day(text: str, voice: Voice) -> date:
    """The day of a record that was folded at the source. Raises Refused."""
    try:
        day = exact.day(text)
    except ValueError:
        day = None
    if day is None or not voice.first <= day <= voice.last:
        raise Refused(f"day: expected YYYY-MM-DD, {voice.first} to {voice.last}")
    return day


def _untaken(takes: frozenset[str]) -> str:
    return f"measure: expected one that the source is admitted for: {', '.join(sorted(takes))}"


def unreadable(value: bytes | None) -> list[str]:
    """The problems in the fields of a record: field names and expected types, never a value."""
    try:
        given = msgspec.json.decode(value or b"", type=dict[str, Any])
    except msgspec.ValidationError as error:
        return [str(error)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return [f"expected a JSON object of usage ({type(error).__name__})"]
    known = ", ".join(FIELDS)
    problems = [
        f"{quoted(name, 60)}: there is no such field; expected one of {known}" for name in given if name not in FIELDS
    ]
    for name, field in FIELDS.items():
        if name in given:
            try:
                msgspec.convert(given[name], field.type)
            except msgspec.ValidationError as error:
                problems.append(f"{name}: {error}")
        elif field.required:
            problems.append(f"{name}: it is missing")
    return problems
