"""What the monitor decides: which sources can be believed, and what the truth of its rules means for an asset."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any, Literal
from uuid import UUID

from libs.common.days import later
from libs.common.errors import DomainError, Invalid
from libs.common.events.monitor import SignalRead
from libs.common.text import Text

Truth = bool | None
Verdict = Literal["ACTIVE", "IDLE", "ZOMBIE", "UNKNOWN"]
MOST_RECORDS = 1 << 53
MEASURE = re.compile(r"[a-z][a-z0-9_]{0,39}")
MEASURE_IS = "up to 40 of a-z, 0-9 and _, beginning with a letter"
OUT_OF_RANGE = ("数值超出范围", "the number is out of range")
_SOURCE = Text(100)
SILENCE = "posts"  # the measure that silence is asked of
SILENCES = frozenset({"days_since_post", "days_observed_silent"})  # the signals that speak of it
GRAVITY: dict[str, int] = {"IDLE": 1, "ZOMBIE": 2}
USUAL_DAYS = 28  # how many earlier statements the usual number of covered assets is taken from


class StaleRevision(DomainError):
    """A statement is replaced only by one of a higher revision."""

    code = "stale_revision"
    kind = "conflict"
    zh = "该日申报的修订号已为 {held},须更高才能替换。"
    en = "That day's statement already has revision {held}; only a higher one replaces it."


EVERY_SOURCE = frozenset({"*"})


class NotItsSource(DomainError):
    """An agent speaks for the sources that its token names; for another it could declare that one's assets dead."""

    code = "not_its_source"
    kind = "forbidden"
    zh = "令牌只代表这些来源:{named}"
    en = "The token speaks for these sources only: {named}"


def speaks_for(sources: frozenset[str], source: str) -> None:
    """Raise NotItsSource unless the sources that a token names hold this one, or `*` for all."""
    if not sources & {"*", source}:
        raise NotItsSource(field="source", accepted=named(sources), named=(named(sources, "无"), named(sources)))


def named(sources: frozenset[str], nobody: str = "none") -> str:
    """The sources that a token names, in words."""
    return ", ".join(sorted(sources)) or nobody


def check_source(name: str) -> None:
    """Raise Invalid unless this can name a source, in the form in which it is kept."""
    try:
        fit = _SOURCE.clean(name) == name
    except ValueError:
        fit = False
    if not fit:
        raise Invalid(
            field="source",
            accepted="1 to 100 printable characters in NFC",
            why=("来源名称不可用", "the source's name is unfit"),
        )


def check_statement(source: str, revision: int, records: int, measures: Iterable[str]) -> None:
    """Raise Invalid unless a statement lies within what can be kept."""
    check_source(source)
    if records > MOST_RECORDS:
        raise Invalid(field="records", accepted=f"<= {MOST_RECORDS}", why=OUT_OF_RANGE)
    if revision >= 1 << 31:
        raise Invalid(field="revision", accepted=f"< {1 << 31}", why=OUT_OF_RANGE)
    if any(not MEASURE.fullmatch(measure) for measure in measures):
        raise Invalid(field="measures", accepted=MEASURE_IS, why=("指标名称不可用", "a measure's name is unfit"))


@dataclass(frozen=True, slots=True)
class Terms:
    """How a source is judged.

    `rhythm_days`: a day's statement may come this many days later. `floor_share`: covered assets below this
    share of the usual number mean a partial source. `lookback_days`: how many due days must all be whole.
    """

    rhythm_days: int = 1
    floor_share: float = 0.8
    lookback_days: int = 7


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


def judge_source(terms: Terms, admitted_on: date | None, days: Iterable[SourceDay], today: date) -> Health:
    """The health of a source on a business day, from what it stated and what arrived (architecture §5).

    Healthy: it is admitted, every due day of the look-back is stated and whole, and the latest statement covers no
    fewer assets than the floor share of the usual number. Due are the days from its first statement since it was
    admitted to `today - rhythm_days`.
    """
    if admitted_on is None:
        return Health(False, "unadmitted", "未经接纳", "it is not admitted")
    stated = {day.day: day for day in days if day.stated is not None and admitted_on <= day.day <= today}
    last_due = later(today, -terms.rhythm_days)
    if not stated:
        if last_due < admitted_on:
            return Health(True, "awaited", "尚未到首次申报时间", "its first statement is not due yet")
        return Health(False, "silent", "从未申报", "it has never stated anything", last_due)
    day = max(min(stated), later(last_due, 1 - terms.lookback_days))
    while day <= last_due:
        found = stated.get(day)
        if found is None:
            return Health(False, "late", f"{day} 未申报", f"no statement for {day}", day)
        if not found.whole:
            return _torn(found)
        day = later(day, 1)
    return _floor(terms, stated)


