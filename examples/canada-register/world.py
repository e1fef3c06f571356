"""The accounts' world: pages that can be looked at, units' systems that sign for notices, switches that stop accounts.

A process of its own: no death of a service touches it, and its own death loses nothing, for every change and every
raw call is appended to its log before it is answered and read back at the start. After a stop a page really answers
404, after a restore 200 again, unless the account's manners say that its platform lies.

Manners, by unit or asset id, are set with PUT /manners: `{"receipt": false}` (a unit that answers 200 and signs
nothing), `{"answer": {"answer": "keep" | "fix" | "close", "reason": …, "until": …}}` (given within the signed
receipt), `{"lies": true}` (a target that says 200 OK to a stop and goes on living).

Usage: python world.py PORT LOGFILE SEED
"""

import hashlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import uvicorn
from signing import BadSignature, Jwk, check_call, sign, unit_key
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route


class World:
    """All that is true out there: which pages are stopped, who has which manners, what was called how often."""

    def __init__(self, log: Path, seed: int) -> None:
        self.seed = seed
        self.day = ""
        self.service_keys: list[Jwk] = []
        self.manners: dict[str, dict[str, Any]] = {}
        self.stopped: set[str] = set()
        self.answers: dict[str, dict[str, Any]] = {}
        self.calls: list[dict[str, Any]] = []
        if log.exists():
            for line in log.read_text().splitlines():
                # A line cut off by a kill was never answered, so its caller asks again.
                if line.endswith("}"):
                    self.apply(json.loads(line))
            with log.open("a") as file:
                file.write("\n")
        self._log = log

    def record(self, entry: dict[str, Any]) -> None:
        """Write first, then let it be true."""
        with self._log.open("a") as log:
            log.write(json.dumps(entry, ensure_ascii=False, sort_keys=True) + "\n")
        self.apply(entry)

    def apply(self, entry: dict[str, Any]) -> None:
        """What one line of the log makes true."""
        match entry["what"]:
            case "day":
                self.day = entry["day"]
            case "keys":
                self.service_keys = entry["keys"]
            case "manners":
                self.manners.update(entry["manners"])
            case _:
                self.calls.append(entry)
                if entry["outcome"] == "stopped":
                    self.stopped.add(entry["page"])
                elif entry["outcome"] == "restored":
                    self.stopped.discard(entry["page"])
                if entry.get("key") and "answer" in entry:
                    self.answers[f"{entry['what']} {entry['key']}"] = entry["answer"]

    def notice(self, unit: str, key: str | None, body: bytes) -> dict[str, Any]:
        """A unit's system signs for a notice, and says what becomes of the account when it knows."""
        told = json.loads(body)
        entry = {"what": "notice", "unit_id": unit, "asset_id": told["asset_id"], "key": key}
        if (known := self.answers.get(f"notice {key}")) is not None:
            self.record(entry | {"outcome": "repeated"})
            return known
        if self.manners.get(unit, {}).get("receipt") is False:
            answer: dict[str, Any] = {"received": True}
            self.record(entry | {"outcome": "without receipt", "answer": answer})
            return answer
        claims: dict[str, Any] = {
            "notice_sha256": hashlib.sha256(body).hexdigest(),
            "asset_id": told["asset_id"],
            "received_on": self.day,
        }
        if said := self.manners.get(told["asset_id"], {}).get("answer"):
            claims["answer"] = said
        answer = {"receipt": sign(unit_key(self.seed, unit), claims)}
        self.record(entry | {"outcome": "signed", "answer": answer})
        return answer

    def challenge(self, unit: str, key: str | None, body: bytes) -> dict[str, Any]:
        """A unit's system shows that it holds its key: it signs what it was sent."""
        entry = {"what": "challenge", "unit_id": unit, "key": key}
        if (known := self.answers.get(f"challenge {key}")) is not None:
            self.record(entry | {"outcome": "repeated"})
            return known
        claims = {"challenge_sha256": hashlib.sha256(body).hexdigest()}
        answer = {"proof": sign(unit_key(self.seed, unit), claims)}
        self.record(entry | {"outcome": "proved", "answer": answer})
        return answer

    def switch(self, what: str, key: str | None, body: bytes) -> dict[str, Any]:
        """A platform stops or restores an account; a key it knows is answered as before and done no second time."""
        order = json.loads(body)
        page = page_name(order["platform"], order["identity"])
        entry = {"what": what, "asset_id": order["asset_id"], "page": page, "key": key}
        if (known := self.answers.get(f"{what} {key}")) is not None:
            self.record(entry | {"outcome": "repeated"})
            return known
        lies = what == "stop" and self.manners.get(order["asset_id"], {}).get("lies")
        outcome = "lied" if lies else {"stop": "stopped", "restore": "restored"}[what]
        answer = {"done": what}
        self.record(entry | {"outcome": outcome, "answer": answer})
        return answer

    def refuse(self, what: str, key: str | None, why: str) -> None:
        self.record({"what": what, "key": key, "outcome": "refused", "why": why})


