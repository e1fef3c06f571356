"""What the registry decides of assets: declared, delisted, moved by a case; how many may vanish in a day. Pure."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common import days
from libs.common.errors import Invalid, VersionConflict
from libs.common.events import ids
from libs.common.events.intake import AssetCorrected, AssetDeclared, Kind, UnitRef
from libs.common.events.registry import RecordState, RunningState
from libs.common.security.visible import visible
from services.registry.assets.transitions import IllegalTransition, move
from services.registry.identity.canonical import Canonical
from services.registry.refusals import AnotherSource, DuplicateAsset, ReopenTooEarly, UnknownAsset
from services.registry.units import codes

Outcome = Literal["registered", "amended", "unchanged", "gone", "restored", "held", "duplicate", "outdated"]


EASTERNMOST = ZoneInfo("Pacific/Kiritimati")  # where a day begins first, 14 hours before UTC


@dataclass(frozen=True, slots=True)
class Policy:
    """What the deployment decides: how many may vanish in a day, and how long a closed asset stays closed.

    `guard_limits` overrides the share and floor for a source by a number of assets; 0 holds all. Days are of `zone`.
    """

    guard_share: float = 0.05
    guard_floor: int = 5
    reopen_after: timedelta = timedelta(days=365)  # calendar days
    guard_limits: Mapping[str, int] = field(default_factory=dict)
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Asset:
    """The current record of an asset: `record` is the paper, `running` the thing itself.

    `stated_on` is the latest day of which its source has spoken; it moves without a new version.
    """

    asset_id: UUID
    version: int
    kind: Kind
    platform: str
    identity: str
    incarnation: int
    address: str
    name: str
    language: str
    sponsor_id: UUID
    record: RecordState
    running: RunningState
    source: str
    listed_on: date
    opened_on: date | None
    changed_at: datetime
    stated_on: date = date.min

    @property
    def previous_id(self) -> UUID | None:
        """The closed asset that this one reopens."""
        if self.incarnation == 1:
            return None
        return ids.asset_id(self.kind, self.platform, self.identity, self.incarnation - 1)


@dataclass(frozen=True, slots=True)
class Facts:
    """What one declaration says of an asset, in canonical form."""

    kind: Kind
    what: Canonical
    address: str
    name: str
    language: str
    sponsor_id: UUID
    source: str
    on: date
    opened_on: date | None


def facts(told: AssetDeclared | AssetCorrected, what: Canonical, sponsor_id: UUID, *, now: datetime) -> Facts:
    """A declaration in canonical form. Raises Invalid on a blank name, control characters or a day to come."""
    return Facts(
        told.kind, what, clean("address", told.address), shown("name", told.name), language_tag(told.language),
        sponsor_id, clean("source", told.source), told.on, _opened(told.opened_on, now=now),
    )  # fmt: skip


def declare(
    held: Asset | None, facts: Facts, *, now: datetime, reopen_after: timedelta, permitted: bool = False,
    zone: tzinfo = UTC,
) -> tuple[Asset, Outcome]:  # fmt: skip
    """What a source's declaration does: `outdated` when it is of an earlier day than the source's last word.

    Raises DuplicateAsset when another source lists the asset, ReopenTooEarly when it was closed lately and no operator
    has permitted its reopening; its days are those of `zone`.
    """
    if held is None:
        return _new(facts, 1, now), "registered"
    if held.source == facts.source and facts.on < held.stated_on:
        return held, "outdated"
    if held.record == "closed":
        closed_on = days.of(held.changed_at, zone)
        until = days.later(closed_on, reopen_after.days)
        if days.of(now, zone) < until and not permitted:
            raise ReopenTooEarly(field="address", closed_on=closed_on, until=until)
        return _new(facts, held.incarnation + 1, now), "registered"
    if held.source != facts.source and held.running != "gone":
        raise DuplicateAsset(field="address", twin=held.asset_id, source=held.source)
    stated = replace(
        held, address=facts.address, name=facts.name, language=facts.language, sponsor_id=facts.sponsor_id,
        source=facts.source, opened_on=facts.opened_on or held.opened_on, stated_on=facts.on,
    )  # fmt: skip
    if held.running == "gone":
        return _moved(stated, "relist", now), "restored"
    same = replace(held, stated_on=facts.on) == stated
    return (stated, "unchanged") if same else (_next(stated, now), "amended")


def delist(
    held: Asset | None, what: Canonical, source: str, *, now: datetime, on: date | None = None
) -> tuple[Asset, Outcome]:
    """What it does that a source no longer lists an asset: gone, never closed. Raises UnknownAsset, AnotherSource.

    `on` is the day of which the source says so, None where a person decides.
    """
    if held is None or held.record == "closed":
        raise UnknownAsset(field="address", platform=what.platform, identity=what.identity)
    if held.source == source and on is not None:
        if on < held.stated_on:
            return held, "outdated"
        held = replace(held, stated_on=on)
    if held.running == "gone":
        return held, "unchanged"
    if held.source != source:
        raise AnotherSource(field="source", accepted=held.source, owner=held.source, source=source)
    return _moved(held, "delist", now), "gone"


def amend(
    held: Asset, version: int, *, name: str | None, language: str | None, opened_on: date | None, now: datetime
) -> Asset:
    """Correct facts that do not touch identity. Raises Invalid, VersionConflict, IllegalTransition on a closed record.

    The same correction once more, by a caller whose answer was lost, is no conflict.
    """
    if held.record == "closed":
        raise IllegalTransition(state=held.record, event="amend")
    facts = replace(
        held,
        name=shown("name", name) if name else held.name,
        language=language_tag(language) if language else held.language,
        opened_on=_opened(opened_on, now=now) or held.opened_on,
    )
    if facts == held and version in (held.version, held.version - 1):
        return held
    if version != held.version:
        raise VersionConflict(field="If-Match", accepted=f'"{held.version}"', current=held.version)
    return _next(facts, now)


def stopped(asset: Asset, *, now: datetime) -> Asset:
    """A case stopped the asset; it may still come back."""
    return _moved(asset, "stop", now)


def resumed(asset: Asset, *, now: datetime) -> Asset:
    """A case gave the asset back; one that is gone stays so, and one that is back already is left alone."""
    after = _moved(asset, "resume", now)
    return asset if after.running == asset.running else after


def closed(asset: Asset, *, now: datetime) -> Asset:
    """A case ended in the asset's verified closure."""
    return _moved(asset, "close", now)


