"""The accounts' world: what it signs, stops, restores, and that its death loses nothing."""

import hashlib
import json
from pathlib import Path
from typing import Any

import signing
import world
from httpx import ASGITransport, AsyncClient

SERVICE = signing.unit_key(0, "the service")
STOP = {"type": "stop", "case_id": "c", "asset_id": "a1", "platform": "x", "identity": "somebody"}
RESTORE = STOP | {"type": "restore"}


class Visitor:
    """One process of the world, spoken to over HTTP."""

    def __init__(self, log: Path) -> None:
        transport = ASGITransport(world.app(world.World(log, seed=7)))
        self.http = AsyncClient(transport=transport, base_url="http://world")

    async def tell(self, what: str, value: Any) -> None:
        (await self.http.put(f"/{what}", json=value)).raise_for_status()

    async def looks(self, path: str) -> int:
        return (await self.http.get(path)).status_code

    async def counts(self, what: str) -> Any:
        return (await self.http.get("/calls", params={"counts": 1, "what": what})).json()["items"]

    async def post(self, path: str, purpose: str, body: dict[str, Any], key: str = "k1") -> tuple[int, Any]:
        raw = json.dumps(body).encode()
        signature = signing.sign(SERVICE, {"purpose": purpose, "sha256": hashlib.sha256(raw).hexdigest()})
        headers = {"Jianfu-Signature": signature, "Idempotency-Key": key}
        answer = await self.http.post(path, content=raw, headers=headers)
        return answer.status_code, answer.json()


async def told(log: Path) -> Visitor:
    visitor = Visitor(log)
    await visitor.tell("keys", [signing.public(SERVICE)])
    await visitor.tell("day", "2025-07-01")
    return visitor


async def test_a_stopped_page_is_gone_and_a_restored_one_is_back(tmp_path: Path) -> None:
    visitor = await told(tmp_path / "log")
    assert await visitor.looks("/x/somebody") == 200
    assert await visitor.post("/switches/stop", "stop", STOP) == (200, {"done": "stop"})
    assert await visitor.looks("/x/somebody") == 404
    assert await visitor.looks("/x/somebody/else") == 200
    await visitor.post("/switches/restore", "restore", RESTORE, key="k2")
    assert await visitor.looks("/x/somebody") == 200


async def test_a_key_acts_once_and_every_raw_call_is_counted(tmp_path: Path) -> None:
    visitor = await told(tmp_path / "log")
    first = await visitor.post("/switches/stop", "stop", STOP)
    await visitor.post("/switches/restore", "restore", RESTORE, key="k2")
    assert await visitor.post("/switches/stop", "stop", STOP) == first
    assert await visitor.looks("/x/somebody") == 200
    assert await visitor.counts("stop") == [{"what": "stop", "asset_id": "a1", "key": "k1", "raw": 2}]


async def test_a_liar_says_yes_and_lives(tmp_path: Path) -> None:
    visitor = await told(tmp_path / "log")
    await visitor.tell("manners", {"a1": {"lies": True}})
    assert await visitor.post("/switches/stop", "stop", STOP) == (200, {"done": "stop"})
    assert await visitor.looks("/x/somebody") == 200


async def test_a_receipt_names_the_notice_and_the_asset_unless_the_unit_signs_nothing(tmp_path: Path) -> None:
    visitor = await told(tmp_path / "log")
    keep = {"answer": "keep", "reason": "an election"}
    await visitor.tell("manners", {"mute": {"receipt": False}, "a2": {"answer": keep}})
    body = {"type": "notice", "asset_id": "a2"}
    _, answer = await visitor.post("/units/u1/notices", "notice", body)
    key = signing.OKPKey.import_key(signing.public(signing.unit_key(7, "u1")))
    assert json.loads(signing.jws.deserialize_compact(answer["receipt"], key, signing.ALGORITHMS).payload) == {
        "notice_sha256": hashlib.sha256(json.dumps(body).encode()).hexdigest(),
        "asset_id": "a2",
        "received_on": "2025-07-01",
        "answer": keep,
    }
    assert await visitor.post("/units/mute/notices", "notice", body, key="k9") == (200, {"received": True})


async def test_unsigned_calls_are_refused_and_change_nothing(tmp_path: Path) -> None:
    visitor = await told(tmp_path / "log")
    assert (await visitor.http.post("/switches/stop", json=STOP)).status_code == 401
    assert (await visitor.post("/switches/stop", "restore", STOP))[0] == 401
    assert await visitor.looks("/x/somebody") == 200


async def test_its_death_loses_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    await (await told(log)).post("/switches/stop", "stop", STOP)
    with log.open("a") as file:
        file.write('{"what": "stop", "page": "x/half')
    again = Visitor(log)
    assert await again.looks("/x/somebody") == 404
    assert (await again.http.get("/state")).json()["day"] == "2025-07-01"
    await again.post("/switches/stop", "stop", STOP)
    assert (await again.counts("stop"))[0]["raw"] == 2
