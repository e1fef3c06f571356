"""HTTP: how platforms are stopped, restored and looked at: set, read back and tried."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from libs.common.errors import Missing
from libs.common.http.bodies import Body
from libs.common.http.guards import require
from libs.common.http.paging import Limit, Page
from libs.common.http.problems import problems
from libs.common.security.roles import READERS
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from libs.common.text import Text
from services.decommission.calls import addresses
from services.decommission.connectors import store, usecases
from services.decommission.connectors.types import Stated
from services.decommission.deps import Deps
from services.decommission.trials import usecases as trial_usecases
from services.decommission.trials.domain import Heard
from services.decommission.trials.schemas import Tried

Platform = Annotated[str, Plain(60)]


class HeldConnector(BaseModel):
    """A connector as it is set. Nothing in it is a secret: addresses that carry one are refused.

    `stop_url` and `restore_url` are a webhook's and empty for another type, whose own settings stand in `settings`.
    """

    platform: str
    type: str
    stop_url: str
    restore_url: str
    settings: dict[str, Any]
    probe_url: str
    honours_keys: bool
    set_by: str | None
    set_at: datetime | None
    last_test: Tried | None = None


class Connectors(Page[HeldConnector]):
    """Connectors, by platform; ask again with `cursor=next`."""


class TryIn(Body):
    """Which address of a connector is tried."""

    part: Literal["stop", "restore", "probe"] = "stop"


def _shown(row: Any, tests: list[Heard]) -> HeldConnector:
    fields = {name: row[name] for name in HeldConnector.model_fields if name not in ("last_test", "settings")}
    urls = {name: addresses.shown(fields[name]) for name in ("stop_url", "restore_url", "probe_url")}
    return HeldConnector(
        **fields | urls,
        settings=store.settings_of(row),
        last_test=Tried.of(tests[0]) if tests else None,
    )


def router(deps: Deps, wake: Callable[[], None]) -> APIRouter:
    """Connectors."""
    routes = APIRouter(prefix="/decommission/v1", tags=["setup 配置"])

    @routes.put("/connectors/{platform}", status_code=204, summary="How a platform is stopped 连接器")
    async def connector(platform: Platform, body: Stated, who: Annotated[Principal, require("operator")]) -> None:
        """The platform is named as the registry names it, such as `weibo`; the addresses are judged at once by what
        judges them at every call."""
        await usecases.set_connector(deps, platform, body, actor=who.identity)
        wake()

    @routes.get("/connectors", summary="Connectors as they are set 连接器列表")
    async def connectors(
        _: Annotated[Principal, require(*READERS)],
        cursor: Annotated[Annotated[str, Plain(60)] | None, Query()] = None,
        limit: Limit = 100,
    ) -> Connectors:
        """By the names of the platforms: where a stop, a restore and a look at each are sent."""
        async with deps.database.reading() as conn:
            rows = [
                row async for row in store.QUERIES.connector_list(conn, only=None, after=cursor or "", max_rows=limit)
            ]
        items = [_shown(row, []) for row in rows]
        return Connectors.of(items, limit, lambda last: last.platform)

    @routes.get("/connectors/{platform}", summary="One connector, and its last test 单个连接器")
    async def one(platform: Platform, _: Annotated[Principal, require(*READERS)]) -> HeldConnector:
        """As it was set last, and by whom, with what was heard when somebody tried it last."""
        async with deps.database.reading() as conn:
            rows = [row async for row in store.QUERIES.connector_list(conn, only=platform, after="", max_rows=1)]
        if not rows:
            raise Missing(what=Text(f"平台 {platform} 的连接器", f"connector of {platform}"))
        return _shown(rows[0], await trial_usecases.listed(deps, what="connector", which=platform, most=1))

    @routes.post("/connectors/{platform}/test", summary="Try an address 试呼连接器", responses=problems(429))
    async def test(
        platform: Platform, who: Annotated[Principal, require("operator")], body: TryIn | None = None
    ) -> Tried:
        """One call that says it is a test (`purpose` `test`, no asset in it), or for `probe` one look at the page of
        nobody. It stops nothing and proves nothing about a case. Every 10 seconds at most."""
        return Tried.of(await usecases.test(deps, platform, (body or TryIn()).part, actor=who.identity))

    return routes