def page_name(platform: str, identity: str) -> str:
    return f"{platform}/{identity}"


def app(world: World) -> Starlette:
    """The world behind HTTP."""

    async def call(request: Request, what: str, act: Any) -> Response:
        body, key = await request.body(), request.headers.get("idempotency-key")
        try:
            token = request.headers.get("jianfu-signature")
            check_call(world.service_keys, token, body, what, key=key, path=request.url.path)
        except BadSignature as error:
            world.refuse(what, key, str(error))
            return JSONResponse({"error": str(error)}, 401)
        return JSONResponse(act(key, body))

    async def notice(request: Request) -> Response:
        unit = request.path_params["unit"]
        if json.loads(await request.body()).get("type") == "challenge":
            return await call(request, "challenge", lambda key, body: world.challenge(unit, key, body))
        return await call(request, "notice", lambda key, body: world.notice(unit, key, body))

    async def switch(request: Request) -> Response:
        what = request.path_params["what"]
        return await call(request, what, lambda key, body: world.switch(what, key, body))

    async def page(request: Request) -> Response:
        name = page_name(request.path_params["platform"], request.path_params["identity"])
        status = 404 if name in world.stopped else 200
        world.record({"what": "look", "page": name, "key": None, "outcome": status})
        # No port and no date in it: what is archived must not differ from run to run.
        return PlainTextResponse("gone\n" if status == 404 else f"The page of {name}.\n", status)

    async def tell(request: Request) -> Response:
        what = request.url.path.strip("/")
        world.record({"what": what, what: await request.json()})
        return JSONResponse({"told": what})

    async def calls(request: Request) -> Response:
        wanted = {name: value for name, value in request.query_params.items() if name != "counts"}
        found = [c for c in world.calls if all(str(c.get(name)) == value for name, value in wanted.items())]
        if "counts" not in request.query_params:
            return JSONResponse({"items": found})
        per_key = Counter((c["what"], c.get("asset_id"), c["key"]) for c in found)
        counts = [{"what": w, "asset_id": a, "key": k, "raw": n} for (w, a, k), n in per_key.items()]
        return JSONResponse({"items": sorted(counts, key=lambda c: str((c["what"], c["asset_id"], c["key"])))})

    async def state(_: Request) -> Response:
        return JSONResponse({"day": world.day, "stopped": sorted(world.stopped), "calls": len(world.calls)})

    return Starlette(
        routes=[
            Route("/calls", calls),
            Route("/state", state),
            *(Route(f"/{what}", tell, methods=["PUT"]) for what in ("day", "keys", "manners")),
            Route("/units/{unit}/notices", notice, methods=["POST"]),
            Route("/switches/{what}", switch, methods=["POST"]),
            Route("/{platform}/{identity:path}", page),
        ]
    )


if __name__ == "__main__":
    port, log, seed = sys.argv[1:]
    uvicorn.run(app(World(Path(log), int(seed))), host="127.0.0.1", port=int(port), log_level="warning")
