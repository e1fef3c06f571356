"""Decisions on one asset: declare, delist, correct, and follow a case. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common import days
from libs.common.errors import DomainError, Invalid, VersionConflict
from libs.common.events import ids
from libs.common.events.intake import AssetCorrected, AssetDeclared, Kind
from libs.common.events.registry import RecordState, RunningState
from libs.common.text import Text
from services.registry.assets.transitions import IllegalTransition, move
from services.registry.identity.canonical import Canonical
from services.registry.spelling.languages import language_tag
from services.registry.spelling.texts import clean, shown

Key = tuple[Kind, str, str]  # kind, platform, identity
Outcome = Literal["registered", "amended", "unchanged", "gone", "restored", "held", "duplicate", "outdated"]


# Why a declaration changed nothing, in Chinese and in English.
OUTDATED = Text("来源已就更晚的日期申报过,未作更改", "the source has spoken of a later day: nothing is done")
EASTERNMOST = ZoneInfo("Pacific/Kiritimati")  # where a day begins first, 14 hours before UTC


class DuplicateAsset(DomainError):
    """The same asset is recorded once; the error names its twin."""

    code = "duplicate_asset"
    kind = "conflict"
    says = Text(
        "该对象已登记:{twin}(来源 {source})。", "This asset is recorded already: {twin} (by the source {source})."
    )


class UnknownAsset(DomainError):
    """A source delists an asset that is not in the register."""

    code = "unknown_asset"
    kind = "refused"
    says = Text("登记中没有该对象:{platform} {identity}。", "The register holds no such asset: {platform} {identity}.")


class AnotherSource(DomainError):
    """Only the source that lists an asset may say that it is gone."""

    code = "another_source"
    kind = "refused"
    says = Text(
        "该对象由来源 {owner} 登记,来源 {source} 不能将其移除。",
        "The asset is listed by the source {owner}; {source} cannot delist it.",
    )


class ReopenTooEarly(DomainError):
    """A closed asset may come back only as a new record, after a cooldown (rules A-09, by analogy)."""

    code = "reopen_cooldown"
    kind = "refused"
    says = Text(
        "该对象已于 {closed_on} 关停,{until} 之前不得重新登记;确有必要的,由管理人员说明理由后准予。",
        "The asset was closed on {closed_on}; not to be recorded again before {until}, unless an operator permits.",
    )


class NotClosed(DomainError):
    """Only a closed asset can be reopened."""

    code = "not_closed"
    kind = "refused"
    says = Text(
        "对象 {asset_id} 未关停,无需重新登记许可。", "The asset {asset_id} is not closed: there is nothing to reopen."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Settings of the deployment: how many assets may vanish in a day, how long a closed asset stays closed.

    `guard_limits` overrides the share and floor for a source by a number of assets; 0 holds all. Days are of `zone`.
    """

    guard_share: float = 0.05
    guard_floor: int = 5
    reopen_after: timedelta = timedelta(days=365)  # calendar days
    guard_limits: Mapping[str, int] = field(default_factory=dict)
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """The current record of an asset: `record` is the paper, `running` the running asset itself.

    Its fields are the columns of the table, by the same names. `stated_on` is the latest day of which its source has
    spoken; it moves without a new version.
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

    @property
    def canonical(self) -> Canonical:
        """The platform and identity, as read from an address."""
        return Canonical(platform=self.platform, identity=self.identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts of one declaration that a later one may change, in canonical form.

    Each is a field of the record under the same name: `recorded` copies them without listing them.
    """

    address: str
    name: str
    language: str
    sponsor_id: UUID
    source: str
    opened_on: date | None

    def recorded(self) -> Mapping[str, object]:
        """The facts by their names, without those that the declaration leaves open."""
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One declaration: which asset a source lists, of which day it speaks, and the facts it states."""

    kind: Kind
    identity: Canonical
    on: date
    facts: Facts


def declaration(
    event: AssetDeclared | AssetCorrected, identity: Canonical, sponsor_id: UUID, *, now: datetime
) -> Declared:
    """A declaration in canonical form. Raises Invalid on a blank name, control characters or a day to come."""
    facts = Facts(
        address=clean("address", event.address),
        name=shown("name", event.name),
        language=language_tag(event.language),
        sponsor_id=sponsor_id,
        source=clean("source", event.source),
        opened_on=_opened(event.opened_on, now=now),
    )
    return Declared(kind=event.kind, identity=identity, on=event.on, facts=facts)


def declare(
    current: Asset | None,
    declared: Declared,
    *,
    now: datetime,
    reopen_after: timedelta,
    permitted: bool = False,
    zone: tzinfo = UTC,
) -> tuple[Asset, Outcome]:
    """Apply a source's declaration; the outcome is `outdated` when the source has spoken of a later day before.

    Days are those of `zone`.

    Raises:
        DuplicateAsset: another source lists the asset.
        ReopenTooEarly: the asset was closed lately and no operator has permitted its reopening.
    """
    facts = declared.facts
    if current is None:
        return _registered(declared, 1, now), "registered"
    if current.source == facts.source and declared.on < current.stated_on:
        return current, "outdated"
    if current.record == "closed":
        closed_on = days.of(current.changed_at, zone)
        until = days.later(closed_on, reopen_after.days)
        if days.of(now, zone) < until and not permitted:
            raise ReopenTooEarly(field="address", closed_on=closed_on, until=until)
        return _registered(declared, current.incarnation + 1, now), "registered"
    if current.source != facts.source and current.running != "gone":
        raise DuplicateAsset(field="address", twin=current.asset_id, source=current.source)
    stated: Asset = replace(current, **facts.recorded(), stated_on=declared.on)  # type: ignore[arg-type]
    if current.running == "gone":
        return _moved(stated, "relist", now), "restored"
    same = replace(current, stated_on=declared.on) == stated
    return (stated, "unchanged") if same else (_next(stated, now), "amended")


def delist(
    current: Asset | None, identity: Canonical, source: str, *, now: datetime, on: date | None = None
) -> tuple[Asset, Outcome]:
    """Apply a delisting: the asset becomes `gone`, never `closed`. Raises UnknownAsset, AnotherSource.

    `on` is the day that the source states, None where a person decides.
    """
    if current is None or current.record == "closed":
        raise UnknownAsset(field="address", platform=identity.platform, identity=identity.identity)
    if current.source == source and on is not None:
        if on < current.stated_on:
            return current, "outdated"
        current = replace(current, stated_on=on)
    if current.running == "gone":
        return current, "unchanged"
    if current.source != source:
        raise AnotherSource(field="source", accepted=current.source, owner=current.source, source=source)
    return _moved(current, "delist", now), "gone"


def amend(
    current: Asset, version: int, *, name: str | None, language: str | None, opened_on: date | None, now: datetime
) -> Asset:
    """Correct facts that do not touch identity. Raises Invalid, VersionConflict, IllegalTransition on a closed record.

    A caller may repeat a correction whose answer was lost: that does not conflict.
    """
    if current.record == "closed":
        raise IllegalTransition(state=current.record, event="amend")
    corrected = replace(
        current,
        name=shown("name", name) if name else current.name,
        language=language_tag(language) if language else current.language,
        opened_on=_opened(opened_on, now=now) or current.opened_on,
    )
    if corrected == current and version in (current.version, current.version - 1):
        return current
    if version != current.version:
        raise VersionConflict(field="If-Match", accepted=f'"{current.version}"', current=current.version)
    return _next(corrected, now)


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


def has_come(on: date, *, now: datetime, field: str = "on") -> date:
    """A day of which a source can speak: today anywhere on earth, or earlier. Raises Invalid.

    A day far ahead would outdate everything that the source states until then.
    """
    if on > (latest := days.of(now, EASTERNMOST)):
        why = Text(f"{field}:{on} 尚未到来", f"{field}: {on} has not come yet")
        raise Invalid(field=field, accepted=f"a day not after {latest}", why=why)
    return on


def _opened(on: date | None, *, now: datetime) -> date | None:
    """A day of opening to come would excuse an asset's silence until then."""
    return None if on is None else has_come(on, now=now, field="opened_on")


def _registered(declared: Declared, incarnation: int, now: datetime) -> Asset:
    identity, facts = declared.identity, declared.facts
    return Asset(
        asset_id=ids.asset_id(declared.kind, identity.platform, identity.identity, incarnation),
        version=1,
        kind=declared.kind,
        platform=identity.platform,
        identity=identity.identity,
        incarnation=incarnation,
        record="draft",
        running="online",
        listed_on=declared.on,
        changed_at=now,
        stated_on=declared.on,
        **{name: getattr(facts, name) for name in Facts.__dataclass_fields__},
    )


def _moved(asset: Asset, event: str, now: datetime) -> Asset:
    record, running = move(asset.record, asset.running, event)
    return _next(replace(asset, record=record, running=running), now)


def _next(asset: Asset, now: datetime) -> Asset:
    return replace(asset, version=asset.version + 1, changed_at=now)
