"""How many assets may be stopped on a day, and how long each waiting lasts. Pure."""

from dataclasses import asdict, dataclass
from typing import Any

from libs.common.errors import DomainError
from libs.common.text import Text


class LimitsInvalid(DomainError):
    """A limit that is unknown or beyond its ceiling."""

    code = "limits_invalid"
    kind = "invalid"
    says = Text("限额无效:{why}", "The limits are not valid: {why}")


@dataclass(frozen=True, slots=True)
class Windows:
    """How long each waiting lasts, in days of the calendar; pinned to a case when it opens.

    Basis: rules.md §3.3 and §9. The 30 days of public notice come from the website rule W-02 by analogy
    (ASSUMED for accounts); the others are local settings.

    `reopen_days`: for how long a keep that names no day, a cancellation or a restore excuses an asset from findings
    that stay true; then they open its next case. Two years: an election or a campaign comes round within them, and a
    year would ask units again about what they have just answered for.

    `min_answer_days`: what a unit is left to answer in, even after an answer that agrees. `key_age_days`: for how long
    a unit's key has to be in force before a receipt by it proves a notice; none of the two can be switched off.
    """

    answer_days: int = 15
    announce_days: int = 30
    verify_days: int = 3
    restore_days: int = 15
    notice_retry_days: int = 3
    notice_attempts: int = 3
    reopen_days: int = 730
    min_answer_days: int = 3
    key_age_days: int = 7

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if type(value) is not int or not 1 <= value <= 3650:
                raise ValueError(f"{name}: {value!r}; expected whole days from 1 to 3650")

    def days(self, window: str | None) -> int:
        """The days of a window by its name.

        Raises:
            LookupError: no window is called so.
        """
        if window not in self.__dataclass_fields__:
            raise LookupError(f"unknown window {window!r}; expected one of {', '.join(self.__dataclass_fields__)}")
        return int(getattr(self, window))


YOUNGER = ("min_answer_days", "key_age_days")


CALENDAR = "calendar"  # how a case counts its days, as its first entry says; where it does not, 24 hours each were kept


def pinned(given: dict[str, int]) -> Windows:
    """The windows that a case was opened with. What did not exist then is not kept for it: none, which 0 says."""
    windows = Windows(**{name: days for name, days in given.items() if days or name not in YOUNGER})
    for name in YOUNGER:
        if not given.get(name):
            object.__setattr__(windows, name, 0)
    return windows


CEILING = 1000


KINDS = ("account", "app", "group")


@dataclass(frozen=True, slots=True)
class PerKind:
    """One number for each kind of asset."""

    account: int = 100
    app: int = 100
    group: int = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """How many assets may be stopped. Always in force: no value means "unlimited", and 0 means that nothing closes."""

    per_unit_per_day: int = 10
    per_day: int = 100
    per_plan: int = 100
    per_kind_per_day: PerKind = PerKind()

    def __post_init__(self) -> None:
        numbers = {name: value for name, value in asdict(self).items() if name != "per_kind_per_day"}
        kinds = {f"per_kind_per_day.{kind}": value for kind, value in asdict(self.per_kind_per_day).items()}
        for name, value in (numbers | kinds).items():
            if type(value) is not int or not 0 <= value <= CEILING:
                raise LimitsInvalid(
                    field=name, accepted=f"0 to {CEILING}", why=Text(f"{name} 为 {value!r}", f"{name} is {value!r}")
                )

    def of_kind(self, kind: str) -> int:
        """Of one kind in a day; a kind nobody has heard of has no place at all."""
        return int(getattr(self.per_kind_per_day, kind)) if kind in KINDS else 0


def read_limits(given: Any) -> Limits:
    """Limits from settings; a missing one keeps its default. Raises LimitsInvalid on anything it does not know."""
    fields = _known("limits", given, asdict(Limits()))
    if "per_kind_per_day" in fields:
        fields["per_kind_per_day"] = PerKind(
            **_known("per_kind_per_day", fields["per_kind_per_day"], asdict(PerKind()))
        )
    return Limits(**fields)


def _known(what: str, given: Any, names: dict[str, Any]) -> dict[str, Any]:
    accepted = ", ".join(names)
    if not isinstance(given, dict):
        raise LimitsInvalid(
            field=what, accepted=f"an object with {accepted}", why=Text(f"{what} 为 {given!r}", f"{what} is {given!r}")
        )
    if unknown := set(given) - set(names):
        name = min(map(str, unknown))
        raise LimitsInvalid(field=what, accepted=accepted, why=Text(f"没有 {name} 这一项", f"{name} is unknown"))
    return dict(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotsTaken:
    """How many of a day's places are taken already: in all, of one unit, of one kind."""

    day: int = 0
    unit: int = 0
    kind: int = 0


def room(limits: Limits, taken: SlotsTaken, kind: str) -> bool:
    """Whether one more asset fits under every limit at once; there is no mode in which one suffices."""
    return taken.day < limits.per_day and taken.unit < limits.per_unit_per_day and taken.kind < limits.of_kind(kind)
