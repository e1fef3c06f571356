"""Folding usage: a torrent of beacons becomes a few counts, sketches and gauges per asset, day and measure. Pure.

Distinct users live in HyperLogLog sketches only (lg 11, HLL_4: about 1.1 % error): what names a user is hashed into
the sketch while the beacon is in memory and kept nowhere.
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
from libs.common.text import quoted
from services.monitor.admissions.domain import Voice
from services.monitor.usage import sketches

GAUGES = frozenset({"posts_total", "followers"})
QUARTER = 900_000  # milliseconds; offsets of zones and so days begin at whole quarter hours
TOLD = 10  # faults of one record
EARLIEST, LATEST = 946_684_800_000 // QUARTER, 4_102_444_800_000 // QUARTER  # the years 2000 to 2100


class Refused(ValueError):
    """A record of usage cannot be counted; the text says what was expected. It never quotes a user."""


Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]


class Beacon(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """One record of usage: a count (with `user`), a reading of a gauge (`value`), or a day folded at the source."""

    source: str
    asset_id: str
    measure: str
    ts: int = 0
    count: Count = 1
    user: str | None = None
    value: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)] | None = None
    day: str | None = None
    sketch: str | None = None
    records: Count = 1


FIELDS = {field.name: field for field in msgspec.structs.fields(Beacon)}
decode: Callable[[bytes], Beacon] = msgspec.json.Decoder(Beacon).decode


@dataclass(slots=True)
class Cell:
    """What was counted of one asset, measure and day; `users` is a sketch once a user was seen."""

    total: int = 0
    users: Any = None


class Slot:
    """One source, measure and day: records that arrived and the assets they spoke of."""

    __slots__ = ("cells", "day", "measure", "received", "source")

    def __init__(self, source: str, measure: str, day: date) -> None:
        self.source, self.measure, self.day = source, measure, day
        self.received = 0
        self.cells: dict[str, Cell] = {}


@dataclass(frozen=True, slots=True)
class Counter:
    """One row to merge into `usage_days`; `users` a sketch object or None."""

    asset_id: str
    measure: str
    day: date
    total: int
    users: Any


@dataclass(frozen=True, slots=True, order=True)
class Gauge:
    """One reading; of two of a source on a day the later wins, of two at an instant the greater."""

    asset_id: str
    measure: str
    day: date
    source: str
    ts: int
    value: int


@dataclass(frozen=True, slots=True)
class Sheet:
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
        found = self._days.get(quarter)
        if found is None:
            if not EARLIEST <= quarter < LATEST:
                raise Refused("ts: expected milliseconds since 1970, in the years 2000 to 2100")
            if len(self._days) > 100_000:
                self._days.clear()
            found = datetime.fromtimestamp(quarter * QUARTER / 1000, UTC).astimezone(self._zone).date()
            self._days[quarter] = found
        return found


class Fold:
    """What has been read and not yet written; `keys` bounds its size."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._quarters: dict[tuple[str, str, int], Slot] = {}
        self._slots: dict[tuple[str, str, date], Slot] = {}
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
                    slot = quarters.get((beacon.source, beacon.measure, beacon.ts // QUARTER))
                    if slot is None:
                        slot = self._slot_of(beacon, voice)
                    cell = slot.cells.get(beacon.asset_id)
                    if cell is None:
                        cell = self._cell(slot, beacon.asset_id)
                    if beacon.user is not None:
                        if cell.users is None:
                            cell.users = sketches.new()
                        cell.users.update(beacon.user)
                    cell.total += beacon.count  # last: what is refused on the way counts nowhere
                    slot.received += 1
                elif beacon.day is None:
                    self._gauge(beacon, voice)
                else:
                    self._folded(beacon, voice)
            except Exception as error:  # whatever a stranger's bytes lead to: it must not reach the others
                refused.append((index, self._reason(error, value, voice)))
        self.records += index + 1 - len(refused)
        return refused

    def _reason(self, error: Exception, value: bytes | None, voice: Voice) -> str:
        """All that is wrong with a record, up to ten faults of it, what stopped it among them."""
        if isinstance(error, msgspec.ValidationError):
            found = unreadable(value)
        elif isinstance(error, Refused | Invalid):
            found = self._unfit(decode(value or b""), voice)
        else:
            return f"expected a JSON object of usage ({type(error).__name__})"
        first = f"{error.field}: expected {error.accepted}" if isinstance(error, Invalid) else str(error)
        if isinstance(error, Refused | Invalid) and first not in found:
            found.insert(0, first)
        more = f"; {len(found)} faults in all" if len(found) > TOLD else ""
        return "; ".join(found[:TOLD]) + more

    def _unfit(self, beacon: Beacon, voice: Voice) -> list[str]:
        """What is wrong with a record that can be read."""
        takes = voice.takes.get(beacon.source)
        found = [voice.refusal(beacon.source)] if takes is None else []
        if takes is not None and beacon.measure not in takes:
            found.append(_untaken(takes))
        checks: list[Callable[[], Any]] = [lambda: canonical(beacon.asset_id)]
        if beacon.day is not None:
            checks.append(lambda: _folded_day(beacon.day or "", voice))
        else:
            checks.append(lambda: self._day(beacon.ts // QUARTER, voice))
        for check in checks:
            try:
                check()
            except Refused as error:
                found.append(str(error))
        return found

    def _slot_of(self, beacon: Beacon, voice: Voice) -> Slot:
        quarter = beacon.ts // QUARTER
        slot = self._slot(beacon.source, beacon.measure, self._day(quarter, voice), voice)
        if beacon.measure in GAUGES:
            raise Refused(f"value: {beacon.measure} is a gauge; expected its reading as a whole number")
        self._quarters[(beacon.source, beacon.measure, quarter)] = slot
        return slot

    def _day(self, quarter: int, voice: Voice) -> date:
        day = self._calendar.day(quarter)
        if not voice.first <= day <= voice.last:
            raise Refused(f"ts: expected a time of the days {voice.first} to {voice.last}")
        return day

    def _slot(self, source: str, measure: str, day: date, voice: Voice) -> Slot:
        slot = self._slots.get((source, measure, day))
        if slot is None:
            if measure not in voice.takes[source]:
                raise Refused(_untaken(voice.takes[source]))
            slot = self._slots[(source, measure, day)] = Slot(source, measure, day)
        return slot

    def _cell(self, slot: Slot, asset_id: str) -> Cell:
        name = canonical(asset_id)
        cell = slot.cells.get(name)
        if cell is None:
            cell = slot.cells[name] = Cell()
            self.keys += 1
        return cell

    def _gauge(self, beacon: Beacon, voice: Voice) -> None:
        if beacon.measure not in GAUGES:
            raise Refused(f"measure: with a value expected one of {', '.join(sorted(GAUGES))}")
        day = self._day(beacon.ts // QUARTER, voice)
        slot = self._slot(beacon.source, beacon.measure, day, voice)
        name = canonical(beacon.asset_id)
        read = Gauge(name, beacon.measure, day, beacon.source, beacon.ts, beacon.value or 0)
        place = (name, beacon.measure, day, beacon.source)
        held = self._gauges.get(place)
        if held is None or held < read:
            self.keys += held is None
            self._gauges[place] = read
        slot.received += 1

    def _folded(self, beacon: Beacon, voice: Voice) -> None:
        if beacon.measure in GAUGES or beacon.user is not None:
            raise Refused("day: a folded record carries a count and a sketch, neither a gauge nor a user")
        day = _folded_day(beacon.day or "", voice)
        users = None if beacon.sketch is None else sketches.read(beacon.sketch)
        slot = self._slot(beacon.source, beacon.measure, day, voice)
        cell = self._cell(slot, beacon.asset_id)
        cell.total += beacon.count
        cell.users = sketches.merge(cell.users, users)
        slot.received += beacon.records

    def sheet(self) -> Sheet:
        """The rows to write, sorted, so that two writers never wait for each other in a circle."""
        cells: dict[tuple[str, str, date], Cell] = {}
        received: dict[tuple[str, date], int] = {}
        for slot in self._slots.values():
            if slot.received:
                key = (slot.source, slot.day)
                received[key] = received.get(key, 0) + slot.received
            for asset_id, cell in slot.cells.items():
                place = (asset_id, slot.measure, slot.day)
                other = cells.get(place)
                if other is None:
                    cells[place] = cell
                else:  # a second source counted the same
                    cells[place] = Cell(other.total + cell.total, sketches.merge(other.users, cell.users))
        counters = tuple(Counter(*place, cells[place].total, cells[place].users) for place in sorted(cells))
        gauges = tuple(self._gauges[place] for place in sorted(self._gauges))
        return Sheet(counters, gauges, tuple((*key, received[key]) for key in sorted(received)))


def canonical(asset_id: str) -> str:
    """An asset's id as it is written. Raises Refused when it is no UUID."""
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
    """What is wrong with the fields of a record. It names fields and the types expected, never a value."""
    try:
        given = msgspec.json.decode(value or b"", type=dict[str, Any])
    except msgspec.ValidationError as error:
        return [str(error)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return [f"expected a JSON object of usage ({type(error).__name__})"]
    known = ", ".join(FIELDS)
    found = [
        f"{quoted(name, 60)}: there is no such field; expected one of {known}" for name in given if name not in FIELDS
    ]
    for name, field in FIELDS.items():
        if name in given:
            try:
                msgspec.convert(given[name], field.type)
            except msgspec.ValidationError as error:
                found.append(f"{name}: {error}")
        elif field.required:
            found.append(f"{name}: it is missing")
    return found
