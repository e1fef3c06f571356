"""Every instrument is declared with its meaning, what it counts, and where the values of its labels come from."""

import importlib

import pytest

from libs.common.telemetry import metrics as plumbing
from libs.common.telemetry.instruments import counter, declared
from services import SERVICES

MODULES = [plumbing, *(importlib.import_module(f"services.{service}.metrics") for service in SERVICES)]


def test_all_are_listed_with_meaning_and_labels() -> None:
    assert MODULES
    listed = {each.name: each for each in declared()}
    assert {"jianfu_events_total", "jianfu_outbox_rows", "jianfu_kill_switch", "jianfu_sweep_seconds"} <= set(listed)
    for each in listed.values():
        assert each.meaning.endswith("."), each.name
        assert each.of, each.name
        assert all(each.labels.values()), each.name
    assert listed["jianfu_findings_total"].labels["what"] == "opened, cleared"


def test_a_name_is_declared_once() -> None:
    with pytest.raises(ValueError, match="jianfu_outbox_rows"):
        counter("jianfu_outbox_rows", "Again.", of="messages")
