"""HTTP to the one address, as several people with different roles; patient with a service that is being restarted."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx

SERVICES = ("registry", "monitor", "decommission")
BUSIEST = "monitor"
PATIENCE = 90.0  # seconds that a service may be away before the demo gives up
AWAY = (502, 503)


class Refused(RuntimeError):
    """The product answered no; `status` and `problem` say what it said."""

    def __init__(self, method: str, path: str, status: int, problem: Any) -> None:
        super().__init__(f"{method} {path}: {status} {problem}")
        self.status = status
        self.problem = problem


class Client:
    """One gateway; every call says in whose name it is made."""

    def __init__(self, address: str, tokens: dict[str, str]) -> None:
        self.address = address
        self.tokens = tokens
        limits = httpx.Limits(max_connections=20, max_keepalive_connections=20)
        self._http = httpx.AsyncClient(base_url=address, limits=limits, timeout=120, trust_env=False)
        self._bearers = {who: {"Authorization": f"Bearer {token}"} for who, token in tokens.items()}
        self.calls = 0

    async def close(self) -> None:
        await self._http.aclose()

    async def call(
        self, method: str, path: str, who: str | None, *, headers: dict[str, str] | None = None, **request: Any
    ) -> Any:
        """The JSON answer. Raises Refused. What cannot be reached is asked again: every call may be repeated."""
        end = time.monotonic() + PATIENCE
        sent = (self._bearers[who] if who else {}) | (headers or {})
        while True:
            self.calls += 1
            try:
                reply = await self._http.request(method, path, headers=sent, **request)
            except httpx.TransportError:
                if time.monotonic() > end:
                    raise
            else:
                if reply.status_code not in AWAY or time.monotonic() > end:
                    break
            await asyncio.sleep(0.05)
        if reply.is_error:
            kind = reply.headers.get("content-type", "")
            raise Refused(method, path, reply.status_code, reply.json() if "json" in kind else reply.text)
        return reply.json() if reply.content else None

    async def get(self, path: str, who: str | None = "viewer", **params: Any) -> Any:
        return await self.call("GET", path, who, params=params)

    async def each(self, paths: Iterable[str], who: str = "viewer") -> list[Any]:
        """What stands at each path, eight asked for at a time."""
        gate = asyncio.Semaphore(8)

        async def one(path: str) -> Any:
            async with gate:
                return await self.get(path, who)

        return list(await asyncio.gather(*(one(path) for path in paths)))

    async def post(self, path: str, body: Any, who: str, *, key: str | None = None) -> Any:
        """A create or an action; `key` makes a repeat of it known as a repeat."""
        headers = {"Idempotency-Key": key} if key else None
        return await self.call("POST", path, who, json=body, headers=headers)

    async def put(self, path: str, body: Any, who: str) -> Any:
        return await self.call("PUT", path, who, json=body)

    async def items(self, path: str, who: str = "viewer", **params: Any) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor: dict[str, Any] = {}
        while True:
            page = await self.get(path, who, limit=500, **params, **cursor)
            for item in page["items"]:
                yield item
            if not page.get("next"):
                return
            cursor = {"cursor": page["next"]}

    async def quiet(self, *, first: float = 0.0) -> float:
        """Wait until two successive rounds over all services are quiet with the same end offsets; seconds it took.

        `first` is how long not to ask at all, and while the busiest is at work nobody else is asked: on two cores the
        asking takes from the work it waits for.
        """
        begun = time.monotonic()
        await asyncio.sleep(first)
        before: Any = None
        pause = 0.005
        while True:
            states = [await self._state(BUSIEST)]
            if states[0]["quiet"]:
                states += await asyncio.gather(*(self._state(name) for name in SERVICES if name != BUSIEST))
            if len(states) == len(SERVICES) and all(state["quiet"] for state in states):
                ends = [state["end_offsets"] for state in states]
                if before == ends:
                    return time.monotonic() - begun
                before = ends
            else:
                before = None
                await asyncio.sleep(pause)
                pause = min(0.03, pause * 1.5)

    async def _state(self, name: str) -> dict[str, Any]:
        return dict(await self.call("GET", f"/{name}/quiet", None))
