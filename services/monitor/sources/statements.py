"""Statements of a source about one of its days: their limits, and the agents that may send them. Pure."""

from collections.abc import Iterable
from datetime import date

from libs.common import days, exact
from libs.common.errors import DomainError, Invalid
from libs.common.text import Text
from services.monitor.admissions.domain import Admission, NotAdmitted
from services.monitor.admissions.names import check_source
from services.monitor.signals.catalogue import MEASURE, MEASURE_IS

MOST_RECORDS = 1 << 53
OUT_OF_RANGE = Text("数值超出范围", "the number is out of range")


class StaleRevision(DomainError):
    """A statement is replaced only by one of a higher revision."""

    code = "stale_revision"
    kind = "conflict"
    says = Text(
        "该日申报的修订号已为 {current},须更高才能替换。",
        "That day's statement already has revision {current}; only a higher one replaces it.",
    )


def check_statement(source: str, revision: int, records: int, measures: Iterable[str]) -> None:
    """Raise Invalid unless a statement is within the bounds of the database."""
    check_source(source)
    if records > MOST_RECORDS:
        raise Invalid(field="records", accepted=f"<= {MOST_RECORDS}", why=OUT_OF_RANGE)
    if revision >= 1 << 31:
        raise Invalid(field="revision", accepted=f"< {1 << 31}", why=OUT_OF_RANGE)
    if any(not MEASURE.fullmatch(measure) for measure in measures):
        raise Invalid(field="measures", accepted=MEASURE_IS, why=Text("指标名称不可用", "a measure's name is unfit"))


def check_spoken(
    admission: Admission | None, then: Admission | None, *, source: str, who: str, day: date, measures: Iterable[str]
) -> None:
    """Raise unless the agent may state this day of the source: `admission` is that of today, `then` that of the day.

    Raises NotAdmitted, and Invalid for a day or measures that the source was not admitted for.
    """
    if admission is None or not admission.admitted or who not in admission.agents:
        raise NotAdmitted(field="source", accepted="a source admitted for this agent", source=source, who=who)
    if then is None or not then.admitted:
        why = Text("该来源当日尚未接纳", "the source was not admitted on that day")
        raise Invalid(field="day", accepted=f">= {admission.since}", why=why)
    taken = sorted({*admission.measures} & {*then.measures})
    if not {*measures} <= {*taken}:
        why = Text("该来源未获准申报此指标", "the source is not admitted for that measure")
        raise Invalid(field="measures", accepted=", ".join(taken) or "none", why=why)


def check_age(day: date, *, came: date, late_days: int) -> None:
    """Raise Invalid for a statement of a day to come, or of one too long past, as seen on the day on which it came."""
    first = max(exact.FIRST_DAY, days.later(came, -late_days))
    if not first <= day <= min(came, exact.LAST_DAY):
        # A day stated ahead would be whole even if the source then fails: silence that was never observed.
        why = Text(f"{day} 超出范围", f"{day} is out of range")
        raise Invalid(field="day", accepted=f"{first} to {came}", why=why)
