"""Nasty text in every field of every way in: it is refused by name, or it is stored and then shown for good."""

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from libs.common.events.ids import unit_id
from libs.common.security import tokens
from tests.acceptance.house import SERVICES, House, declared
from tests.attack.counting import Counts

pytestmark = pytest.mark.acceptance
UNIT: dict[str, Any] = {"scheme": "s", "value": "v", "name": "n", "language": "en"}
DECLARED: dict[str, Any] = {
    "source": "nasty",
    "on": "2025-06-01",
    "kind": "account",
    "platform": "X",
    "address": "https://x.com/nasty",
    "name": "nasty",
    "language": "en",
    "sponsor": UNIT,
}
EVENT = {"id": "e", "source": "/nasty", "type": "asset.declared", "data": DECLARED}
RECORDED: dict[str, Any] = {
    "scheme": "s",
    "value": "w",
    "names": [{"language": "en", "text": "n"}],
    "level": "county",
    "region": "1",
    "aliases": [{"scheme": "t", "value": "a"}],
}
STATED: dict[str, Any] = {"source": "nasty", "day": "2025-05-31", "records": 0, "measures": ["posts"], "assets": []}
USED: dict[str, Any] = {"source": "nasty", "records": [{"asset_id": str(uuid4()), "measure": "posts", "ts": 1}]}
LETTER: dict[str, Any] = {"topic": "t", "partition": 0, "offset": 0, "reason": "r"}
ENDPOINT: dict[str, Any] = {
    "url": "http://h/n",
    "public_key": tokens.public_key(tokens.new_key("k")),
    "contact": "c",
    "honours_keys": True,
}
CONNECTOR: dict[str, Any] = {
    "stop_url": "http://h/s",
    "restore_url": "http://h/r",
    "probe_url": "http://h/{identity}",
    "honours_keys": True,
}
MANDATE: dict[str, Any] = {"rule": "C15", "max_per_day": 1, "until": "2025-12-31"}
ANY = str(uuid4())
WRITES: list[tuple[str, str, str, Any]] = [
    ("registrar", "POST", "/registry/v1/units", RECORDED),
    ("registrar", "POST", "/registry/v1/assets", DECLARED),
    ("registrar", "POST", "/registry/v1/events", EVENT),
    ("registrar", "PATCH", f"/registry/v1/assets/{ANY}", {"name": "n", "language": "en"}),
    ("operator", "POST", f"/registry/v1/assets/{ANY}/reopening", {"reason": "r"}),
    ("operator", "POST", f"/registry/v1/guard/held/{ANY}", {"decision": "drop", "reason": "r"}),
    ("agent", "POST", "/monitor/v1/statements", STATED),
    ("agent", "POST", "/monitor/v1/usage", USED),
    ("operator", "PUT", f"/decommission/v1/endpoints/{unit_id('ca-name', 'nasty unit')}", ENDPOINT),
    ("operator", "PUT", "/decommission/v1/connectors/mastodon", CONNECTOR),
    ("operator", "POST", "/decommission/v1/mandates", MANDATE),
    ("approver", "POST", f"/decommission/v1/mandates/{ANY}/revoke", {"reason": "r"}),
    ("approver", "POST", f"/decommission/v1/plans/{ANY}/reject", {"reason": "r"}),
    ("operator", "POST", f"/decommission/v1/cases/{ANY}/answers", {"answer": "keep", "reason": "r"}),
    ("operator", "POST", f"/decommission/v1/cases/{ANY}/hold", {"reason": "r"}),
    ("operator", "POST", f"/decommission/v1/notices/{ANY}/receipt", {"receipt": "0123456789"}),
    *(("operator", "POST", f"/{service}/v1/dead-letters/discard", LETTER) for service in SERVICES),
]
NAMED = [  # text that stands in an address
    ("operator", "PUT", "/decommission/v1/connectors/{}", CONNECTOR),
    ("viewer", "GET", "/monitor/v1/sources/{}/days", None),
    ("viewer", "GET", "/monitor/v1/packs/{}", None),
    ("viewer", "GET", "/monitor/v1/findings?rule={}", None),
    ("viewer", "GET", "/registry/v1/assets?source={}&platform={}", None),
    ("viewer", "GET", "/registry/v1/units?scheme={}&value={}", None),
    ("viewer", "GET", "/registry/v1/units?name={}", None),
    ("viewer", "GET", "/registry/v1/verify?address={}", None),
    ("operator", "GET", "/registry/v1/dead-letters?cursor={}", None),
    ("viewer", "GET", "/decommission/v1/cases?state={}", None),
    ("viewer", "GET", "/decommission/v1/alarms?kind={}", None),
    ("registrar", "POST", "/registry/v1/imports?mode=apply&on=2025-06-01&source={}&unit_scheme={}", None),
]
LISTS = [
    *(f"/registry/v1/{path}" for path in ("units", "assets", "guard/held", "refusals", "dead-letters", "summary")),
    *(f"/monitor/v1/{path}" for path in ("sources", "verdicts", "findings", "refusals", "dead-letters")),
    *(
        f"/decommission/v1/{path}"
        for path in (
            "cases",
            "plans",
            "mandates",
            "setup-changes",
            "alarms",
            "connectors",
            "setup-tests",
            "refusals",
            "dead-letters",
        )
    ),
]
SIGNS = ["\ud800", "\x00", "\uffff", "\ufdd0", "\r", "\x85", "\x1b[31m", "\u202e", "\u2028", "\ufeff", "\u200d"]
FILLS = ["a", "ß", "ŉ", "ΐ", "ﷺ", "\u0958", "\U0001d160", "\U0001f600", "İ"]  # some grow when folded, some in NFC
BROKER_TAKES = 20_000  # characters, six bytes each where JSON escapes them; a larger record is refused by the broker
BOUNDS = [20, 21, 41, 60, 101, 133, 134, 200, 201, 400, 1000]


