"""Routes by which a process is watched: health, readiness, metrics, quiet, and the AsyncAPI document."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from libs.common.db.errors import UNAVAILABLE
from libs.common.http import manual
from libs.common.http.guards import public

Health = Callable[[], Awaitable[dict[str, Any]]]


async def nothing() -> dict[str, Any]:
    return {}


def status_router(health: Health, quiet: Health, notes: Health = nothing) -> APIRouter:
    """/healthz, /readyz, /metrics, /quiet and /asyncapi.json. `health` maps parts to None (well) or a reason.

    `notes` is what whoever looks has to know though the service is well; each has a text in both languages.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    @public
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz")
    @public
    async def readyz() -> JSONResponse:
        parts = await health()
        ready = all(reason is None for reason in parts.values())
        try:
            told = await notes()
        except UNAVAILABLE:  # which the parts tell of
            told = {}
        said = {"ready": ready, "parts": parts} | ({"notes": told} if told else {})
        return JSONResponse(said, 200 if ready else 503)

    @router.get("/metrics")
    @public
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @router.get("/asyncapi.json")
    @public
    async def asyncapi() -> Response:
        return Response(manual.ASYNCAPI.read_bytes(), media_type="application/json")

    @router.get("/quiet")
    @public
    async def quiet_now() -> JSONResponse:
        return JSONResponse(await quiet())

    return router
