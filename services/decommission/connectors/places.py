"""How platforms are reached; who changed an endpoint or a connector is recorded."""

import json
from typing import Any

from libs.common.db import Connection
from services.decommission.context import Context
from services.decommission.store import QUERIES


async def record_change(
    ctx: Context, conn: Connection, what: str, which: str, before: dict[str, Any] | None, after: dict[str, Any],
    actor: str,
) -> None:  # fmt: skip
    """Who has changed what; in the transaction of the change. `before` and `after` hold nothing personal."""
    await QUERIES.setup_change_add(
        conn, what=what, which=which, before=json.dumps(before), after=json.dumps(after), actor=actor, at=ctx.now()
    )


async def set_connector(ctx: Context, platform: str, *, actor: str, **urls: Any) -> None:
    """How a platform's assets are stopped, restored and looked at."""
    async with ctx.database.transaction("set_connector") as conn:
        row = await QUERIES.connector_get(conn, platform=platform)
        before = None if row is None else {name: row[name] for name in urls}
        if before != urls:
            await record_change(ctx, conn, "connector", platform, before, urls, actor)
            await QUERIES.connector_put(conn, platform=platform, **urls)
