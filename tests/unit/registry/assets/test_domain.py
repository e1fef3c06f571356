"""The two axes of an asset's state, declarations, disappearances and the guard's arithmetic."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from libs.common.errors import DomainError, Invalid
from services.registry.assets import domain
from services.registry.assets.domain import Asset, Declared, DuplicateAsset, Facts, ReopenTooEarly, UnknownAsset
from services.registry.assets.transitions import IllegalTransition
from services.registry.identity.canonical import Canonical

NOW = datetime(2025, 6, 1, 4, tzinfo=UTC)
UNIT = UUID(int=1)
YEAR = timedelta(days=365)


def facts(name: str = "a", source: str = "list") -> Declared:
    stated = Facts(address="https://x.com/a", name=name, language="en", sponsor_id=UNIT, source=source, opened_on=None)
    identity = Canonical(platform="x", identity="a")
    return Declared(kind="account", identity=identity, on=date(2025, 6, 1), facts=stated)


def recorded() -> Asset:
    return domain.declare(None, facts(), now=NOW, reopen_after=YEAR)[0]


def test_a_declaration_registers_then_changes_nothing_then_amends() -> None:
    asset, outcome = domain.declare(None, facts(), now=NOW, reopen_after=YEAR)
    assert (outcome, asset.version, asset.running) == ("registered", 1, "online")
    assert domain.declare(asset, facts(), now=NOW, reopen_after=YEAR) == (asset, "unchanged")
    amended, outcome = domain.declare(asset, facts("b"), now=NOW, reopen_after=YEAR)
    assert (outcome, amended.version, amended.name) == ("amended", 2, "b")


def test_another_source_is_refused_and_shown_the_twin() -> None:
    with pytest.raises(DuplicateAsset) as refused:
        domain.declare(recorded(), facts(source="other"), now=NOW, reopen_after=YEAR)
    assert str(recorded().asset_id) in refused.value.text.zh


def test_a_removal_is_gone_and_a_return_is_the_same_record() -> None:
    asset = recorded()
    gone, outcome = domain.delist(asset, Canonical(platform="x", identity="a"), "list", now=NOW)
    assert (outcome, gone.running, gone.record) == ("gone", "gone", "draft")
    back, outcome = domain.declare(gone, facts(), now=NOW, reopen_after=YEAR)
    assert (outcome, back.asset_id, back.running, back.version) == ("restored", asset.asset_id, "online", 3)


def test_a_closure_is_dated_as_it_was_where_it_happened() -> None:
    closed = domain.closed(recorded(), now=datetime(2025, 6, 1, 22, tzinfo=UTC))
    for zone, day in ((UTC, "06-01"), (ZoneInfo("Asia/Shanghai"), "06-02")):
        with pytest.raises(ReopenTooEarly) as refused:
            domain.declare(closed, facts(), now=NOW + timedelta(days=3), reopen_after=YEAR, zone=zone)
        assert f"2025-{day}" in refused.value.text.en
        assert f"2026-{day}" in refused.value.text.zh


def test_a_closed_asset_comes_back_only_as_a_new_record_after_its_cooldown() -> None:
    closed = domain.closed(recorded(), now=NOW)
    with pytest.raises(ReopenTooEarly):
        domain.declare(closed, facts(), now=NOW + timedelta(days=364), reopen_after=YEAR)
    again, outcome = domain.declare(closed, facts(), now=NOW + timedelta(days=366), reopen_after=YEAR)
    assert (outcome, again.incarnation) == ("registered", 2)
    assert again.asset_id != closed.asset_id
    with pytest.raises(UnknownAsset):
        domain.delist(closed, Canonical(platform="x", identity="a"), "list", now=NOW)


class Life(RuleBasedStateMachine):
    """Any order of events: versions only grow, closed is for ever, a closed asset does not run."""

    def __init__(self) -> None:
        super().__init__()
        self.asset = recorded()
        self.was_closed = False

    @rule(event=st.sampled_from(["declare", "amend", "delist", "stop", "resume", "close"]))
    def happens(self, event: str) -> None:
        before = self.asset
        acts = {
            "declare": lambda: domain.declare(before, facts(), now=NOW, reopen_after=YEAR)[0],
            "amend": lambda: domain.declare(before, facts("b"), now=NOW, reopen_after=YEAR)[0],
            "delist": lambda: domain.delist(before, Canonical(platform="x", identity="a"), "list", now=NOW)[0],
            "stop": lambda: domain.stopped(before, now=NOW),
            "resume": lambda: domain.resumed(before, now=NOW),
            "close": lambda: domain.closed(before, now=NOW),
        }
        try:
            self.asset = acts[event]()
        except DomainError:
            self.asset = before
        assert self.asset == before or self.asset.version == before.version + 1
        assert self.asset.asset_id == before.asset_id
        if self.was_closed:
            assert self.asset == before
        self.was_closed = self.asset.record == "closed"

    @invariant()
    def closed_things_do_not_run(self) -> None:
        assert self.asset.record != "closed" or self.asset.running == "offline"


TestLife = Life.TestCase


def test_amending_needs_the_version_that_was_read() -> None:
    asset = replace(recorded(), version=3)
    for version in (1, 2, 4):
        with pytest.raises(DomainError, match="version is 3"):
            domain.amend(asset, version, name="b", language=None, opened_on=None, now=NOW)
    amended = domain.amend(asset, 3, name=" b  c ", language="Français", opened_on=None, now=NOW)
    assert (amended.version, amended.name, amended.language) == (4, "b c", "fr")
    again = domain.amend(amended, 3, name="b c", language="fr", opened_on=None, now=NOW)
    assert again == amended, "the same correction by a caller whose answer was lost"
    with pytest.raises(IllegalTransition):
        domain.amend(domain.closed(asset, now=NOW), 4, name="x", language=None, opened_on=None, now=NOW)


def test_an_opening_cannot_be_moved_into_the_future() -> None:
    """It would end a finding of silence, and keep the next one away until then. East of us it may be tomorrow."""
    asset = recorded()
    today, tomorrow = NOW.date(), NOW.date() + timedelta(days=1)
    with pytest.raises(Invalid) as refused:
        domain.amend(asset, 1, name=None, language=None, opened_on=tomorrow, now=NOW)
    assert (refused.value.field, refused.value.accepted) == ("opened_on", f"a day not after {today}")
    for now, day in ((NOW, today), (NOW + timedelta(hours=7), tomorrow)):
        assert domain.amend(asset, 1, name=None, language=None, opened_on=day, now=now).opened_on == day


def test_what_a_case_does_to_an_asset_that_its_source_dropped() -> None:
    gone, _ = domain.delist(domain.stopped(recorded(), now=NOW), Canonical(platform="x", identity="a"), "list", now=NOW)
    assert domain.resumed(gone, now=NOW) is gone, "given back by the case, yet its source does not list it"
    back, _ = domain.declare(gone, facts(), now=NOW, reopen_after=YEAR)
    assert domain.resumed(back, now=NOW) is back
    assert domain.closed(gone, now=NOW).running == "offline"


def test_a_new_life_names_the_old_one() -> None:
    old = domain.closed(recorded(), now=NOW)
    new, _ = domain.declare(old, facts(source="other"), now=NOW, reopen_after=YEAR, permitted=True)
    assert (new.incarnation, new.previous_id, new.version) == (2, old.asset_id, 1)
    assert recorded().previous_id is None
