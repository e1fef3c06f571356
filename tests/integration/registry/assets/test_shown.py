"""What the register takes it shows, for good: by every list, by itself, in its history."""

import json
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.registry.conftest import Registry, bearer

# Signs that cannot be stored or shown, and signs that grow in small letters or in the normal form.
ODD = "\ud800\x00\uffff\r\x1b\u202e\u0301ßŉΐﷺİ\u0958\U0001d160\U0001f600"
TEXT = st.one_of(
    st.text(st.characters(), max_size=30),
    st.text(st.sampled_from(ODD), max_size=6),
    st.builds(lambda sign, times: sign * times, st.sampled_from(ODD + "a"), st.integers(1, 401)),
)
WELL = st.just("well")
UNITS = st.fixed_dictionaries(
    {
        "scheme": WELL | TEXT,
        "value": TEXT,
        "names": st.lists(st.fixed_dictionaries({"language": WELL | TEXT, "text": TEXT}), min_size=1, max_size=2),
        "level": st.none() | TEXT,
        "region": st.none() | TEXT,
        "aliases": st.lists(st.fixed_dictionaries({"scheme": WELL | TEXT, "value": TEXT}), max_size=2),
    }
)
ASSETS = st.fixed_dictionaries(
    {
        "source": WELL | TEXT,
        "on": st.just("2025-06-01"),
        "kind": st.sampled_from(["account", "app", "group"]),
        "platform": st.just("X") | TEXT,
        "address": TEXT.map("https://x.com/".__add__) | TEXT,
        "name": TEXT,
        "language": WELL | TEXT,
        "sponsor": st.fixed_dictionaries({"scheme": WELL, "value": WELL | TEXT, "name": WELL | TEXT}),
    }
)
SOME = settings(max_examples=60, suppress_health_check=list(HealthCheck))


async def sent(http: httpx.AsyncClient, path: str, body: Any) -> httpx.Response:
    headers = bearer("registrar", **{"Content-Type": "application/json"})
    reply = await http.post(path, content=json.dumps(body), headers=headers)  # escapes, so halves of characters travel
    assert reply.status_code < 500, reply.text
    return reply


async def shown(http: httpx.AsyncClient, path: str, name: str) -> None:
    listed = await http.get(path, headers=bearer("viewer"), params={"limit": 500})
    assert listed.status_code == 200, listed.text
    for item in listed.json()["items"]:
        one = await http.get(f"{path}/{item[name]}", headers=bearer("viewer"))
        assert (one.status_code, one.json()) == (200, item)


@SOME
@given(UNITS)
async def test_a_unit_that_is_taken_is_shown(http: httpx.AsyncClient, body: Any) -> None:
    if (await sent(http, "/units", body)).is_success:
        await shown(http, "/units", "unit_id")


@SOME
@given(ASSETS)
async def test_an_asset_that_is_taken_is_shown(http: httpx.AsyncClient, body: Any) -> None:
    reply = await sent(http, "/assets", body)
    if reply.is_success:
        await shown(http, "/assets", "asset_id")
        await shown(http, "/units", "unit_id")
        history = await http.get(f"/assets/{reply.json()['asset_id']}/history", headers=bearer("viewer"))
        assert history.status_code == 200, history.text


async def test_what_was_let_in_before_is_shown_too(registry: Registry, http: httpx.AsyncClient) -> None:
    """A code that was bounded before it was folded: the row stays, and so must the list."""
    body = {"scheme": "s", "value": "ß" * 200, "names": [{"language": "de", "text": "Stadt"}]}
    unit = (await sent(http, "/units", body)).json()["unit_id"]
    refused = await sent(http, "/units", body | {"value": "ß" * 201})
    assert [error["field"] for error in refused.json()["errors"]] == ["value"]
    await registry.database.pool.execute(
        "insert into unit_aliases (scheme, key, unit_id) values ('s', $1, $2)", "ss" * 201, unit
    )
    reply = await http.get("/units", headers=bearer("viewer"))
    assert {"scheme": "s", "value": "ss" * 201} in reply.json()["items"][0]["aliases"]


async def test_a_name_that_a_use_case_refuses_is_named(http: httpx.AsyncClient) -> None:
    """It reached a model of its own inside the handler, and that was a 500."""
    body = {"scheme": "s", "value": "v", "names": [{"language": "en", "text": "n" * 401}]}
    reply = await sent(http, "/units", body)
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, "names.0.text")
