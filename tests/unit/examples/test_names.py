"""Two who never met: the example's identity and names beside the product's, over every line of the real input."""

import names
import register

from libs.common.events import ids
from services.registry.identity.canonical import canonical


def test_the_registry_reads_every_real_address_as_the_example_does() -> None:
    rows = [*register.read_register(), *register.read_changes()]
    assert len(rows) == 2022
    for row in rows:
        found = canonical("account", row.platform, row.url)
        assert (found.platform, found.identity) == row.identity, row.url


def test_names_made_apart_are_the_same() -> None:
    asset = ids.asset_id("account", "x", "somebody")
    assert names.asset_id(("x", "somebody")) == str(asset)
    assert names.case_id(str(asset), 2) == str(ids.case_id(asset, 2))
