"""A finding as the monitor tells it, without a monitor: what opens a case."""

from typing import Any
from uuid import UUID

from libs.common.events.envelope import pack
from libs.common.events.ids import finding_id
from libs.common.events.monitor import FindingOpened
from tests.acceptance.house import House


def dead(house: House, asset: UUID) -> dict[str, Any]:
    """The record by which an account counts as dead from this day on, as it is produced to `jianfu.monitor`."""
    event = FindingOpened(
        finding_id=finding_id(asset, "C15", 1),
        asset_id=asset,
        rule="C15",
        business_day=house.day,
        proposal="closure",
        verdict="ZOMBIE",
        pack="cn-accounts",
        pack_version="1.0.0",
        when="days_since_post > 90",
        basis="a circular",
        label="FOUND",
        signals=(),
        clears_when="it posts",
        opened_at=house.instant(),
    )
    message = pack(event, sequence=1, time=house.instant())
    return {"key": message.key, "value": message.body, "headers": list(message.headers)}
