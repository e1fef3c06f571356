"""The catalogue of signals: valid declarations, and the parts derived from them."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest

from services.monitor.policy.condition import condition
from services.monitor.signals import catalogue, store
from services.monitor.signals.catalogue import BY_NAME, GAUGES, SIGNALS, Gauge, Signal, Words
from services.monitor.signals.reading import reading
from services.monitor.signals.statement import PARAMETERS, compose
from services.monitor.usage import fold
from services.monitor.usage.api import UsageRecord

ROOT = Path(__file__).parents[4]
LIKES = Signal(
    name="likes",
    kinds=("account",),
    unit=Words(zh="个", en="likes"),
    meaning=Words(zh="获赞数", en="likes shown"),
    reads=Gauge(measure="likes_total", fresh_days=7),
)


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({"name": "Likes"}, "expected a name"),
        ({"name": "likes; drop table assets"}, "expected a name"),
        ({"name": "followers"}, "are taken"),
        ({"name": "watching"}, "are taken"),
        ({"name": "followers_source"}, "are taken"),
        ({"kinds": ()}, "expected kinds"),
        ({"kinds": ("person",)}, "expected kinds"),
        ({"unit": Words(zh="", en="likes")}, "in Chinese and in English"),
        ({"meaning": Words(zh="获赞数", en="")}, "in Chinese and in English"),
        ({"reads": Gauge(measure="posts", fresh_days=7)}, "other than posts"),
        ({"reads": Gauge(measure="Likes'", fresh_days=7)}, "expected a measure"),
        ({"reads": Gauge(measure="likes", fresh_days=-1)}, "0 to 366 fresh days"),
    ],
)
def test_a_signal_that_cannot_be_read_is_refused_by_its_name(declared: dict[str, object], reason: str) -> None:
    signal = replace(LIKES, **declared)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"{signal.name}.*{reason}"):
        catalogue.check([*SIGNALS, signal])


def test_a_signal_of_a_free_name_is_taken() -> None:
    catalogue.check([*SIGNALS, LIKES])


@pytest.mark.parametrize("name", BY_NAME)
def test_a_condition_may_read_every_signal(name: str) -> None:
    assert condition(f"{name} > 0").signals == (name,)


def test_usage_takes_a_value_of_every_gauge_and_of_nothing_else() -> None:
    assert tuple(fold.GAUGES) == GAUGES
    shown = UsageRecord.model_json_schema()["properties"]["measure"]["description"]
    assert shown.endswith(f"a gauge: {', '.join(GAUGES)}")


def test_a_reading_has_every_signal_in_the_order_of_the_catalogue() -> None:
    row = {column: None for signal in SIGNALS for column in catalogue.columns(signal)}
    row |= {signal.name: number for number, signal in enumerate(SIGNALS)}
    row |= {f"{signal.name}_source": f"of {signal.name}" for signal in SIGNALS}
    row |= {f"{signal.name}_as_of": date(2026, 1, 1 + number) for number, signal in enumerate(SIGNALS)}
    read = reading({**row, "asset_id": uuid4(), "watching": None, "blind": None, "agents": ["i|a"]})
    assert [(s.name, s.value, s.source, s.as_of) for s in read.signals] == [
        (signal.name, number, f"of {signal.name}", date(2026, 1, 1 + number)) for number, signal in enumerate(SIGNALS)
    ]
    assert (read.watching, read.blind, read.agents) == ((), (), ("i|a",))


def test_the_statement_reads_a_new_gauge_and_takes_all_values_as_parameters() -> None:
    made = compose(store.BASE, [], [*SIGNALS, LIKES])
    assert "gauge_likes.value AS likes" in made.sql
    assert made.declared["gauges"] == ["posts_total", "followers", "likes"]
    assert made.declared["measures"] == ["posts_total", "followers", "likes_total"]
    assert made.declared["fresh_days"] == [35, 35, 7]
    assert "likes_total" not in made.sql
    numbers = [f"CAST(${number} AS {kind.upper()})" for number, kind in enumerate(PARAMETERS.values(), start=1)]
    assert all(number in made.sql for number in numbers)
    assert f"${len(PARAMETERS) + 1}" not in made.sql
    assert made.arguments(assets=[], day=date(2026, 1, 1), healthy=["s"])[:3] == [[], date(2026, 1, 1), ["s"]]


def test_the_page_of_the_documentation_is_the_catalogue() -> None:
    assert (ROOT / "docs" / "architecture" / "monitor" / "signals-in-use.md").read_text("utf-8") == catalogue.page()
