"""The catalogue of signals: each is declared here, once. Pure.

From it come the names that the rules of a pack may use, the columns and joins of the statement that reads them
(`statement.py`), the evidence of a finding (`reading.py`), the gauges that usage may deliver, what `why` says of a
value, and the page docs/architecture/monitor/signals-in-use.md. To add one: docs/recipes/add-a-signal.md.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["app", "account", "group"]
MEASURE = re.compile(r"[a-z][a-z0-9_]{0,39}")
MEASURE_IS = "up to 40 of a-z, 0-9 and _, beginning with a letter"
SILENCE = "posts"  # the measure that silence is asked of
READING_COLUMNS = ("asset_id", "watching", "blind", "agents")  # the statement has them beside the signals


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text for readers, in both languages."""

    zh: str
    en: str

    def both(self) -> str:
        return f"{self.zh} / {self.en}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Read from posts and the days that healthy sources vouch for, in days; unknown while a watching source is blind.

    `days`: `since_post` counts from the last post, where every day since is vouched for; `in_a_row` counts the vouched
    days without a post that end on the day judged.
    """

    days: Literal["since_post", "in_a_row"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Read from the register, in days: how long ago the asset was opened, or listed where its opening is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """Read from the latest value that sources delivered of a measure, the greatest where several did.

    Unknown where no source delivered one in the last `fresh_days` days, or where one that did is not healthy.
    `with_post`: a counted post, before the reading or after it, outweighs a reading of zero.
    """

    measure: str
    fresh_days: int
    with_post: bool = False


Reads = Silence | Listing | Gauge


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One signal: its name in conditions, the kinds of asset that have it, its unit, its meaning, how it is read."""

    name: str
    kinds: tuple[Kind, ...]
    unit: Words
    meaning: Words
    reads: Reads


DAYS = Words(zh="天", en="days")

SIGNALS: tuple[Signal, ...] = (  # the order in the evidence of a finding
    Signal(
        name="days_since_post",
        kinds=("account",),
        unit=DAYS,
        meaning=Words(
            zh="从最近一次发布到判定日的天数;其间若有一天的静默未经证实,即为未知",
            en="days from the last post to the day judged; unknown unless every day since was vouched for",
        ),
        reads=Silence(days="since_post"),
    ),
    Signal(
        name="days_observed_silent",
        kinds=("account",),
        unit=DAYS,
        meaning=Words(
            zh="到判定日为止,静默已证实的连续天数",
            en="days in a row, up to the day judged, that were vouched for and held no post",
        ),
        reads=Silence(days="in_a_row"),
    ),
    Signal(
        name="posts_total",
        kinds=("account",),
        unit=Words(zh="条", en="posts"),
        meaning=Words(
            zh="账号显示的发布总数;超过35天或来自不健康的来源,即为未知",
            en="posts the account shows in all; unknown when older than 35 days or from an unhealthy source",
        ),
        reads=Gauge(measure="posts_total", fresh_days=35, with_post=True),
    ),
    Signal(
        name="followers",
        kinds=("account",),
        unit=Words(zh="人", en="followers"),
        meaning=Words(
            zh="账号显示的关注人数;超过35天或来自不健康的来源,即为未知",
            en="followers the account shows; unknown when older than 35 days or from an unhealthy source",
        ),
        reads=Gauge(measure="followers", fresh_days=35),
    ),
    Signal(
        name="days_listed",
        kinds=("account",),
        unit=DAYS,
        meaning=Words(
            zh="自开通起的天数;开通日未知的,自列入名录起",
            en="days since the account was opened, or listed where its opening is unknown",
        ),
        reads=Listing(),
    ),
)


def columns(signal: Signal) -> tuple[str, str, str]:
    """The columns of one signal in a row of the statement: its value, the source of that, and its day."""
    return signal.name, f"{signal.name}_source", f"{signal.name}_as_of"


def check(signals: Sequence[Signal]) -> None:
    """Raise ValueError naming the signal that cannot be declared so, and why."""
    taken = Counter([*READING_COLUMNS, *(column for signal in signals for column in columns(signal))])
    for signal in signals:
        if not MEASURE.fullmatch(signal.name):
            raise ValueError(f"signal {signal.name!r}: expected a name of {MEASURE_IS}")
        if any(taken[column] > 1 for column in columns(signal)):
            raise ValueError(f"signal {signal.name!r}: its columns {', '.join(columns(signal))} are taken")
        if not signal.kinds or set(signal.kinds) - set(get_args(Kind)):
            raise ValueError(f"signal {signal.name!r}: expected kinds of {', '.join(get_args(Kind))}")
        if not all((signal.unit.zh, signal.unit.en, signal.meaning.zh, signal.meaning.en)):
            raise ValueError(f"signal {signal.name!r}: expected its unit and meaning in Chinese and in English")
        if isinstance(signal.reads, Gauge):
            if not MEASURE.fullmatch(signal.reads.measure) or signal.reads.measure == SILENCE:
                raise ValueError(f"signal {signal.name!r}: expected a measure of {MEASURE_IS}, other than {SILENCE}")
            if not 0 <= signal.reads.fresh_days <= 366:
                raise ValueError(f"signal {signal.name!r}: expected 0 to 366 fresh days")


check(SIGNALS)
BY_NAME: Mapping[str, Signal] = {signal.name: signal for signal in SIGNALS}
# The measures of which a value is read and not a count, in the order in which they are declared.
GAUGES: tuple[str, ...] = tuple(
    dict.fromkeys(signal.reads.measure for signal in SIGNALS if isinstance(signal.reads, Gauge))
)


def known() -> str:
    """The names of all signals, for a refusal."""
    return ", ".join(sorted(BY_NAME))


def speaks_of_silence(name: str) -> bool:
    """Whether a signal is read from the silence of its asset."""
    return isinstance(BY_NAME[name].reads, Silence)


def is_gauge(name: str) -> bool:
    """Whether a signal is a value that a source delivered."""
    return isinstance(BY_NAME[name].reads, Gauge)


def page() -> str:
    """The page of the documentation that lists all signals; a test compares it with the one that is kept."""
    lines = [
        "# Signals in use 现用信号",
        "",
        "Made from `services/monitor/signals/catalogue.py` by `python -m tests.contract.update signals`.",
        "",
        "| signal | kinds | unit | meaning | read from |",
        "|---|---|---|---|---|",
    ]
    for signal in SIGNALS:
        unit = signal.unit.both()
        lines.append(
            f"| `{signal.name}` | {', '.join(signal.kinds)} | {unit} | {signal.meaning.zh}<br>{signal.meaning.en} "
            f"| {_read_from(signal.reads)} |"
        )
    return "\n".join(lines) + "\n"


def _read_from(reads: Reads) -> str:
    match reads:
        case Silence():
            return f"counts of `{SILENCE}`, and the days that healthy sources vouch for"
        case Listing():
            return "the register"
        case Gauge(measure=measure, fresh_days=days):
            return f"the gauge `{measure}`, at most {days} days old"
