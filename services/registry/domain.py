"""What the registry decides: units, assets, the two axes of an asset's state, the vanishing guard. Pure."""

import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from libs.common.errors import DomainError, VersionConflict
from libs.common.events import ids
from libs.common.events.intake import Kind, UnitRef
from libs.common.events.registry import RecordState, RunningState
from services.registry.identity import Canonical

Outcome = Literal["registered", "amended", "unchanged", "gone", "restored", "held", "duplicate"]


class IllegalTransition(DomainError):
    """The state machine has no such arrow."""

    code = "illegal_transition"
    kind = "conflict"
    zh = "状态 {state} 不允许 {event}。"
    en = "The state {state} does not allow {event}."


class DuplicateAsset(DomainError):
    """The same thing is recorded once; its twin is shown."""

    code = "duplicate_asset"
    kind = "conflict"
    zh = "该对象已登记:{twin}(来源 {source})。"
    en = "This asset is recorded already: {twin} (by the source {source})."


class UnknownAsset(DomainError):
    """A source delists what the register does not hold."""

    code = "unknown_asset"
    kind = "refused"
    zh = "登记中没有该对象:{platform} {identity}。"
    en = "The register holds no such asset: {platform} {identity}."


class AnotherSource(DomainError):
    """Only the source that lists an asset may say that it is gone."""

    code = "another_source"
    kind = "refused"
    zh = "该对象由来源 {owner} 登记,来源 {source} 不能将其移除。"
    en = "The asset is listed by the source {owner}; {source} cannot delist it."


class ReopenTooEarly(DomainError):
    """A closed asset may come back only as a new record, after a cooldown (rules A-09, by analogy)."""

    code = "reopen_cooldown"
    kind = "refused"
    zh = "该对象已于 {closed_on} 关停,{until} 之前不得重新登记。"
    en = "The asset was closed on {closed_on}; it may not be recorded again before {until}."


class AlreadyDecided(DomainError):
    """A held disappearance is decided once."""

    code = "already_decided"
    kind = "conflict"
    zh = "该消失已决定({state})。"
    en = "This disappearance has been decided already: {state}."


class OutOfScope(DomainError):
    """A unit speaks only for itself and the units below it."""

    code = "out_of_scope"
    kind = "forbidden"
    zh = "令牌只能代表单位 {scope} 及其下属单位。"
    en = "The token speaks only for the unit {scope} and those below it."


@dataclass(frozen=True, slots=True)
class Asset:
    """The current record of an asset: `record` is the paper, `running` the thing itself."""

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


RECORD: dict[tuple[RecordState, str], RecordState] = {
    ("draft", "submit"): "in_review",
    ("in_review", "return"): "draft",
    ("in_review", "file"): "filed",
    ("filed", "withdraw"): "withdrawn",
    ("withdrawn", "submit"): "in_review",
    ("draft", "close"): "closed",
    ("in_review", "close"): "closed",
    ("filed", "close"): "closed",
    ("withdrawn", "close"): "closed",
}
RUNNING: dict[tuple[RunningState, str], RunningState] = {
    ("building", "launch"): "online",
    ("building", "delist"): "gone",
    ("building", "close"): "offline",
    ("online", "stop"): "suspended",
    ("online", "delist"): "gone",
    ("online", "close"): "offline",
    ("suspended", "resume"): "online",
    ("suspended", "delist"): "gone",
    ("suspended", "close"): "offline",
    ("gone", "relist"): "online",
    ("gone", "stop"): "suspended",
    ("gone", "close"): "offline",
    ("offline", "close"): "offline",
}


def move_record(state: RecordState, event: str) -> RecordState:
    """The next record state. Raises IllegalTransition; closed is terminal."""
    if (state, event) not in RECORD:
        raise IllegalTransition(state=state, event=event)
    return RECORD[state, event]


def move_running(state: RunningState, event: str) -> RunningState:
    """The next running state. Raises IllegalTransition."""
    if (state, event) not in RUNNING:
        raise IllegalTransition(state=state, event=event)
    return RUNNING[state, event]


