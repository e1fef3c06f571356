"""Kafka records to use cases: permitted senders, repeated records, and the replay of refused records."""

import json
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import ConsumerRecord
from joserfc import jwt
from joserfc.jwk import OKPKey

from deploy.local.issuer import issue
from libs.common.dead_letters import store as dead_letter_store
from libs.common.errors import DomainError
from libs.common.events.envelope import Event, pack, unpack
from libs.common.events.intake import SourceStated
from libs.common.events.registry import AssetGone, AssetRecord
from libs.common.refusals.store import Refusal
from libs.common.security import tokens
from libs.common.security.tokens import Authenticator
from services.monitor import handlers
from services.monitor.deps import deps_of
from services.monitor.sources.statements import StaleRevision
from tests.integration.monitor.conftest import KEY, Monitor, bearer, day, millis

AGENT = issue(KEY, "somebody", ["agent"])


@pytest.fixture(autouse=True)
async def admitted(monitor: Monitor) -> None:
    """The source of these stories, and all the agents that speak in them."""
    await monitor.admit("s", *(f"jianfu-local|{name}" for name in ("somebody", "a", "o", "u")), "i|a")


def headers_of(event: Event, token: str | None, monitor: Monitor) -> list[tuple[str, bytes | None]]:
    headers = list(pack(event, sequence=1, time=monitor.clock.now()).headers)
    return headers if token is None else [*headers, ("authorization", f"Bearer {token}".encode())]


async def take(monitor: Monitor, event: Event, token: str | None = AGENT) -> None:
    """What the subscription does with one record of a topic."""
    authenticator = Authenticator(tokens.public_jwks(KEY), allow_local=True)
    deps = deps_of(monitor.database, monitor.clock, authenticator, monitor.book)
    by_type = handlers.build(deps)[event.TOPIC]
    body = event.model_dump_json().encode()
    incoming = unpack(headers_of(event, token, monitor), key=b"k", value=body)
    handler = by_type[incoming.type]
    await handler.act(handler.model.model_validate_json(incoming.body), incoming)


def stated(**changes: Any) -> SourceStated:
    return SourceStated(**{"source": "s", "day": day(0), "records": 0, "assets": (uuid4(),)} | changes)


async def days_of(monitor: Monitor) -> list[tuple[int, int]]:
    rows = await monitor.database.pool.fetch("select revision, stated from source_days")
    return [(row["revision"], row["stated"]) for row in rows]


@pytest.mark.parametrize(
    "token",
    [
        None,
        "nonsense",
        issue(KEY, "u", ["unit"]),
        issue(KEY, "o", ["operator"]),
        issue(KEY, "a", ["agent"], sources=["t", "S"]),
        issue(KEY, "a", ["agent"], sources=[]),
    ],
)
async def test_only_an_agent_of_that_source_states(monitor: Monitor, token: str | None) -> None:
    with pytest.raises(DomainError):
        await take(monitor, stated(), token)
    assert await days_of(monitor) == []


async def test_a_late_copy_of_a_replaced_statement_is_accepted(monitor: Monitor) -> None:
    await take(monitor, stated(revision=2, records=7))
    await take(monitor, stated(revision=1, records=3))
    assert await days_of(monitor) == [(2, 7)]


async def test_another_content_under_a_stored_revision_is_kept_for_a_person(monitor: Monitor) -> None:
    """A source that restates and forgets to raise the revision would else never learn that it was not heard."""
    assets = (uuid4(),)
    await take(monitor, stated(revision=2, records=7, assets=assets))
    await take(monitor, stated(revision=2, records=7, assets=assets))
    for other in ({"records": 3}, {"assets": ()}, {"measures": ("posts",)}):
        with pytest.raises(StaleRevision):
            await take(monitor, stated(**{"revision": 2, "records": 7, "assets": assets} | other))
    assert await days_of(monitor) == [(2, 7)]


async def test_every_word_of_the_register_is_taken_by_its_version(monitor: Monitor) -> None:
    asset = await monitor.record("a", version=1)
    row = dict(await monitor.database.pool.fetchrow("select * from assets") or {})
    record: dict[str, Any] = row | {
        "version": 2,
        "running": "gone",
        "incarnation": 1,
        "language": "zh",
        "sponsor_id": uuid4(),
        "changed_at": monitor.clock.now(),
    }
    await take(monitor, AssetGone(**record), None)
    assert (await monitor.why(asset)).watched is False
    assert AssetGone.TOPIC == AssetRecord.TOPIC


async def test_a_refused_statement_is_replayed_through_the_same_door(monitor: Monitor, http: Any) -> None:
    event = stated()
    record = ConsumerRecord(
        event.TOPIC, 0, 3, 0, 0, b"s", event.model_dump_json().encode(), None, 1, 1, headers_of(event, AGENT, monitor)
    )
    await dead_letter_store.bury(
        monitor.database, record, None, service="monitor", refusal=Refusal.plain("invalid", "it was")
    )
    position = {"topic": event.TOPIC, "partition": 0, "offset": 3}
    (letter,) = (await http.get("/dead-letters", headers=bearer("operator"))).json()["items"]
    assert (letter["topic"], letter["reason_code"], letter["state"]) == (event.TOPIC, "invalid", "dead")
    answer = await http.post("/dead-letters/replay", json=position, headers=bearer("operator"))
    assert (answer.status_code, answer.json()) == (200, {"state": "replayed"})
    assert await days_of(monitor) == [(1, 0)]
    again = await http.post("/dead-letters/replay", json=position, headers=bearer("operator"))
    assert (again.status_code, again.json()["code"]) == (409, "dead_letter_settled")


