"""Days of business time: counted on the calendar of a zone, never as so many hours. Pure.

A day has 23, 24 or 25 hours where clocks change. A date lasts until the end of that day; N days from a day end N
calendar days later. Only this module goes from days to instants and back; a lint holds the others to it.
"""

from datetime import UTC, date, datetime, time, tzinfo


def of(at: datetime, zone: tzinfo) -> date:
    """The day on which an instant lies."""
    return at.astimezone(zone).date()


def later(day: date, days: int) -> date:
    """The date so many calendar days later; earlier, where they are negative. Raises TypeError for an instant."""
    if isinstance(day, datetime):
        raise TypeError("days are added to a date; of an instant take the day first")
    return date.fromordinal(day.toordinal() + days)


def between(first: date, last: date) -> int:
    """How many calendar days lie from one date to another. Raises TypeError for instants."""
    if isinstance(first, datetime) or isinstance(last, datetime):
        raise TypeError("days lie between dates; of an instant take the day first")
    return last.toordinal() - first.toordinal()


def morning(day: date, zone: tzinfo) -> datetime:
    """The first instant of a day, in UTC; where the clocks skip midnight, the one at which they do."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def end(day: date, zone: tzinfo) -> datetime:
    """The first instant at which a date is over, in UTC."""
    return morning(later(day, 1), zone)


def after(at: datetime, days: int, zone: tzinfo) -> datetime:
    """The first instant of the date so many calendar days after that of an instant, in UTC."""
    return morning(later(of(at, zone), days), zone)


def same_time(at: datetime, days: int, zone: tzinfo) -> datetime:
    """The same time of the clock so many calendar days later, in UTC: 23 to 25 hours for each day."""
    local = at.astimezone(zone)
    return datetime.combine(later(local.date(), days), local.time(), zone).astimezone(UTC)
