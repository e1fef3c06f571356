"""The public page of a closed asset: the rule in words, its basis, the unit, what comes next."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from libs.common.events.intake import UnitRef
from libs.common.http import pages
from tests.integration.registry.conftest import Registry, bearer, declared

RULE = {
    "title": "僵尸账号(超过90天未更新) / Zombie account",
    "basis": "国办发〔2018〕123号 / 2018 No. 123 <i>",
    "label": "FRAG",
    "pack": "cn-accounts",
    "pack_version": "7.1.3",
}
HOUSE = UnitRef(scheme="ca-name", value="House", name="市政府<办公厅>", language="zh")
PAGE = {"Accept": "text/html"}


async def closed(registry: Registry, **more: Any) -> UUID:
    asset = UUID(str((await registry.take(declared("One", sponsor=HOUSE))).asset_id))
    await registry.close(asset, **more)
    return asset


async def test_a_tombstone_says_why_whose_and_what_comes_next(http: httpx.AsyncClient, registry: Registry) -> None:
    asset = await closed(registry, **RULE)
    tombstone = (await http.get(f"/tombstones/{asset}")).json()
    assert {name: tombstone[name] for name in RULE} == RULE
    assert (tombstone["rule"], tombstone["reason"], tombstone["unit"]["name"]) == ("C15", "<silent>", "市政府<办公厅>")
    assert "2026-06-01" in tombstone["next"]["zh"], "a year after the first of June"
    assert "2026-06-01" in tombstone["next"]["en"]

    reply = await http.get(f"/tombstones/{asset}", headers=PAGE)
    assert reply.headers["content-security-policy"] == pages.HEADERS["Content-Security-Policy"]
    for words in ("僵尸账号", "Zombie account", "123号", "&lt;i&gt;", "FRAG", "cn-accounts 7.1.3", "Stopped on"):
        assert words in reply.text, words
    for words in ("市政府&lt;办公厅&gt;", tombstone["next"]["zh"], tombstone["next"]["en"]):
        assert words in reply.text, words
    for never in ("<i>", "src=", "http-equiv", "<script", "href="):
        assert never not in reply.text, never


async def test_verify_says_of_a_closed_one_why(http: httpx.AsyncClient, registry: Registry) -> None:
    asset = await closed(registry, **RULE)
    verified = (await http.get("/verify", params={"address": "x.com/One"})).json()
    assert (verified["status"], verified["tombstone"]) == ("closed", f"/registry/v1/tombstones/{asset}")
    ended = verified["assets"][0]["closed"]
    assert (ended["title"], ended["basis"]) == (RULE["title"], RULE["basis"])
    assert "僵尸账号(超过90天未更新)" in verified["says"]["zh"]
    assert "Zombie" not in verified["says"]["zh"]
    assert "Zombie account" in verified["says"]["en"]


async def test_one_from_before_rules_were_told_in_words_says_what_it_knows(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    asset = await closed(registry)
    tombstone = (await http.get(f"/tombstones/{asset}")).json()
    assert {tombstone[name] for name in RULE} == {None}
    shown = (await http.get(f"/tombstones/{asset}", headers=PAGE)).text
    assert "&lt;silent&gt;" in shown
    assert "None" not in shown
    verified = (await http.get("/verify", params={"address": "x.com/One"})).json()
    assert "<silent>" in verified["says"]["en"]


async def test_a_reopened_one_says_so(http: httpx.AsyncClient, registry: Registry) -> None:
    asset = await closed(registry, **RULE)
    registry.now += timedelta(days=400)
    again = (await registry.take(declared("One", sponsor=HOUSE, on=registry.now.date()))).asset_id
    tombstone = (await http.get(f"/tombstones/{asset}")).json()
    assert (tombstone["reopened_as"], str(again) in tombstone["next"]["zh"], str(again) in tombstone["next"]["en"]) == (
        str(again),
        True,
        True,
    )


async def test_people_ask_on_a_page(http: httpx.AsyncClient, registry: Registry) -> None:
    form = await http.get("/verify", headers=PAGE)
    assert form.status_code == 200
    assert 'action="/registry/v1/verify"' in form.text
    assert "form-action 'self'" in form.headers["content-security-policy"]
    assert (await http.get("/verify")).status_code == 422, "a machine that asks nothing is told so"
    await closed(registry, **RULE)
    await registry.take(declared("<u>Two", address="https://x.com/two", sponsor=HOUSE))
    for asked, words in (
        ({"address": "x.com/One"}, ["已关停", "Closed", "Zombie account", "/registry/v1/tombstones/"]),
        ({"address": "x.com/Two"}, ["官方", "Official", "&lt;u&gt;Two", "市政府&lt;办公厅&gt;", "2025-06-01"]),
        ({"address": "x.com/tw0"}, ["不是官方", "look-alike", "https://x.com/two"]),
        ({"address": "x.com/<b>nobody", "platform": '"><b>'}, []),
        ({"address": "x.com/nobody"}, ["不能确认", "Unknown"]),
        ({"name": "<u>Two"}, ["官方", "&lt;u&gt;Two"]),
    ):
        reply = await http.get("/verify", params=asked, headers=PAGE)
        assert reply.status_code == (200 if words else 422), asked
        assert [word for word in words if word not in reply.text] == []
        assert "<b>" not in reply.text or not words
        assert "<u>" not in reply.text


async def test_a_unit_renamed_since_is_shown_with_all_its_names(http: httpx.AsyncClient, registry: Registry) -> None:
    asset = await closed(registry, **RULE)
    body = {"scheme": "ca-name", "value": "House", "names": [{"language": "en", "text": "The House"}]}
    assert (await http.post("/units", json=body, headers=bearer("registrar"))).is_success
    shown = (await http.get(f"/tombstones/{asset}", headers=PAGE)).text
    assert "The House" in shown
    assert "市政府" in shown
