"""Over HTTP too a sender reads its own refusals; a refused id is free, an accepted one is not."""

import json
from typing import Any

import httpx
import pytest

from deploy.local.issuer import issue
from libs.common.errors import DomainError
from libs.common.security.tokens import Principal
from tests.integration.registry.conftest import KEY, Registry, declared, delisted


def of(subject: str, *roles: str, unit: str | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue(KEY, subject, roles or ('registrar',), unit=unit)}"}


def event(which: str, noted: Any, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": which,
        "source": "/list",
        "type": noted.TYPE,
        "data": noted.model_dump(mode="json"),
    } | more


async def refused(http: httpx.AsyncClient, who: dict[str, str], query: str = "") -> list[dict[str, Any]]:
    answer = await http.get(f"/refusals{query}", headers=who)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_a_refused_event_is_read_by_its_sender_and_taken_mended_under_its_id(
    registry: Registry, http: httpx.AsyncClient
) -> None:
    ada, bo = of("ada"), of("bo")
    gone = event("7", delisted("nobody"))
    answer = await http.post("/events", json=gone, headers=ada)
    assert answer.status_code == 409, answer.text
    (noted,) = await refused(http, ada)
    assert (noted["record_id"], noted["record_type"], noted["code"]) == ("7", "asset.delisted", answer.json()["code"])
    assert noted["texts"] == answer.json()["texts"]
    assert (noted["way"], noted["place"], noted["state"]) == ("http", "POST /registry/v1/events", None)
    assert await refused(http, bo) == []
    mended = await http.post("/events", json=event("7", declared("somebody")), headers=ada)
    assert (mended.status_code, mended.json()["outcome"]) == (202, "registered")
    again = await http.post("/events", json=event("7", declared("somebody")), headers=ada)
    assert again.json() == mended.json()
    other = await http.post("/events", json=event("7", declared("another")), headers=ada)
    assert (other.status_code, other.json()["code"]) == (409, "event_reused")
    assert [item["code"] for item in await refused(http, ada)] == ["event_reused", noted["code"]]
    assert await registry.fetch("select count(*) from assets") == 1


async def test_each_refused_event_of_a_batch_is_read_by_its_sender(registry: Registry, http: httpx.AsyncClient) -> None:
    ada = of("ada")
    batch = [event("1", declared("a")), event("2", delisted("nobody")), 7, event("3", declared("b"), colour="red")]
    headers = ada | {"Content-Type": "application/cloudevents-batch+json"}
    answer = await http.post("/events", content=json.dumps(batch), headers=headers)
    assert [item["status"] for item in answer.json()["items"]] == [202, 409, 422, 422]
    noted = await refused(http, ada)
    assert [item["record_id"] for item in noted] == ["3", None, "2"]
    assert [item["code"] for item in noted] == [answer.json()["items"][n]["problem"]["code"] for n in (3, 2, 1)]
    assert {error["field"] for error in noted[0]["errors"]} == {"colour"}
    mended = await http.post("/events", json=event("2", declared("c")), headers=ada)
    assert mended.json()["outcome"] == "registered"


async def test_the_problems_of_a_body_are_listed_again_by_field(http: httpx.AsyncClient) -> None:
    ada = of("ada")
    wrong = event("8", declared("a"), colour="red", time="yesterday")
    assert (await http.post("/events", json=wrong, headers=ada)).status_code == 422
    body = declared("a").model_dump(mode="json") | {"nmae": "x"}
    assert (await http.post("/assets", json=body, headers=ada | {"Idempotency-Key": "k9"})).status_code == 422
    assert (await http.post("/assets", json=body, headers=ada)).status_code == 422
    assert (await http.post("/assets", content=b"{", headers=ada)).status_code == 422
    broken, by_address, by_key, by_id = await refused(http, ada)
    assert {error["field"] for error in by_id["errors"]} == {"colour", "time"}
    assert all(error["accepted"]["zh"] != error["accepted"]["en"] for error in by_id["errors"])
    assert (by_id["record_id"], by_key["record_id"], broken["record_id"]) == ("8", "k9", None)
    assert by_address["record_id"] == body["address"]


async def test_what_is_not_the_senders_record_is_no_refusal_of_it(http: httpx.AsyncClient) -> None:
    ada = of("ada", "viewer")
    assert (await http.post("/events", json={}, headers=ada)).status_code == 403
    assert (await http.post("/events", json={})).status_code == 401
    assert (await http.get("/assets?limit=0", headers=of("ada"))).status_code == 422
    assert await refused(http, of("ada")) == []


async def test_a_unit_that_speaks_for_another_reads_that_it_may_not(http: httpx.AsyncClient) -> None:
    county = of("clerk", "unit", unit="ca-name:County")
    answer = await http.post("/events", json=event("1", declared("a", unit="Other")), headers=county)
    assert (answer.status_code, answer.json()["code"]) == (403, "out_of_scope")
    system = of("system", "unit", unit="ca-name:county")
    assert [item["code"] for item in await refused(http, system)] == ["out_of_scope"]
    assert await refused(http, of("clerk2", "unit", unit="ca-name:Other")) == []


async def test_over_kafka_as_well_an_id_is_free_until_it_is_accepted(registry: Registry) -> None:
    who = Principal("ada", frozenset({"registrar"}))
    with pytest.raises(DomainError):
        await registry.take(delisted("nobody"), who=who, event="7")
    await registry.take(declared("first", source="first"), who=who)
    with pytest.raises(DomainError, match="recorded already"):
        await registry.take(declared("first", source="second"), who=who, event="7")
    assert await registry.outcome(declared("mended"), who=who, event="7") == "registered"
    with pytest.raises(DomainError, match="another event"):
        await registry.take(declared("other"), who=who, event="7")