def guard_limit(listed: int, source: str, policy: Policy) -> int:
    """How many of a source's assets may vanish in a rolling day; 0 holds every disappearance.

    A number set for this source, or a share of what it lists with a floor.
    """
    stated = policy.guard_limits.get(source)
    return stated if stated is not None else max(policy.guard_floor, int(listed * policy.guard_share))


def has_come(on: date, *, now: datetime, field: str = "on") -> date:
    """A day of which a source can speak: today anywhere on earth, or earlier. Raises Invalid.

    One far ahead would outdate all that the source says until then.
    """
    if on > (latest := days.of(now, EASTERNMOST)):
        why = (f"{field}:{on} 尚未到来", f"{field}: {on} has not come yet")
        raise Invalid(field=field, accepted=f"a day not after {latest}", why=why)
    return on


def _opened(on: date | None, *, now: datetime) -> date | None:
    """A day of opening to come would excuse an asset's silence until then."""
    return None if on is None else has_come(on, now=now, field="opened_on")


def clean(field: str, text: str) -> str:
    """NFC with blanks collapsed. Raises Invalid when nothing is left, or on control characters and half characters."""
    kept = " ".join(unicodedata.normalize("NFC", text).split())
    if not kept or any(unicodedata.category(c) in ("Cc", "Cs") for c in kept):
        why = (f"{field} 为空或无法读取", f"{field} is blank or unreadable")
        raise Invalid(field=field, accepted="text without control characters", why=why)
    return kept


def shown(field: str, text: str) -> str:
    """A name for showing: as `clean`, without what is invisible or turns the direction of reading. Raises Invalid."""
    return clean(field, visible(text))


def unit_key(text: str) -> str:
    """A unit's code in the form in which it is compared: NFC, blanks collapsed, without case. Raises Invalid."""
    return unicodedata.normalize("NFC", clean("unit", text).casefold())


def unit_code(scheme: str, value: str, *, field: str = "code") -> tuple[str, str]:
    """A unit's code as it is recorded: scheme and value. Raises Invalid for one that its scheme does not allow."""
    return codes.valid(clean("scheme", scheme), clean("unit", value), field=field)


def unit_id(ref: UnitRef) -> UUID:
    """The id of the unit that a source names. Raises Invalid as `unit_code` does."""
    scheme, value = unit_code(ref.scheme, ref.value)
    return ids.unit_id(scheme, unit_key(value))


LANGUAGES = {
    "english": "en", "anglais": "en", "français": "fr", "french": "fr", "bilingual": "mul", "bilingue": "mul",
    "chinese": "zh", "中文": "zh", "汉语": "zh", "英文": "en", "英语": "en", "双语": "mul",
}  # fmt: skip


def language_tag(text: str) -> str:
    """A language as a BCP 47 tag; `mul` for several, `und` where nothing is said or nothing is understood."""
    word = unicodedata.normalize("NFC", text).strip().lower()
    if word in LANGUAGES:
        return LANGUAGES[word]
    first, *rest = word.split("-")
    wellformed = first.isascii() and first.isalpha() and 2 <= len(first) <= 3
    return word if wellformed and all(part.isascii() and part.isalnum() for part in rest) else "und"


def _new(facts: Facts, incarnation: int, now: datetime) -> Asset:
    what = facts.what
    return Asset(
        ids.asset_id(facts.kind, what.platform, what.identity, incarnation), 1, facts.kind, what.platform,
        what.identity, incarnation, facts.address, facts.name, facts.language, facts.sponsor_id, "draft", "online",
        facts.source, facts.on, facts.opened_on, now, facts.on,
    )  # fmt: skip


def _moved(asset: Asset, event: str, now: datetime) -> Asset:
    record, running = move(asset.record, asset.running, event)
    return _next(replace(asset, record=record, running=running), now)


def _next(asset: Asset, now: datetime) -> Asset:
    return replace(asset, version=asset.version + 1, changed_at=now)
