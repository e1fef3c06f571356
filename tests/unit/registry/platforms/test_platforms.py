"""Each platform reads its own file of test data: addresses and their identities, or a refusal."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from libs.common.events.intake import Kind
from services.registry.identity.canonical import UnreadableAddress, canonical
from services.registry.platforms.names import ANYWHERE, platform_name
from services.registry.platforms.table import PLATFORMS

DATA = Path(__file__).parents[4] / "tests" / "data" / "platforms"


def identity(kind: Kind, platform: str, address: str) -> str:
    try:
        return "|".join(canonical(kind, platform, address).key)
    except UnreadableAddress:
        return "refused"


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_a_platform_reads_its_addresses_and_refuses_others(platform: object) -> None:
    name = platform.name  # type: ignore[attr-defined]
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert identity(row["kind"], row["platform"], row["address"]) == row["expected"], row  # type: ignore[arg-type]
    assert {row["expected"].startswith(f"{name}|") for row in rows} == {True, False}, "one that is read, one refused"


def test_every_file_of_test_data_is_of_a_platform() -> None:
    assert {file.stem for file in DATA.iterdir()} == {platform.name for platform in PLATFORMS}


def test_each_name_in_lists_means_one_platform() -> None:
    usual = [name for platform in PLATFORMS for name in {platform.name, *platform.usual.split("|")} - {""}]
    usual += [name for platform, known in ANYWHERE.items() for name in {platform, *known.split("|")}]
    assert [name for name, count in Counter(usual).items() if count > 1] == []
    for platform in PLATFORMS:
        for name in filter(None, platform.usual.split("|")):
            assert platform_name(name) == platform.name, name
    assert len({platform.name for platform in PLATFORMS}) == len(PLATFORMS)
