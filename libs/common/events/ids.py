"""How the ids that travel in events are made, so that every service and every client derives the same."""

from uuid import UUID

from libs.common.ids import derive


def asset_id(kind: str, platform: str, identity: str, incarnation: int = 1) -> UUID:
    """An asset's id, from what it is; `incarnation` counts its lives, a reopening being a new one."""
    return derive("asset", kind, platform, identity, incarnation)


def unit_id(scheme: str, value: str) -> UUID:
    """A unit's id, from its code; case and blanks of the value are the caller's to normalise."""
    return derive("unit", scheme, value)


def finding_id(asset: UUID, rule: str, ordinal: int) -> UUID:
    """The `ordinal`-th hit (from 1) of one rule on one asset."""
    return derive("finding", asset, rule, ordinal)


def case_id(asset: UUID, ordinal: int) -> UUID:
    """The `ordinal`-th case (from 1) of one asset."""
    return derive("case", asset, ordinal)


def event_id(type_: str, subject: str, sequence: int) -> UUID:
    """An event's id, from its type, the aggregate it tells of and that aggregate's version."""
    return derive("event", type_, subject, sequence)
