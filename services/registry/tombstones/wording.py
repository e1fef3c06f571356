"""The tombstone of a closed asset in words, from its row. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from libs.common import days
from services.registry.tombstones.domain import chosen
from services.registry.tombstones.schemas import Sponsor, SponsorName, Tombstone, Words

NEXT = (
    "今后以此名义出现的均非官方;档案已留存。{until} 之前不予重新登记;如重新开通,另行登记并在此说明。",
    "Whatever appears as it from now on is not official; its archive is kept. It is not recorded again before {until}; "
    "should it be reopened, that is another record, and is told here.",
)
REOPENED = (
    "已重新登记为另一对象({asset_id}),是否官方请查询其地址;档案已留存。",
    "It was recorded again as another asset ({asset_id}): ask whether that is official. Its archive is kept.",
)


def tombstone(row: Mapping[str, Any], language: str, *, reopen_days: int) -> Tombstone:
    """A tombstone in full, from its row."""
    fields = dict(row)
    names = [(name["language"], name["text"]) for name in json.loads(fields.pop("names"))]
    zh, en = NEXT if fields["reopened_as"] is None else REOPENED
    given = {"until": days.later(fields["closed_on"], reopen_days), "asset_id": fields["reopened_as"]}
    unit = sponsor(fields.pop("unit_id"), names or [("und", f"{fields['scheme']}:{fields['value']}")], language)
    return Tombstone(**fields, unit=unit, next=Words(zh=zh.format(**given), en=en.format(**given)))


def sponsor(unit_id: UUID, names: Sequence[tuple[str, str]], language: str) -> Sponsor:
    """The unit that answers for an asset, with all its names as (language, text)."""
    shown = [SponsorName(language=tag, text=text) for tag, text in names]
    return Sponsor(unit_id=unit_id, name=chosen(names, language), names=shown)
