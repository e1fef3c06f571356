"""The world outside: pages of assets, units' systems that sign receipts, connectors that stop and restore.

A process of its own, so that killing a service never touches it. Every raw call is appended to a log file before it is
answered. Tests change its manners through `POST /manners`.

Usage: python -m tests.acceptance.world PORT LOGFILE SERVICE_PUBLIC_KEY_FILE
"""

import hashlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc.util import urlsafe_b64encode
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from libs.common.security import signing


def unit_key(name: str) -> dict[str, Any]:
    """A unit's private key, the same for the same name: receipts do not differ from run to run."""
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"unit:{name}".encode()).digest())
    private = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": name,
        "alg": "Ed25519",
        "use": "sig",
        "x": urlsafe_b64encode(public).decode(),
        "d": urlsafe_b64encode(private).decode(),
    }


class World:
    """What the outside holds: which assets answer, how each unit and target behaves, every raw call."""

    def __init__(self, log: Path, service_key: Path) -> None:
        self.log = log
        self.service_key = service_key
        self.stopped: set[str] = set()
        self.manners: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.calls: list[dict[str, Any]] = []

    def manner(self, name: str) -> dict[str, Any]:
        return self.manners.get(name, {})

    def note(self, **call: Any) -> None:
        with self.log.open("a") as log:
            log.write(json.dumps(call) + "\n")
        self.calls.append(call)

    def check(self, request: Request, body: bytes, purpose: str) -> None:
        claims = signing.verify(json.loads(self.service_key.read_text()), request.headers.get("jianfu-signature", ""))
        if claims.get("sha256") != signing.sha256(body) or claims.get("purpose") != purpose:
            raise signing.BadSignature("the signature is for another body or purpose")

    async def notice(self, request: Request) -> Response:
        """A unit's system: keeps the notice and signs for it, unless told to behave otherwise."""
        unit, body = request.path_params["unit"], await request.body()
        notice, key = json.loads(body), request.headers.get("idempotency-key")
        manner = self.manner(unit)
        if notice["type"] != "notice":
            return self.about_keys(request, unit, body, notice["type"], key)
        self.note(what="notice", unit=unit, asset=notice["asset_id"], key=key)
        self.check(request, body, "notice")
        if manner.get("status", 200) != 200:
            return PlainTextResponse("broken", manner["status"])
        if manner.get("receipt") == "none":
            return JSONResponse({"ok": True})
        claims: dict[str, Any] = {
            "notice_sha256": signing.sha256(body),
            "asset_id": notice["asset_id"],
            "received_on": notice.get("sent_on", "2025-01-01"),
        }
        if manner.get("receipt") == "other-asset":
            claims["asset_id"] = "00000000-0000-0000-0000-000000000000"
        if answer := manner.get("answer") or self.manner(notice["asset_id"]).get("answer"):
            claims["answer"] = answer
        signer = "somebody-else" if manner.get("receipt") == "other-key" else unit
        return JSONResponse({"receipt": signing.sign(unit_key(signer), claims)})

    def about_keys(self, request: Request, unit: str, body: bytes, what: str, key: str | None) -> Response:
        """It is challenged to show that it holds its key, or hears that another one is in force."""
        self.note(what=what, unit=unit, asset=unit, key=key, body=body.decode())
        self.check(request, body, what)
        refused = self.manner(unit).get(what)
        if refused == "none":
            return JSONResponse({"ok": True})
        if isinstance(refused, int):
            return PlainTextResponse("broken", refused)
        if what in ("key-changed", "test"):
            return JSONResponse({"heard": True})
        signer = unit if refused is None else str(refused)
        return JSONResponse({"proof": signing.sign(unit_key(signer), {"challenge_sha256": signing.sha256(body)})})

    async def connector(self, request: Request) -> Response:
        """A platform's switch: stops and restores for real, unless told to lie; the same key acts once."""
        body = await request.body()
        order, key = json.loads(body), request.headers.get("idempotency-key") or ""
        if order["type"] == "test":
            self.note(what="test", asset=order["connector"], key=key)
            self.check(request, body, "test")
            return JSONResponse({"heard": True})
        self.note(what=order["type"], asset=order["asset_id"], key=key)
        self.check(request, body, order["type"])
        if status := self.manner(order["asset_id"]).get(order["type"]):
            return PlainTextResponse("broken", status)
        if key in self.answers:
            return JSONResponse(self.answers[key])
        name = f"{order['platform']}/{order['identity']}"
        if not self.manner(order["asset_id"]).get("lies"):
            (self.stopped.add if order["type"] == "stop" else self.stopped.discard)(name)
        self.answers[key] = {"done": order["type"]}
        return JSONResponse(self.answers[key])

    async def page(self, request: Request) -> Response:
        name = request.path_params["name"]
        if status := self.manner(name).get("page"):
            return PlainTextResponse("broken", status)
        if name in self.stopped:
            return PlainTextResponse("gone", 404)
        return PlainTextResponse(f"page of {name}")

    async def set_manners(self, request: Request) -> Response:
        self.manners.update(await request.json())
        return JSONResponse(self.manners)

    async def state(self, _: Request) -> Response:
        per_key = Counter((call["what"], call["asset"], call["key"]) for call in self.calls)
        counts = [{"what": w, "asset": a, "key": k, "raw": n} for (w, a, k), n in sorted(per_key.items())]
        return JSONResponse({"stopped": sorted(self.stopped), "calls": counts})


def app(world: World) -> Starlette:
    return Starlette(
        routes=[
            Route("/units/{unit}/notices", world.notice, methods=["POST"]),
            Route("/connector", world.connector, methods=["POST"]),
            Route("/pages/{name:path}", world.page),
            Route("/manners", world.set_manners, methods=["POST"]),
            Route("/state", world.state),
        ]
    )


if __name__ == "__main__":
    port, log, key = sys.argv[1:]
    uvicorn.run(app(World(Path(log), Path(key))), host="127.0.0.1", port=int(port), log_level="warning")
