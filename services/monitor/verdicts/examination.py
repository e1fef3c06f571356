"""All that is known of one asset today, with which `why` explains its verdict. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.monitor.sources.health import Health
from services.monitor.verdicts.evaluation import Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptVerdict:
    """The verdict of the last sweep that judged the asset, and since when it has been so."""

    verdict: str
    from_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """One asset judged today, and the sources that report on it, each map by source.

    `vouched`: the last day that the source vouches for; `agents`: those admitted for it today; `admitted_on`: since
    when it has been admitted without a break.
    """

    today: date
    watched: bool
    evaluation: Evaluation
    swept: SweptVerdict | None
    healths: Mapping[str, Health]
    vouched: Mapping[str, date | None]
    agents: Mapping[str, frozenset[str]]
    admitted_on: Mapping[str, date | None]
