"""The names that services share are those of the registry's tables and of the monitor's packs."""

from libs.common.events.known import PLATFORMS, RULES
from services.monitor.deps import rules_of
from services.registry.platforms.names import USUAL


def test_the_known_platforms_are_those_of_the_registrys_tables() -> None:
    assert set(USUAL) == PLATFORMS


def test_the_known_rules_are_those_of_the_packs() -> None:
    assert set(rules_of().rules) == RULES
