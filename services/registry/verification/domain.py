"""The public's question whether something is official, and the register's answer. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal
from uuid import UUID

from services.registry.assets.domain import Asset
from services.registry.assets.transitions import PublicState
from services.registry.identity.canonical import Canonical

Status = Literal["official", "suspended", "gone", "closed", "unknown", "look_alike"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAsset:
    """One asset as the public reads of it. `names` are those of its sponsor, as (language, text)."""

    asset: Asset
    state: PublicState
    since: date
    unit_id: UUID
    names: Sequence[tuple[str, str]]
    closed_on: date | None = None
    stopped_on: date | None = None
    rule: str | None = None
    title: str | None = None
    basis: str | None = None
    reason: str | None = None
    successor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Whether something is official: `assets` are those asked for, or those that a look-alike looks like.

    With `more` there are others. `asked_for` is the identity that the question was read as; its identity is empty for
    a name and for a text that cannot be read as an address.
    """

    status: Status
    by: Literal["address", "name"]
    asked_for: Canonical
    assets: Sequence[PublicAsset] = field(default=())
    more: bool = False