def declare(held: Asset | None, facts: Facts, *, now: datetime, reopen_after: timedelta) -> tuple[Asset, Outcome]:
    """What a source's declaration does to the register.

    Raises DuplicateAsset when another source lists the asset, ReopenTooEarly when it was closed lately.
    """
    if held is None:
        return _new(facts, 1, now), "registered"
    if held.record == "closed":
        until = held.changed_at + reopen_after
        if now < until:
            raise ReopenTooEarly(closed_on=held.changed_at.date(), until=until.date())
        return _new(facts, held.incarnation + 1, now), "registered"
    if held.source != facts.source and held.running != "gone":
        raise DuplicateAsset(field="address", twin=held.asset_id, source=held.source)
    stated = replace(
        held, address=facts.address, name=facts.name, language=facts.language, sponsor_id=facts.sponsor_id,
        source=facts.source, opened_on=facts.opened_on or held.opened_on,
    )  # fmt: skip
    if held.running == "gone":
        back = replace(stated, running=move_running(held.running, "relist"))
        return _next(back, now), "restored"
    return (held, "unchanged") if stated == held else (_next(stated, now), "amended")


def delist(held: Asset | None, what: Canonical, source: str, *, now: datetime) -> tuple[Asset, Outcome]:
    """What it does that a source no longer lists an asset: gone, never closed. Raises UnknownAsset, AnotherSource."""
    if held is None or held.record == "closed":
        raise UnknownAsset(field="address", platform=what.platform, identity=what.identity)
    if held.running == "gone":
        return held, "unchanged"
    if held.source != source:
        raise AnotherSource(field="source", accepted=held.source, owner=held.source, source=source)
    return _next(replace(held, running=move_running(held.running, "delist")), now), "gone"


def amend(
    held: Asset, version: int, *, name: str | None, language: str | None, opened_on: date | None, now: datetime
) -> Asset:
    """Correct facts that do not touch identity. Raises VersionConflict, and IllegalTransition on a closed record."""
    if version != held.version:
        raise VersionConflict(current=held.version)
    if held.record == "closed":
        raise IllegalTransition(state=held.record, event="amend")
    facts = replace(
        held, name=name or held.name, language=language or held.language, opened_on=opened_on or held.opened_on
    )
    return held if facts == held else _next(facts, now)


def stopped(asset: Asset, *, now: datetime) -> Asset:
    """A case stopped the asset; it may still come back."""
    return _next(replace(asset, running=move_running(asset.running, "stop")), now)


def resumed(asset: Asset, *, now: datetime) -> Asset:
    """A case gave the asset back."""
    return _next(replace(asset, running=move_running(asset.running, "resume")), now)


def closed(asset: Asset, *, now: datetime) -> Asset:
    """A case ended in the asset's verified closure."""
    record, running = move_record(asset.record, "close"), move_running(asset.running, "close")
    return _next(replace(asset, record=record, running=running), now)


def guard_limit(listed: int, share: float, floor: int) -> int:
    """How many of a source's assets may vanish in a rolling day: a share of what it lists, with a floor.

    A share of 0 and a floor of 0 hold every disappearance.
    """
    return max(floor, int(listed * share))


def unit_key(text: str) -> str:
    """A unit's name or code in the form in which it is compared."""
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold()


def unit_id(ref: UnitRef) -> UUID:
    return ids.unit_id(ref.scheme, unit_key(ref.value))


LANGUAGES = {
    "english": "en", "anglais": "en", "français": "fr", "french": "fr", "bilingual": "mul", "bilingue": "mul",
    "chinese": "zh", "中文": "zh", "汉语": "zh",
}  # fmt: skip


def language(text: str) -> str:
    """A language as a BCP 47 tag; `mul` for several, `und` where nothing is said."""
    word = text.strip().lower()
    return LANGUAGES.get(word, word or "und")


def _new(facts: Facts, incarnation: int, now: datetime) -> Asset:
    what = facts.what
    return Asset(
        ids.asset_id(facts.kind, what.platform, what.identity, incarnation), 1, facts.kind, what.platform,
        what.identity, incarnation, facts.address, facts.name, facts.language, facts.sponsor_id, "draft", "online",
        facts.source, facts.on, facts.opened_on, now,
    )  # fmt: skip


def _next(asset: Asset, now: datetime) -> Asset:
    return replace(asset, version=asset.version + 1, changed_at=now)