def nasty(size: int) -> Iterator[str]:
    """Text that was stored and could not be shown, or was never text."""
    yield from (f"a{sign}b" for sign in SIGNS)
    yield "e" + "\u0301" * 100_000
    for at, fill in enumerate(FILLS * size):
        yield fill * BOUNDS[(at * 3) % len(BOUNDS)]


def places(body: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a body holds text."""
    if isinstance(body, str):
        yield at
    for key, part in body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ():
        yield from places(part, (*at, key))


def with_text(body: Any, at: tuple[Any, ...], text: str) -> bytes:
    """The body with one text replaced, as JSON in which halves of characters are escaped."""
    changed = copy.deepcopy(body)
    part = changed
    for key in at[:-1]:
        part = part[key]
    part[at[-1]] = text
    return json.dumps(changed).encode()


def fit(reply: httpx.Response, what: Any) -> None:
    """An answer that is none of ours is a failure, and so is one that is no problem where it refuses."""
    assert reply.status_code < 500, (what, reply.status_code, reply.text[:500])
    if reply.status_code >= 400:
        assert reply.headers["content-type"] == "application/problem+json", (what, reply.text[:500])
        assert reply.json()["code"]


async def shown(house: House, client: httpx.AsyncClient) -> None:
    """Every list answers, on every page, and every row of the register by itself."""
    headers = {"Authorization": f"Bearer {house.token('viewer', 'operator', 'auditor')}"}
    for path in LISTS:
        asked: dict[str, Any] = {"limit": 500}
        while True:
            reply = await client.get(path, headers=headers, params=asked)
            assert reply.status_code == 200, (path, reply.text[:500])
            page = reply.json()
            if path in ("/registry/v1/units", "/registry/v1/assets"):
                name = "unit_id" if path.endswith("units") else "asset_id"
                for item in page["items"]:
                    one = await client.get(f"{path}/{item[name]}", headers=headers)
                    assert (one.status_code, one.json()) == (200, item), one.text[:500]
            if not page.get("next"):
                break
            asked["cursor"] = page["next"]


async def test_every_text_is_refused_or_shown_over_http(house: House, counts: Counts, size: int) -> None:
    """Zero 5xx; what was accepted is shown by its list and by itself."""
    taken = 0
    await house.tell([declared("nasty", "Nasty Unit", house.day)], role="registrar")
    await house.quiet()
    async with httpx.AsyncClient(base_url=house.stack["address"], timeout=60) as client:
        for role, method, path, body in WRITES:
            headers = {"Authorization": f"Bearer {house.token(role)}", "Content-Type": "application/json"}
            headers["If-Match"] = '"1"'
            for at in places(body):
                for text in nasty(size):
                    content = with_text(body, at, text)
                    reply = counts.answer(await client.request(method, path, content=content, headers=headers))
                    fit(reply, (path, at, text[:10], len(text)))
                    taken += reply.is_success
        for role, method, path, body in NAMED:
            headers = {"Authorization": f"Bearer {house.token(role)}"}
            for text in nasty(size):
                where = path.replace("{}", quote(text[:5000].encode("utf-8", "surrogatepass"), safe=""))
                reply = counts.answer(await client.request(method, where, json=body, headers=headers))
                fit(reply, (path, text[:10], len(text)))
        await shown(house, client)
    assert taken > 40, "nothing was taken, so nothing is shown"


async def test_every_text_is_refused_or_shown_over_kafka(house: House, counts: Counts, size: int) -> None:
    """The same over the topics: a dead letter each, and the consumers go on."""
    for topic, role, type_, body in (
        ("jianfu.intake.lifecycle", "registrar", "asset.declared", DECLARED),
        ("jianfu.intake.sources", "agent", "source.stated", STATED),
    ):
        bearer = f"Bearer {house.token(role, subject='nasty')}"
        plain = {
            "ce_specversion": "1.0",
            "ce_type": type_,
            "ce_source": "/nasty",
            "ce_subject": "nasty",
            "ce_time": "2025-06-01T00:00:00Z",
            "ce_sequence": "1",
            "authorization": bearer,
        }
        well = json.dumps(body).encode()
        records = []
        for text in nasty(size):
            for at in places(body):
                records.append((plain, with_text(body, at, text[:BROKER_TAKES])))
            for header in ("ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "ce_sequence", "traceparent"):
                records.append((plain | {header: text[:4000]}, well))
        told: list[dict[str, Any]] = []
        for headers, value in records:
            for these, one in ((headers, value), (plain, well)):  # one that is well after each, as traffic has it
                named = {"ce_id": str(uuid4())} | these
                raw = [(name, text.encode("utf-8", "surrogatepass")) for name, text in named.items()]
                told.append({"key": b"nasty", "value": one, "headers": raw})
        await house.produce(topic, told)
        counts.others["nasty records"] += len(records)
    await house.quiet()
    async with httpx.AsyncClient(base_url=house.stack["address"], timeout=60) as client:
        for service in SERVICES:
            ready = await client.get(f"/{service}/readyz")
            assert ready.status_code == 200, ready.text
        await shown(house, client)
        letters = await house.everything("/registry/v1/dead-letters", role="operator")
        assert {letter["reason_code"] for letter in letters} <= {
            "malformed",
            "invalid",
            "unreadable_address",
            "duplicate_asset",
            "event_reused",
            "another_source",
            "reopen_too_early",
            "unknown_asset",
            "not_its_source",
            "forbidden",
            "unauthenticated",
            "out_of_scope",
        }
        assert any(letter["reason_code"] == "malformed" for letter in letters)
