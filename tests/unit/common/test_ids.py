"""The same facts give the same id, so a repeat is recognised and a replay agrees (architecture 9.3)."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events import ids
from libs.common.ids import derive

PART = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1f"), max_size=12)
PARTS = st.lists(PART, min_size=1, max_size=5)


@given(PARTS, PARTS)
def test_different_facts_differ(one: list[str], other: list[str]) -> None:
    """No two lists of parts meet in one id, wherever the borders between the parts fall."""
    assert (derive(*one) == derive(*other)) == (one == other)


@given(PART, PART)
def test_the_separator_is_refused(before: str, after: str) -> None:
    """A part that held the separator could be taken for two."""
    with pytest.raises(ValueError, match=r"U\+001F"):
        derive("asset", f"{before}\x1f{after}")


def test_ids_never_change() -> None:
    """Ids stand in databases, on topics and in case files of years ago; these are theirs."""
    asset = ids.asset_id("account", "x", "gov")
    assert asset == UUID("0c1bf0af-d292-51f7-9287-f6537a55e37c")
    assert ids.asset_id("account", "x", "gov", 2) == UUID("002aaaa4-1326-5515-bdaf-a9860e8139da")
    assert ids.unit_id("cn-uscc", "11100000000013338W") == UUID("ae970e14-477b-5738-998e-9cd6a7abe6a4")
    assert ids.finding_id(asset, "C15", 1) == UUID("cc9bf5e3-d7e6-5152-9fd1-8cf5bd08b88e")
    assert ids.case_id(asset, 1) == UUID("075c2b62-d02a-5878-9d1e-11773c84b705")
    assert ids.event_id("asset.registered", str(asset), 1) == UUID("2620c492-ccdd-563a-9eed-f06b13f77ad4")
