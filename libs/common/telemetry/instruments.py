"""How a `metrics.py` declares an instrument: its name, its meaning, and which values each of its labels can take."""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What an instrument measures.

    `of`: what one of it is, such as records or seconds. `labels`: where the values of each label come from, by its
    name; that bounds how many there are.
    """

    name: str
    meaning: str
    of: str
    labels: Mapping[str, str]


_declared: dict[str, Declared] = {}


def declared() -> list[Declared]:
    """Every instrument of the modules imported so far, by name: what panels, alerts and documents are made of."""
    return [_declared[name] for name in sorted(_declared)]


def counter(name: str, meaning: str, *, of: str, labels: Mapping[str, str] | None = None) -> Counter:
    """A count that only grows."""
    return Counter(name, meaning, _noted(name, meaning, of, labels))


def gauge(name: str, meaning: str, *, of: str, labels: Mapping[str, str] | None = None) -> Gauge:
    """A value as it is now."""
    return Gauge(name, meaning, _noted(name, meaning, of, labels))


def histogram(name: str, meaning: str, *, of: str, labels: Mapping[str, str] | None = None) -> Histogram:
    """How values are distributed."""
    return Histogram(name, meaning, _noted(name, meaning, of, labels))


def _noted(name: str, meaning: str, of: str, labels: Mapping[str, str] | None) -> list[str]:
    if name in _declared:
        raise ValueError(f"{name} is declared already")
    _declared[name] = Declared(name=name, meaning=meaning, of=of, labels=dict(labels or {}))
    return list(labels or {})
