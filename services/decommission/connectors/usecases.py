"""How platforms are reached is set; one transaction."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.errors import Missing, Unknown
from libs.common.events.known import PLATFORMS
from libs.common.text import Text
from services.decommission.assets import store as asset_store
from services.decommission.calls.addresses import filled
from services.decommission.calls.client import look
from services.decommission.connectors import store
from services.decommission.connectors.stated import ConnectorBody
from services.decommission.deps import Deps
from services.decommission.setup.store import record_change
from services.decommission.trials import usecases as trial_usecases
from services.decommission.trials.domain import Answer, Heard


async def require_platform(conn: Connection, platform: str) -> None:
    """Raise Unknown for a platform that the registry does not know by this name, and has told nothing of."""
    if platform not in PLATFORMS and not await asset_store.QUERIES.platform_held(conn, platform=platform):
        raise Unknown(
            field="platform",
            accepted=", ".join(sorted(PLATFORMS)),
            what=Text(f"平台 {platform}", f"platform {platform}"),
        )


async def set_connector(deps: Deps, platform: str, stated: ConnectorBody, *, actor: str) -> None:
    """How a platform's assets are stopped, restored and looked at: the settings of one type of connector.

    Raises Unknown, Invalid.
    """
    await stated.judge(deps)
    after: dict[str, Any] = stated.model_dump()
    async with deps.database.transaction("set_connector") as conn:
        await require_platform(conn, platform)
        row = await store.QUERIES.connector_get(conn, platform=platform)
        before = None
        if row is not None:
            before = {name: row[name] for name in store.COLUMNS if name in after} | store.settings_of(row)
        if before != after:
            await record_change(deps, conn, "connector", platform, before, after, actor)
            await store.put(conn, platform, after)


async def test(deps: Deps, platform: str, part: Literal["stop", "restore", "probe"], *, actor: str) -> Heard:
    """Try one address of a platform's connector. Raises Missing, TriedTooOften, NothingLeaves."""
    async with deps.database.reading() as conn:
        reach = await store.reach(conn, platform)
    if reach is None:
        raise Missing(what=Text(f"平台 {platform} 的连接器", f"connector of {platform}"))

    async def call(body: bytes, effect: UUID, at: datetime) -> Answer:
        if part == "probe":
            page = await look(deps.egress, filled(reach.probe_url))
            return Answer(status=page.status, why=page.error)
        return Answer.of(await reach.connector.test(deps, part, body, key=effect, at=at))

    return await trial_usecases.attempt(deps, "connector", platform, part, call, actor=actor)
