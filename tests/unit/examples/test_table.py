"""What the closing table and the digest promise."""

from pathlib import Path

import pytest
import table
from digest import Exclusions


def numbers() -> dict[str, int]:
    return dict.fromkeys(table.TITLES, 7)


def test_every_number_the_story_asks_for_has_its_line() -> None:
    asked = (
        "recorded",
        "added",
        "gone",
        "restored to the register",
        "watched",
        "flagged",
        "unknown (account-days)",
        "noticed",
        "undelivered",
        "kept",
        "held",
        "closed and verified",
        "unverified",
        "restored",
    )
    assert set(asked) <= set(table.TITLES)


def test_a_difference_is_seen() -> None:
    found = table.lines(numbers() | {"kept": 8}, numbers())
    assert [line.name for line in found if not line.agrees] == ["kept"]


@pytest.mark.parametrize("side", [0, 1])
def test_a_number_that_one_side_lacks_or_nobody_knows_is_an_error(side: int) -> None:
    short = {name: n for name, n in numbers().items() if name != "kept"}
    with pytest.raises(KeyError, match="kept"):
        table.lines(*((short, numbers()) if side else (numbers(), short)))
    with pytest.raises(KeyError, match="surprise"):
        table.lines(numbers() | {"surprise": 1}, numbers())


def test_what_the_digest_leaves_out_says_why(tmp_path: Path) -> None:
    kept = Exclusions.read()
    assert "trace" in kept.of("decommission", "case_log")
    assert "seen" in kept.of("monitor", "inbox")
    assert not kept.of("registry", "assets")
    bare = tmp_path / "bare.yaml"
    bare.write_text("- {database: registry, table: assets, columns: [name], reason: because}")
    with pytest.raises(ValueError, match="says why"):
        Exclusions.read(bare)
