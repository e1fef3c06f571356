"""Admissions: which sources are admitted, for which agents, measures and assets, and since when. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from libs.common import days, exact, ids
from libs.common.errors import DomainError, Invalid
from libs.common.text import Text
from services.monitor.admissions.names import EVERY_SOURCE, listed, names, speaks_for
from services.monitor.signals.catalogue import MEASURE, MEASURE_IS

AHEAD_DAYS = 366  # how far ahead an admission or a withdrawal may be set
KINDS = ("account", "app", "group")


class NotAdmitted(DomainError):
    """The monitor accepts only admitted sources, and only from the agents that the admission names."""

    code = "not_admitted"
    kind = "forbidden"
    says = Text(
        "来源 {source} 今日未经接纳,或其接纳未列入代理 {who}。",
        "The source {source} is not admitted today, or its admission does not name the agent {who}.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a source may cover. Each part that is given narrows it; `everything` stands alone."""

    everything: bool = False
    units: tuple[UUID, ...] | None = None
    platforms: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    assets: tuple[UUID, ...] | None = None

    @property
    def parts(self) -> tuple[tuple[Any, ...] | None, ...]:
        return (self.units, self.platforms, self.kinds, self.assets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """One version of a source's permissions, in force from `since`; not `admitted`: from then on it has none."""

    since: date
    admitted: bool
    agents: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    scope: Scope = field(default_factory=Scope)
    reason: str = ""

    def same_as(self, other: "Admission | None") -> bool:
        """Whether it repeats another admission, which is in force already."""
        return other is not None and self.since >= other.since and replace(self, since=other.since) == other


def check(admission: Admission, *, today: date) -> None:
    """Raise Invalid unless an admission names its agents and scope, and does not begin on a past day.

    A withdrawal may go back: it makes known days unknown, never unknown ones known.
    """
    last = days.later(today, AHEAD_DAYS)
    first = today if admission.admitted else exact.FIRST_DAY
    if not first <= admission.since <= last:
        raise Invalid(
            field="since",
            accepted=f"{first} to {last}",
            why=Text("起始日超出范围", "the day is out of range"),
        )
    if not admission.admitted:
        return
    scope = admission.scope
    given = [part for part in scope.parts if part is not None]
    if scope.everything == bool(given):
        raise Invalid(
            field="everything",
            accepted="true alone, or at least one of units, platforms, kinds and assets",
            why=Text("须说明覆盖范围", "an admission needs a scope"),
        )
    if scope.everything and not admission.reason.strip():
        raise Invalid(
            field="reason", accepted="why it may cover everything", why=Text("须说明理由", "a reason is needed")
        )
    if not all(given):
        raise Invalid(
            field="scope",
            accepted="at least one entry",
            why=Text("范围不能为空表", "an empty list would cover nothing"),
        )
    if any(not MEASURE.fullmatch(measure) for measure in admission.measures):
        raise Invalid(field="measures", accepted=MEASURE_IS, why=Text("指标名称不可用", "a measure's name is unfit"))
    if any(not all(agent.partition("|")) for agent in admission.agents):
        raise Invalid(
            field="agents",
            accepted="issuer|subject of its token",
            why=Text("代理标识不可用", "an agent's identity is unfit"),
        )


def identity(agent: str) -> str:
    """An agent's identity, given as `issuer|subject`, in the form in which principals have it."""
    issuer, _, subject = agent.partition("|")
    return ids.identity(issuer, subject)


def written(admission: Admission) -> dict[str, Any]:
    """An admission as it is recorded and shown."""
    return asdict(admission.scope) | {
        "since": admission.since,
        "admitted": admission.admitted,
        "agents": admission.agents,
        "measures": admission.measures,
        "reason": admission.reason,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """The permissions of one sender: its sources with the measures of each, and the accepted days."""

    takes: Mapping[str, frozenset[str]]
    first: date
    last: date
    who: str
    named: frozenset[str] = EVERY_SOURCE

    def refusal(self, source: str) -> str:
        """The reason why records of a source are refused from this sender."""
        if not names(self.named, source):
            return f"source: expected one that the token names: {listed(self.named)}"
        return f"source: expected one that is admitted for the agent {self.who}: {listed(frozenset(self.takes))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A source that is admitted today."""

    agents: frozenset[str]
    measures: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """The sources admitted today, and the days whose usage is accepted."""

    speakers: Mapping[str, Mapping[str, frozenset[str]]]
    first: date
    last: date

    @classmethod
    def of(cls, sources: Mapping[str, Admitted], first: date, last: date) -> "Roll":
        """Measures by agent and source, so that a fetch with records of many agents costs no more."""
        speakers: dict[str, dict[str, frozenset[str]]] = {}
        for source, admission in sources.items():
            for agent in admission.agents:
                speakers.setdefault(agent, {})[source] = admission.measures
        return cls(speakers=speakers, first=first, last=last)

    def voice(self, who: str, named: frozenset[str]) -> Voice:
        """The permissions of an agent, by its identity and the sources that its token names."""
        admitted = self.speakers.get(who, {})
        takes = {source: measures for source, measures in admitted.items() if names(named, source)}
        return Voice(takes=takes, first=self.first, last=self.last, who=who, named=named)

    def require(self, who: str, named: frozenset[str], source: str) -> Voice:
        """The voice of an agent that speaks for a source. Raises NotItsSource and NotAdmitted."""
        speaks_for(named, source)
        voice = self.voice(who, named)
        if source not in voice.takes:
            raise NotAdmitted(field="source", accepted=listed(frozenset(voice.takes)), source=source, who=who)
        return voice