async def test_what_was_sent_with_a_good_token_can_be_replayed_when_that_has_expired(
    monitor: Monitor, http: Any
) -> None:
    """The broker says when it was sent; of a record in which only the sender does so, the token has to be good now."""
    now = int(time.time())
    claims = {
        "iss": "i",
        "aud": tokens.AUDIENCE,
        "sub": "a",
        "roles": ["agent"],
        "sources": ["s"],
        "iat": now - 9 * 3600,
        "exp": now - 3600,
    }
    old = jwt.encode({"alg": "Ed25519", "kid": KEY["kid"]}, claims, OKPKey.import_key(KEY), ["Ed25519"])
    beacon = {"source": "s", "asset_id": str(UUID(int=5)), "measure": "posts", "ts": millis(day(0))}
    event = stated(records=1, measures=("posts",))
    count = json.dumps(beacon).encode()
    for n, (by_the_broker, status) in enumerate([(0, 401), (1, 200)]):
        at = (now - 5 * 3600) * 1000
        records = [
            ConsumerRecord(
                "jianfu.intake.usage",
                1,
                n,
                at,
                by_the_broker,
                b"k",
                count,
                None,
                1,
                1,
                (("authorization", f"Bearer {old}".encode()),),
            ),
            ConsumerRecord(
                event.TOPIC,
                1,
                n,
                at,
                by_the_broker,
                b"s",
                event.model_dump_json().encode(),
                None,
                1,
                1,
                headers_of(event, old, monitor),
            ),
        ]
        for record in records:
            await dead_letter_store.bury(
                monitor.database, record, None, service="monitor", refusal=Refusal.plain("invalid", "it was")
            )
            position = {"topic": record.topic, "partition": 1, "offset": n}
            answer = await http.post("/dead-letters/replay", json=position, headers=bearer("operator"))
            assert answer.status_code == status, answer.text
    assert await days_of(monitor) == [(1, 1)]


@pytest.mark.parametrize(
    ("payload", "token", "status"),
    [
        ({"measure": "posts", "ts": millis(day(0))}, AGENT, 200),
        ({"measure": "posts", "ts": "never"}, AGENT, 422),
        ({"measure": "posts", "ts": millis(day(0))}, None, 401),
        ({"measure": "posts", "ts": millis(day(0))}, issue(KEY, "a", ["agent"], sources=["t"]), 422),
        (None, AGENT, 422),
    ],
)
async def test_refused_usage_is_counted_once_it_can_be(
    monitor: Monitor, http: Any, payload: dict[str, Any] | None, token: str | None, status: int
) -> None:
    value = None if payload is None else json.dumps({"source": "s", "asset_id": str(UUID(int=5))} | payload).encode()
    headers = () if token is None else (("authorization", f"Bearer {token}".encode()),)
    record = ConsumerRecord("jianfu.intake.usage", 1, 9, 0, 0, b"k", value, None, 1, 1, headers)
    await dead_letter_store.bury(
        monitor.database, record, None, service="monitor", refusal=Refusal.plain("malformed", "it was")
    )
    position = {"topic": "jianfu.intake.usage", "partition": 1, "offset": 9}
    for expected in (status, 409 if status == 200 else status):
        answer = await http.post("/dead-letters/replay", json=position, headers=bearer("operator"))
        assert answer.status_code == expected, answer.text
    assert await monitor.database.pool.fetchval("select coalesce(sum(total), 0) from usage_days") == (status == 200)


async def test_what_never_was_a_dead_letter_cannot_be_replayed(http: Any) -> None:
    position = {"topic": "jianfu.registry", "partition": 0, "offset": 1}
    answer = await http.post("/dead-letters/replay", json=position, headers=bearer("operator"))
    assert answer.status_code == 404


async def test_dead_letters_come_page_by_page_and_what_is_given_up_leaves_the_list(monitor: Monitor, http: Any) -> None:
    for offset in range(5):
        record = ConsumerRecord("jianfu.registry", 2, offset, 0, 0, b"k", b"{}", None, 1, 1, ())
        await dead_letter_store.bury(
            monitor.database, record, None, service="monitor", refusal=Refusal.plain("malformed", "no envelope")
        )
    seen, cursor = [], ""
    while True:
        page = (await http.get(f"/dead-letters?limit=2{cursor}", headers=bearer("auditor"))).json()
        seen += [letter["offset"] for letter in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [0, 1, 2, 3, 4]
    odd = await http.get("/dead-letters?cursor=yesterday", headers=bearer("auditor"))
    assert (odd.status_code, odd.json()["errors"][0]["field"]) == (422, "cursor")

    given_up = {"topic": "jianfu.registry", "partition": 2, "offset": 3, "reason": "a test of the sender's"}
    for who, body, status in (
        ("auditor", given_up, 403),
        ("operator", given_up | {"reason": ""}, 422),
        ("operator", given_up, 200),
        ("operator", given_up, 409),
    ):
        assert (await http.post("/dead-letters/discard", json=body, headers=bearer(who))).status_code == status
    left = (await http.get("/dead-letters", headers=bearer("auditor"))).json()["items"]
    assert [letter["offset"] for letter in left] == [0, 1, 2, 4]
    kept = (await http.get("/dead-letters?state=discarded", headers=bearer("auditor"))).json()["items"]
    assert [letter["offset"] for letter in kept] == [3], "it stays to be read"
