"""The reading of one asset on one business day: its signals, and the sources behind them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from libs.common.events.monitor import SignalRead
from services.monitor.signals.catalogue import SIGNALS, columns


@dataclass(frozen=True, slots=True, kw_only=True)
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

    def read_by(self, names: Sequence[str]) -> tuple[SignalRead, ...]:
        """The signals that a rule reads: the evidence of a finding."""
        return tuple(signal for signal in self.signals if signal.name in names)


def reading(row: Mapping[str, Any]) -> Reading:
    """The signals in one row of the statement.

    The day of a silence: today where a healthy source vouches for it, else the last day within the source's rhythm.
    """
    signals = []
    for signal in SIGNALS:
        value, source, as_of = (row[column] for column in columns(signal))
        value = None if value is None else float(value)
        signals.append(SignalRead(name=signal.name, value=value, source=source, as_of=as_of))
    return Reading(
        asset_id=UUID(str(row["asset_id"])),
        signals=tuple(signals),
        watching=tuple(row["watching"] or ()),
        blind=tuple(row["blind"] or ()),
        agents=tuple(row["agents"] or ()),
    )


def dump(signals: Sequence[SignalRead]) -> list[dict[str, Any]]:
    """Evidence as it is stored."""
    return [signal.model_dump(mode="json") for signal in signals]


def evidence(text: str) -> tuple[SignalRead, ...]:
    """Stored evidence as it was read."""
    return tuple(SignalRead.model_validate(item) for item in msgspec.json.decode(text))
