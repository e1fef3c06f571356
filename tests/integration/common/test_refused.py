"""A sender reads what was refused of its own over Kafka, and nobody else's; mended, it is taken under the same id."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from deploy.local.issuer import issue
from libs.common.db.pool import Database
from libs.common.dead_letters import api as dead_letter_api
from libs.common.http.app import create_app
from libs.common.http.bodies import Fault
from libs.common.http.guards import seal
from libs.common.refusals import noting
from libs.common.refusals import store as refusal_store
from libs.common.refusals.store import Record, Refusal, Sender
from libs.common.security import tokens
from libs.common.security.tokens import Authenticator
from libs.common.senders.aside import Bounds, Senders
from libs.common.text import Text
from tests.integration.common.stream import Recorder, consuming, produce, record
from tests.kit.waiting import eventually

KEY = tokens.new_key(tokens.LOCAL_KEY)
ADA, BO, CY = ("ada", "test:County"), ("bo", "TEST:county"), ("cy", "test:Other")


def token(who: tuple[str, str | None], *roles: str) -> str:
    return f"Bearer {issue(KEY, who[0], roles or ('unit',), unit=who[1])}"


def by(who: tuple[str, str | None], *records: dict[str, Any]) -> list[dict[str, Any]]:
    for each in records:
        each["headers"] = [*each["headers"], ("authorization", token(who).encode())]
    return list(records)


@pytest.fixture
async def http(store: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(
        "registry", title="t", description="d", authenticator=Authenticator(tokens.public_jwks(KEY), allow_local=True)
    )
    app.include_router(noting.router("registry", store))
    app.include_router(dead_letter_api.router("registry", store, {}))
    seal(app)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry/registry/v1") as client:
        yield client


async def read(http: httpx.AsyncClient, who: tuple[str, str | None], *roles: str, query: str = "") -> dict[str, Any]:
    answer = await http.get(f"/refusals{query}", headers={"Authorization": token(who, *roles)})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_sender_reads_its_own_with_reason_field_and_id_and_sends_it_mended(
    store: Database, options: Any, new_topic: Any, http: httpx.AsyncClient
) -> None:
    topic = await new_topic(outside=True)
    recorder = Recorder(store, topic)
    wrong = record("p", 3, value=b'{"thing": "p", "value": "many"}')
    slip = record("q", 4)
    slip["headers"] = [*slip["headers"], ("ce_tiem", b"now")]
    named = dict(wrong["headers"])
    await produce(options, topic, [*by(ADA, wrong), *by(CY, slip), *by(ADA, record("r", 5, ce_type=b"thing.count"))])
    senders = Senders(store, Authenticator(tokens.public_jwks(KEY), allow_local=True), topic, Bounds(refused=10))
    async with consuming(options, recorder, senders=senders) as subscription:
        await eventually(lambda: sum(subscription.done.values()) == 3)
        page = await read(http, ADA)
        assert [item["code"] for item in page["items"]] == ["unknown_type", "invalid"], "the newest first"
        refused = page["items"][1]
        assert (refused["record_id"], refused["record_type"]) == (named["ce_id"].decode(), "thing.counted")
        assert (refused["way"], refused["place"], refused["state"]) == ("kafka", f"{topic}/0/0", "dead")
        assert refused["errors"][0]["field"] == "value"
        assert set(refused["errors"][0]["accepted"]) == set(refused["texts"]) == {"zh", "en"}
        assert refused["errors"][0]["accepted"]["zh"] == "须为整数"
        assert (page["next"], page["set_aside"]) == (None, [])
        theirs = await read(http, CY)
        assert [(item["code"], item["errors"][0]["field"]) for item in theirs["items"]] == [("malformed", "ce_tiem")]
        assert theirs["items"][0]["record_id"] == dict(slip["headers"])["ce_id"].decode(), "as far as it can be read"
        assert recorder.seen == []
        await produce(options, topic, by(ADA, record("p", 3)))
        await eventually(lambda: sum(subscription.done.values()) == 4)
        assert recorder.seen == [("p", 3)], "a refused id is not remembered"
        await produce(options, topic, by(ADA, record("p", 3, value=b'{"thing": "p", "value": 9}')))
        await eventually(lambda: sum(subscription.done.values()) == 5)
        assert await recorder.effects() == [("p", 3)], "an accepted id is not overwritten"


async def test_whose_a_refusal_is_goes_by_subject_and_by_the_very_unit(
    store: Database, http: httpx.AsyncClient
) -> None:
    place = Record("POST /x", "id")
    async with store.transaction("t") as conn:
        for name, scope in (("ada", "test:county"), ("bo", "test:county"), ("cy", "test:other"), ("dan", None)):
            await refusal_store.add(
                conn,
                Sender(f"jianfu-local|{name}", scope),
                place,
                Refusal("invalid", Text("无效", name), (Fault("f", Text("中", "e")),)),
            )

    def names(page: dict[str, Any]) -> list[str]:
        return [item["texts"]["en"] for item in page["items"]]

    assert names(await read(http, ADA)) == names(await read(http, BO)) == ["bo", "ada"]
    assert names(await read(http, CY)) == ["cy"]
    assert names(await read(http, ("ada", None))) == ["ada"], "without a unit what it sent itself"
    assert names(await read(http, ("eve", "test:county"), "agent")) == [], "no unit's role, no unit's refusals"
    assert names(await read(http, ("eve", None))) == []
    assert names(await read(http, ("ada", "test:county"), "agent", query="?sender=jianfu-local|cy")) == ["ada"]
    assert names(await read(http, ("op", None), "operator")) == ["dan", "cy", "bo", "ada"]
    assert names(await read(http, ("op", None), "auditor", query="?sender=jianfu-local|cy")) == ["cy"]
    first = await read(http, ADA, query="?limit=1")
    rest = await read(http, ADA, query=f"?limit=1&cursor={first['next']}")
    assert names(first) + names(rest) == ["bo", "ada"]
    for role in ("viewer", "approver", "clock"):
        answer = await http.get("/refusals", headers={"Authorization": token(ADA, role)})
        assert answer.status_code == 403, role


async def test_of_one_sender_a_bounded_number_is_kept_and_of_others_all(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusal_store, "KEPT", 3)
    async with store.transaction("t") as conn:
        await refusal_store.add(conn, Sender("b"), Record("p"), Refusal.plain("c", "b"))
        for number in range(10):
            await refusal_store.add(conn, Sender("a"), Record("p"), Refusal.plain("c", f"{number}" * 3000))
        rows = await conn.fetch("select sender, text_en from refusals order by refusal_id")
    assert [(row["sender"], row["text_en"][:1]) for row in rows] == [("b", "b"), ("a", "7"), ("a", "8"), ("a", "9")]
    assert {len(row["text_en"]) for row in rows} == {1, 2000}
    await store.pool.execute("update refusals set at = at - interval '91 days' where sender = 'a'")
    async with store.transaction("t") as conn:
        await refusal_store.prune(conn)
    assert [row["sender"] for row in await store.pool.fetch("select sender from refusals")] == ["b"]


async def test_dead_letters_are_listed_to_their_sender_and_settled_by_operators(
    store: Database, options: Any, new_topic: Any, http: httpx.AsyncClient
) -> None:
    topic = await new_topic(outside=True)
    recorder = Recorder(store, topic)
    bad = [record("p", number, value=b"{}") for number in range(3)]
    await produce(options, topic, [*by(ADA, bad[0]), *by(CY, bad[1]), bad[2]])
    senders = Senders(store, Authenticator(tokens.public_jwks(KEY), allow_local=True), topic, Bounds(refused=10))
    async with consuming(options, recorder, senders=senders) as subscription:
        await eventually(lambda: sum(subscription.done.values()) == 3)

    async def offsets(who: tuple[str, str | None], *roles: str) -> list[int]:
        answer = await http.get("/dead-letters", headers={"Authorization": token(who, *roles)})
        return [item["offset"] for item in answer.json()["items"]]

    assert (await offsets(ADA), await offsets(BO), await offsets(CY)) == ([0], [0], [1])
    assert await offsets(("eve", None)) == []
    assert await offsets(("op", None), "operator") == [0, 1, 2]
    place = {"topic": topic, "partition": 0, "offset": 0}
    for path in ("replay", "discard"):
        body = place | ({"reason": "r"} if path == "discard" else {})
        answer = await http.post(f"/dead-letters/{path}", json=body, headers={"Authorization": token(ADA)})
        assert answer.status_code == 403
    body = place | {"reason": "the county sends it again"}
    await http.post("/dead-letters/discard", json=body, headers={"Authorization": token(ADA, "operator")})
    assert (await read(http, ADA))["items"][0]["state"] == "discarded", "its sender sees what became of it"
