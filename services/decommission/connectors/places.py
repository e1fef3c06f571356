"""Where the outside is: units' endpoints and platforms' connectors; who changed which is recorded."""

import json
from typing import Any
from uuid import UUID

from libs.common.db import Connection
from libs.common.signing import canonical, sha256
from services.decommission import store
from services.decommission.context import Context
from services.decommission.refusals import BrokenChain
from services.decommission.store import QUERIES


async def set_endpoint(
    ctx: Context, unit_id: UUID, *, url: str, public_key: dict[str, Any], contact: str | None, honours_keys: bool,
    actor: str,
) -> None:  # fmt: skip
    """Where a unit's notices go; cases that could not reach it try again, if it is elsewhere now.

    What a system sends every day to be sure changes nothing, or its cases would be tried for ever and never escalated.
    """
    async with ctx.database.transaction("set_endpoint") as conn:
        row = await QUERIES.endpoint_get(conn, unit_id=unit_id)
        held_key = {} if row is None else json.loads(row["public_key"])
        before = None if row is None else _endpoint(row["url"], held_key, row["honours_keys"])
        after = _endpoint(url, public_key, honours_keys)
        if row is not None and (before, held_key, row["contact"]) == (after, public_key, contact):
            return
        await _changed(ctx, conn, "endpoint", str(unit_id), before, after, actor)
        await QUERIES.endpoint_put(
            conn, unit_id=unit_id, url=url, public_key=json.dumps(public_key), contact=contact,
            honours_keys=honours_keys,
        )  # fmt: skip
        if before == after:
            return  # another person to ask: the notices find their way no better than before
        waiting = [row["case_id"] async for row in QUERIES.cases_of_unit_waiting(conn, unit_id=unit_id)]
        for case_id in waiting:
            try:
                held = await ctx.hold(conn, case_id)
            except BrokenChain as error:
                await store.broken(conn, error, now=ctx.now())
                continue
            if "notice" not in held.progress.pending:
                await store.append(conn, held, "endpoint_changed", {}, now=ctx.now(), actor=actor, zone=ctx.zone)


def _endpoint(url: str, public_key: dict[str, Any], honours_keys: bool) -> dict[str, Any]:
    """An endpoint as its changes are recorded; the key by its thumbprint (RFC 7638), in hexadecimal."""
    thumbprint = sha256(canonical({name: public_key.get(name) for name in ("crv", "kty", "x")}))
    return {"url": url, "key_sha256": thumbprint, "honours_keys": honours_keys}


async def _changed(
    ctx: Context, conn: Connection, what: str, which: str, before: dict[str, Any] | None, after: dict[str, Any],
    actor: str,
) -> None:  # fmt: skip
    await QUERIES.setup_change_add(
        conn, what=what, which=which, before=json.dumps(before), after=json.dumps(after), actor=actor, at=ctx.now()
    )


async def set_connector(ctx: Context, platform: str, *, actor: str, **urls: Any) -> None:
    """How a platform's assets are stopped, restored and looked at."""
    async with ctx.database.transaction("set_connector") as conn:
        row = await QUERIES.connector_get(conn, platform=platform)
        before = None if row is None else {name: row[name] for name in urls}
        if before != urls:
            await _changed(ctx, conn, "connector", platform, before, urls, actor)
            await QUERIES.connector_put(conn, platform=platform, **urls)
