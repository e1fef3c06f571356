"""An agent reads which of its records were refused; a key under which nothing was counted is free for mended ones."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.monitor.usage import api as api_usage
from tests.integration.monitor.conftest import Monitor, bearer, day, millis


async def refused(http: httpx.AsyncClient) -> list[dict[str, Any]]:
    return list((await http.get("/refusals", headers=bearer("agent"))).json()["items"])


async def test_refused_records_are_read_by_their_position_and_mended_under_the_same_key(
    monitor: Monitor, http: httpx.AsyncClient
) -> None:
    await monitor.hear("s")
    key = bearer("agent") | {"Idempotency-Key": "k"}
    good = {"asset_id": str(uuid4()), "measure": "posts", "ts": millis(day(0))}
    bad = [good | {"measure": "psots"}, good | {"ts": "noon"}]
    answer = await http.post("/usage", json={"source": "s", "records": bad}, headers=key)
    assert (answer.json()["accepted"], answer.json()["refused"]) == (0, 2)
    second, first = await refused(http)
    assert (first["record_id"], second["record_id"]) == ("k/records.0", "k/records.1")
    assert (first["errors"][0]["field"], second["errors"][0]["field"]) == ("measure", "ts")
    assert first["texts"]["en"] == answer.json()["rows"][0]["detail"]
    mended = await http.post("/usage", json={"source": "s", "records": [good, good]}, headers=key)
    assert (mended.status_code, mended.json()["accepted"]) == (202, 2), "nothing was counted under the key before"
    again = await http.post("/usage", json={"source": "s", "records": [good, good]}, headers=key)
    assert again.json() == mended.json()
    other = await http.post("/usage", json={"source": "s", "records": [good]}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    total = await monitor.database.pool.fetchval("select sum(total) from usage_days")
    assert total == 2, "an accepted key is counted once and not overwritten"
    assert [item["code"] for item in await refused(http)] == ["idempotency_key_reused", "malformed", "malformed"]


async def test_of_one_request_a_bounded_number_is_kept_and_a_repeat_adds_none(
    monitor: Monitor, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_usage, "NOTED", 2)
    await monitor.hear("s")
    good = {"asset_id": str(uuid4()), "measure": "posts", "ts": millis(day(0))}
    body = {"source": "s", "records": [good, *({"measure": "x"} for _ in range(5))]}
    for _ in range(2):
        await http.post("/usage", json=body, headers=bearer("agent") | {"Idempotency-Key": "k"})
    assert [item["record_id"] for item in await refused(http)] == ["k/records.2", "k/records.1"]


async def test_a_refused_statement_goes_by_its_source_day_and_revision(
    monitor: Monitor, http: httpx.AsyncClient
) -> None:
    await monitor.hear("s")
    stated = {"source": "s", "day": str(day(1)), "revision": 1, "records": 0, "assets": [], "measures": ["posts"]}
    ahead = await http.post("/statements", json=stated, headers=bearer("agent"))
    assert ahead.status_code == 422
    (refusal,) = await refused(http)
    assert (refusal["record_id"], refusal["errors"][0]["field"]) == (f"s/{day(1)}/1", "day")
    assert refusal["texts"] == ahead.json()["texts"]
    monitor.at(1)
    assert (await http.post("/statements", json=stated, headers=bearer("agent"))).status_code == 202
