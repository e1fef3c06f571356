"""A service of the plumbing alone: `python -m tests.integration.common.service`; it reads and writes TEST_TOPIC.

It counts things over HTTP, tells of them on the topic, and leaves one effect for each event it reads there.
"""

import asyncio
import os
import time
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel
from pydantic_settings import SettingsConfigDict

from libs.common.consumer import inbox
from libs.common.consumer.events import EventSubscription
from libs.common.events.envelope import Incoming
from libs.common.handler import Handler
from libs.common.http import idempotency
from libs.common.http.app import create_app
from libs.common.http.clock_api import clock_router
from libs.common.http.guards import require, seal
from libs.common.http.status import status_router
from libs.common.outbox.emit import emit
from libs.common.process import run, settings
from libs.common.process.health import health, quiet
from libs.common.process.runtime import Components, Role, Runtime, open_runtime
from libs.common.security import tokens
from services import SERVICES
from tests.integration.common.stream import Counted, counted_on

MIGRATIONS = Path(__file__).with_name("migrations")


class Settings(settings.CommonSettings):
    """The registry's, since a service must be one of the three."""

    SERVICE = "registry"
    model_config = SettingsConfigDict(**settings.CommonSettings.model_config | {"env_prefix": "JIANFU_REGISTRY_"})


class Thing(BaseModel):
    """What is to be counted."""

    thing: str


def routes(base: Runtime, topic: str) -> APIRouter:
    """One write, and one fault of each kind."""
    router = APIRouter(prefix="/registry/v1")

    @router.post("/things", status_code=201)
    async def count(
        body: Thing,
        request: Request,
        caller: Annotated[tokens.Principal, require("operator")],
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> Any:
        raw = await request.body()
        async with base.database.transaction("count") as conn:
            known = await idempotency.recall(conn, caller.subject, idempotency_key, raw)
            if known is not None:
                return {"version": int(known[1])}
            version = await conn.fetchval(
                "insert into things values ($1, 1) on conflict (thing) do update set version = things.version + 1"
                " returning version",
                body.thing,
            )
            event = counted_on(topic)(thing=body.thing, value=version)
            await emit(conn, event, sequence=version, time=base.clock.now())
            await idempotency.keep(conn, caller.subject, idempotency_key, raw, status=201, answer=str(version).encode())
        return {"version": version}

    @router.get("/fault")
    async def fault(_: Annotated[tokens.Principal, require("operator")]) -> None:
        raise KeyError("a fault of ours")

    return router


async def main(role: Role) -> None:
    config = settings.load(Settings, services=SERVICES)
    topic = os.environ["TEST_TOPIC"]
    base = await open_runtime(config, MIGRATIONS, role)

    passes = Path(os.environ.get("TEST_PASSES", "never"))

    async def act(event: Counted, incoming: Incoming) -> None:
        if event.thing == "fault":
            raise KeyError("a fault of ours")
        if event.thing == "slow" and not passes.exists():  # noqa: ASYNC240 - for tests
            raise TimeoutError("not yet")
        async with base.database.transaction("act") as conn:
            if await inbox.first_time(conn, "service", incoming.id):
                await conn.execute(
                    "insert into effects values (default, $1, $2, $3, $4)",
                    topic,
                    incoming.id,
                    event.thing,
                    event.value,
                )

    handlers = {Counted.TYPE: Handler(counted_on(topic), act)}
    subscription = EventSubscription(
        base.broker, base.database, topic, "registry", handlers, patience=config.consumer_patience
    )
    app = create_app(
        "registry",
        title="counting",
        description="for tests",
        authenticator=tokens.Authenticator.from_file(config.issuer_jwks_file, allow_local=config.loopback),
    )
    app.include_router(status_router(partial(health, base), partial(quiet, base)))
    app.include_router(clock_router("registry", base.database, base.clock))
    app.include_router(routes(base, topic))
    seal(app)

    end = Path(os.environ.get("TEST_DIES", "never"))

    async def dies() -> None:
        while not end.exists():  # noqa: ASYNC240 - nothing else runs in this loop's time
            await asyncio.sleep(0.05)
        if "TEST_HANGS" in os.environ:
            run.STOP_WITHIN = 1
            asyncio.get_running_loop().run_in_executor(None, time.sleep, 600)
        raise RuntimeError("this part died")

    loops = [dies] if "TEST_DIES" in os.environ else []
    await run.serve(base, Components(app=app, subscriptions=[subscription], loops=loops))


if __name__ == "__main__":
    run.run(main, "all")