def _torn(found: SourceDay) -> Health:
    if found.stated is not None and found.received > found.stated:
        code, zh, en = "broken", "收到的多于申报的", "more arrived than was stated"
    else:
        code, zh, en = "partial", "收到的少于申报的", "less arrived than was stated"
    count = f"{found.received}/{found.stated}"
    return Health(False, code, f"{found.day} {zh}({count})", f"{found.day}: {en} ({count})", found.day)


def _floor(terms: Terms, stated: Mapping[date, SourceDay]) -> Health:
    *earlier, latest = sorted(stated)
    usual = [stated[day].covered or 0 for day in earlier[-USUAL_DAYS:]]
    covered = stated[latest].covered or 0
    if usual and covered < terms.floor_share * median(usual):
        count = f"{covered} < {terms.floor_share:g} × {median(usual):g}"
        return Health(
            False, "shrunk", f"{latest} 覆盖对象过少({count})", f"{latest}: too few assets covered ({count})", latest
        )
    return Health(True)


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What a decision needs to know of a rule."""

    code: str
    verdict: Literal["IDLE", "ZOMBIE"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the sweep concludes of one asset; `rule` is the gravest true rule."""

    verdict: Verdict
    rule: str | None
    opens: tuple[str, ...]
    clears: tuple[str, ...]


def judge_asset(rules: Sequence[RuleFacts], truths: Mapping[str, Truth], open_rules: frozenset[str]) -> Judgement:
    """The verdict, and which findings open and clear. Unknown opens nothing and clears nothing."""
    true = [rule for rule in rules if truths[rule.code] is True]
    opens = tuple(rule.code for rule in true if rule.code not in open_rules)
    clears = tuple(rule.code for rule in rules if truths[rule.code] is False and rule.code in open_rules)
    if true:
        gravest = max(true, key=lambda rule: GRAVITY[rule.verdict])
        return Judgement(gravest.verdict, gravest.code, opens, clears)
    unknown = any(truths[rule.code] is None for rule in rules)
    return Judgement("UNKNOWN" if unknown else "ACTIVE", None, opens, clears)


@dataclass(frozen=True, slots=True)
class Reading:
    """All signals of one asset on one business day, as read for its rules.

    `watching`: the admitted sources that watch its posts; `blind`: those of them that cannot be believed; `agents`:
    whose statements its silence rests on.
    """

    asset_id: UUID
    signals: tuple[SignalRead, ...]
    watching: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, float | int | None]:
        return {signal.name: signal.value for signal in self.signals}

    def read_by(self, names: Sequence[str]) -> tuple[SignalRead, ...]:
        """The signals that a rule reads: the evidence of a finding."""
        return tuple(signal for signal in self.signals if signal.name in names)


def reading(row: Mapping[str, Any], today: date) -> Reading:
    """The signals in one row of the `signals_on` query.

    The days judged: today where a healthy source vouches for it, else the last day within the source's rhythm.
    """
    silence = (row["silence_source"], row["silence_as_of"])
    total = (row["posts_total_source"], row["posts_total_as_of"])
    followers = (row["followers_source"], row["followers_as_of"])
    listed = (row["listed_source"], today)
    found = {
        "days_since_post": silence,
        "days_observed_silent": silence,
        "posts_total": total,
        "followers": followers,
        "days_listed": listed,
    }
    signals = tuple(
        SignalRead(name=name, value=None if row[name] is None else float(row[name]), source=source, as_of=as_of)
        for name, (source, as_of) in found.items()
    )
    names = (tuple(row[name] or ()) for name in ("watching", "blind", "agents"))
    return Reading(UUID(str(row["asset_id"])), signals, *names)


def unknown_because(signals: Sequence[SignalRead], blind: Sequence[str] = ()) -> str:
    """Why a rule is neither true nor false, naming the missing signals and the blind sources, in both languages."""
    missing = [signal.name for signal in signals if signal.value is None]
    named = ", ".join(missing) or "-"
    zh, en = f"缺少有效信号:{named}", f"no valid value of: {named}"
    if blind:
        zh, en = f"{zh};不可信的来源:{', '.join(blind)}", f"{en}; sources not believed: {', '.join(blind)}"
    return f"{zh} / {en}"


ONE_VOICE = (
    "静默只凭同一代理的申报,而另有来源覆盖该对象 / "
    "the silence rests on one agent's word, while another source watches the asset"
)


def cleared_because(condition: str, signals: Sequence[SignalRead]) -> str:
    """Why a finding ends, with the values read, in both languages."""
    values = ", ".join(f"{signal.name} = {signal.value:g}" for signal in signals if signal.value is not None)
    return f"条件不再成立({values}) / no longer true: {condition} ({values})"
