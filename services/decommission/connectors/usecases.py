"""How platforms are reached is set; one transaction."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.errors import Missing, Unknown
from libs.common.events.known import PLATFORMS
from services.decommission.assets import store as asset_store
from services.decommission.calls.addresses import filled
from services.decommission.calls.client import CONNECTOR, PROBE, Sent, judge, look, send
from services.decommission.connectors import store
from services.decommission.deps import Deps
from services.decommission.setup.store import record_change
from services.decommission.trials import usecases as trial_usecases
from services.decommission.trials.domain import Heard


async def require_platform(conn: Connection, platform: str) -> None:
    """Raise Unknown for a platform that the registry does not know by this name, and has told nothing of."""
    if platform not in PLATFORMS and not await asset_store.QUERIES.platform_held(conn, platform=platform):
        raise Unknown(
            field="platform", accepted=", ".join(sorted(PLATFORMS)), what=(f"平台 {platform}", f"platform {platform}")
        )


async def set_connector(deps: Deps, platform: str, *, actor: str, **urls: Any) -> None:
    """How a platform's assets are stopped, restored and looked at. Raises Unknown, Invalid."""
    for field, door in (("stop_url", CONNECTOR), ("restore_url", CONNECTOR), ("probe_url", PROBE)):
        await judge(deps.egress, field, urls[field], door)
    async with deps.database.transaction("set_connector") as conn:
        await require_platform(conn, platform)
        row = await store.QUERIES.connector_get(conn, platform=platform)
        before = None if row is None else {name: row[name] for name in urls}
        if before != urls:
            await record_change(deps, conn, "connector", platform, before, urls, actor)
            await store.QUERIES.connector_put(conn, platform=platform, **urls)


async def test(deps: Deps, platform: str, part: Literal["stop", "restore", "probe"], *, actor: str) -> Heard:
    """Try one address of a platform's connector. Raises Missing, TriedTooOften, NothingLeaves."""
    async with deps.database.reading() as conn:
        row = await store.QUERIES.connector_get(conn, platform=platform)
    if row is None:
        raise Missing(what=(f"平台 {platform} 的连接器", f"connector of {platform}"))
    url = filled(row[f"{part}_url"])

    async def call(body: bytes, effect: UUID, at: datetime) -> Sent:
        if part == "probe":
            return await look(deps.egress, url)
        return await send(
            deps.egress, deps.signing_key, url, body, purpose="test", effect=effect, at=at, door=CONNECTOR
        )

    return await trial_usecases.attempt(deps, "connector", platform, part, call, actor=actor)
