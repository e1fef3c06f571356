"""The health of a source: whether its data of a day can be believed, by its statement and the arrivals. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from statistics import median

from libs.common.days import later

USUAL_DAYS = 28  # how many earlier statements the usual number of covered assets is taken from


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a source is judged.

    `rhythm_days`: a day's statement may come this many days later. `floor_share`: covered assets below this
    share of the usual number mean a partial source. `lookback_days`: how many due days must all be whole.
    """

    rhythm_days: int = 1
    floor_share: float = 0.8
    lookback_days: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDay:
    """One day of a source: records that arrived, records stated, and assets covered (None: not stated)."""

    day: date
    received: int
    stated: int | None
    covered: int | None

    @property
    def whole(self) -> bool:
        """Whether all that was sent has arrived, and no more: only then is absence zero."""
        return self.stated is not None and self.received == self.stated


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether a source can be believed today, and if not why, as a code and a text in both languages."""

    healthy: bool
    code: str = "well"
    zh: str = "正常"
    en: str = "well"
    day: date | None = None

    @property
    def reason(self) -> str:
        return f"{self.zh} / {self.en}"


def _ill(code: str, zh: str, en: str, day: date | None = None) -> Health:
    return Health(healthy=False, code=code, zh=zh, en=en, day=day)


NEVER_HEARD = _ill("silent", "从未申报", "it has never stated anything")


def judge_source(terms: Terms, admitted_on: date | None, days: Iterable[SourceDay], today: date) -> Health:
    """The health of a source on a business day, from its statements and the arrived records.

    Healthy: it is admitted, every due day of the look-back is stated and whole, and the latest statement covers no
    fewer assets than the floor share of the usual number. Due are the days from its first statement since it was
    admitted to `today - rhythm_days`.
    """
    if admitted_on is None:
        return _ill("unadmitted", "未经接纳", "it is not admitted")
    stated = {day.day: day for day in days if day.stated is not None and admitted_on <= day.day <= today}
    last_due = later(today, -terms.rhythm_days)
    if not stated:
        if last_due < admitted_on:
            return Health(
                healthy=True, code="awaited", zh="尚未到首次申报时间", en="its first statement is not due yet"
            )
        return _ill("silent", "从未申报", "it has never stated anything", last_due)
    day = max(min(stated), later(last_due, 1 - terms.lookback_days))
    while day <= last_due:
        statement = stated.get(day)
        if statement is None:
            return _ill("late", f"{day} 未申报", f"no statement for {day}", day)
        if not statement.whole:
            return _torn(statement)
        day = later(day, 1)
    return _floor(terms, stated)


def _torn(day: SourceDay) -> Health:
    if day.stated is not None and day.received > day.stated:
        code, zh, en = "broken", "收到的多于申报的", "more arrived than was stated"
    else:
        code, zh, en = "partial", "收到的少于申报的", "less arrived than was stated"
    count = f"{day.received}/{day.stated}"
    return _ill(code, f"{day.day} {zh}({count})", f"{day.day}: {en} ({count})", day.day)


def _floor(terms: Terms, stated: Mapping[date, SourceDay]) -> Health:
    *earlier, latest = sorted(stated)
    usual = [stated[day].covered or 0 for day in earlier[-USUAL_DAYS:]]
    covered = stated[latest].covered or 0
    if usual and covered < terms.floor_share * median(usual):
        count = f"{covered} < {terms.floor_share:g} × {median(usual):g}"
        return _ill("shrunk", f"{latest} 覆盖对象过少({count})", f"{latest}: too few assets covered ({count})", latest)
    return Health(healthy=True)
