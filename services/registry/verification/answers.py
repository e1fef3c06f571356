"""The answer to the public's question, in words and as data. Pure."""

from services.registry.tombstones.domain import KINDS, chosen, path_of
from services.registry.tombstones.schemas import Words
from services.registry.tombstones.wording import sponsor
from services.registry.verification.domain import Answer, PublicAsset
from services.registry.verification.schemas import Ending, Official, Verified

# The sentence about one asset, by its state; of several of one name, about the first.
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


def verified(answer: Answer, language: str) -> Verified:
    """The answer. `language` is what the reader asks for, as in Accept-Language."""
    assets = [_official(public, language) for public in answer.assets]
    first = assets[0] if assets else None
    alike = answer.status == "look_alike"
    listed = None if alike else first
    return Verified(
        status=answer.status,
        says=_says(answer),
        found_by=answer.by,
        platform=answer.asked_for.platform,
        identity=answer.asked_for.identity,
        asset_id=listed.asset_id if listed else None,
        name=listed.name if listed else None,
        address=listed.address if listed else None,
        sponsor=first.sponsor if first else None,
        since=first.since if first else None,
        tombstone=listed.closed.tombstone if listed and listed.closed else None,
        looks_like=first if alike else None,
        assets=[] if alike and answer.by == "address" else assets,
        more=answer.more,
    )


def _says(answer: Answer) -> Words:
    if not answer.assets:
        return Words(zh=UNKNOWN[0], en=UNKNOWN[1])
    public = answer.assets[0]
    zh, en = LOOK_ALIKE if answer.status == "look_alike" else SAYS[public.state]
    return Words(zh=_filled(zh, public, "zh"), en=_filled(en, public, "en"))


def _filled(text: str, public: PublicAsset, language: str) -> str:
    asset = public.asset
    return text.format(
        kind=KINDS[asset.kind][language != "zh"],
        name=asset.name,
        platform=asset.platform,
        address=asset.address,
        sponsor=chosen(public.names, language),
        since=public.since,
        why=_in(language, public.title or public.reason or ""),
    )


def _in(language: str, text: str) -> str:
    """Of `Chinese / English`, as packs write their texts, the one part; another text is shown whole."""
    zh, parted, en = text.partition(" / ")
    return text if not parted or " / " in en else zh if language == "zh" else en


def _official(public: PublicAsset, language: str) -> Official:
    asset = public.asset
    closed = None
    if public.state == "closed" and public.closed_on is not None and public.stopped_on is not None:
        closed = Ending(
            tombstone=path_of(asset.asset_id),
            stopped_on=public.stopped_on,
            closed_on=public.closed_on,
            rule=public.rule or "",
            title=public.title,
            basis=public.basis,
            reason=public.reason or "",
            successor=public.successor,
        )
    unit = sponsor(public.unit_id, public.names, language)
    return Official(
        asset_id=asset.asset_id,
        kind=asset.kind,
        platform=asset.platform,
        identity=asset.identity,
        address=asset.address,
        name=asset.name,
        state=public.state,
        since=public.since,
        sponsor=unit,
        closed=closed,
    )
