"""What the public question answers: in words, and as data. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from libs.common import days
from services.registry.verification.usecases import Found, Told
from services.registry.verification.words import Ending, Official, Sponsor, SponsorName, Tombstone, Verified, Words

KINDS = {"account": ("账号", "account"), "app": ("应用", "app"), "group": ("群组", "group")}
# What is said of one asset, by its state; of several of one name, of the first.
SAYS = {
    "official": (
        "官方{kind}:{name}({platform}),主办单位为{sponsor},自 {since} 起在册并运行。",
        "Official: the {kind} {name} ({platform}) is run by {sponsor}, listed and running since {since}.",
    ),
    "suspended": (
        "已停用:{sponsor}的{kind} {name}({platform})自 {since} 起停用,目前不是官方{kind}。",
        "Suspended: the {kind} {name} ({platform}) of {sponsor} has been stopped since {since}. "
        "It is not official now.",
    ),
    "gone": (
        "已消失:{sponsor}的{kind} {name}({platform})自 {since} 起不再列入其来源,目前不是官方{kind}。",
        "Gone: its source has not listed the {kind} {name} ({platform}) of {sponsor} since {since}. "
        "It is not official now.",
    ),
    "closed": (
        "已关停:{sponsor}的{kind} {name}({platform})已于 {since} 关停,原因:{why}。今后以此名义出现的均非官方。",
        "Closed: the {kind} {name} ({platform}) of {sponsor} was closed on {since}; {why}. Whatever appears as it is "
        "not official.",
    ),
    "unknown": (
        "不能确认:{sponsor}的{kind} {name}({platform})在册,但未在运行。",
        "Not confirmed: the {kind} {name} ({platform}) of {sponsor} is on record and does not run.",
    ),
}
LOOK_ALIKE = (
    "不是官方:只是看上去与{sponsor}的 {name}({address})相同,实际不同。",
    "Not official: it only looks like {name} ({address}) of {sponsor} and is another.",
)
UNKNOWN = ("登记中没有,不能确认是官方。", "The register does not hold it: nothing says that it is official.")


def verified(found: Found, language: str) -> Verified:
    """The answer. `language` is what the reader asks for, as in Accept-Language."""
    assets = [_official(told, language) for told in found.assets]
    first = assets[0] if assets else None
    alike = found.status == "look_alike"
    listed = None if alike else first
    return Verified(
        status=found.status,
        says=_says(found),
        found_by=found.by,
        platform=found.what.platform,
        identity=found.what.identity,
        asset_id=listed.asset_id if listed else None,
        name=listed.name if listed else None,
        address=listed.address if listed else None,
        sponsor=first.sponsor if first else None,
        since=first.since if first else None,
        tombstone=listed.closed.tombstone if listed and listed.closed else None,
        looks_like=first if alike else None,
        assets=[] if alike and found.by == "address" else assets,
        more=found.more,
    )


def _says(found: Found) -> Words:
    if not found.assets:
        return Words(zh=UNKNOWN[0], en=UNKNOWN[1])
    told = found.assets[0]
    zh, en = LOOK_ALIKE if found.status == "look_alike" else SAYS[told.state]
    return Words(zh=_filled(zh, told, "zh"), en=_filled(en, told, "en"))


def _filled(text: str, told: Told, language: str) -> str:
    asset = told.asset
    return text.format(
        kind=KINDS[asset.kind][language != "zh"],
        name=asset.name,
        platform=asset.platform,
        address=asset.address,
        sponsor=chosen(told.names, language),
        since=told.since,
        why=_in(language, told.title or told.reason or ""),
    )


def _in(language: str, text: str) -> str:
    """Of `Chinese / English`, as packs write their texts, the one part; a text that is not so is told whole."""
    zh, parted, en = text.partition(" / ")
    return text if not parted or " / " in en else zh if language == "zh" else en


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
    unit = _sponsor(fields.pop("unit_id"), names or [("und", f"{fields['scheme']}:{fields['value']}")], language)
    return Tombstone(**fields, unit=unit, next=Words(zh=zh.format(**given), en=en.format(**given)))


def _sponsor(unit_id: UUID, names: Sequence[tuple[str, str]], language: str) -> Sponsor:
    shown = [SponsorName(language=tag, text=text) for tag, text in names]
    return Sponsor(unit_id=unit_id, name=chosen(names, language), names=shown)


def chosen(names: Sequence[tuple[str, str]], language: str) -> str:
    """The name of a unit for a reader of a language: one in it, or in Chinese, or in English, or the first."""
    for wanted in (language.lower()[:2], "zh", "en"):
        for tag, text in names:
            if wanted and tag.lower().startswith(wanted):
                return text
    return names[0][1]


def _official(told: Told, language: str) -> Official:
    asset = told.asset
    closed = None
    if told.state == "closed" and told.closed_on is not None and told.stopped_on is not None:
        closed = Ending(
            tombstone=f"/registry/v1/tombstones/{asset.asset_id}",
            stopped_on=told.stopped_on,
            closed_on=told.closed_on,
            rule=told.rule or "",
            title=told.title,
            basis=told.basis,
            reason=told.reason or "",
            successor=told.successor,
        )
    sponsor = _sponsor(told.unit_id, told.names, language)
    return Official(
        asset_id=asset.asset_id,
        kind=asset.kind,
        platform=asset.platform,
        identity=asset.identity,
        address=asset.address,
        name=asset.name,
        state=told.state,
        since=told.since,
        sponsor=sponsor,
        closed=closed,
    )
