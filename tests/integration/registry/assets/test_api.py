"""The registry over HTTP: refusals, versions, repeated requests, cursors, and the public view."""

from uuid import UUID

import httpx
import pytest

from tests.integration.registry.conftest import TODAY, Registry, bearer, csv_of, declared, delisted

REGISTRAR = bearer("registrar")
VIEWER = bearer("viewer")
NOBODY = UUID(int=1)  # no asset's id, and the same in every worker


def body(name: str, **more: object) -> dict[str, object]:
    return declared(name).model_dump(mode="json") | more


async def record(http: httpx.AsyncClient, name: str, **headers: str) -> httpx.Response:
    return await http.post("/assets", json=body(name), headers=REGISTRAR | headers)


@pytest.mark.parametrize(
    ("method", "path", "roles"),
    [
        ("POST", "/assets", ("viewer", "operator", "agent")),
        ("PATCH", f"/assets/{NOBODY}", ("viewer", "operator", "agent")),
        ("POST", f"/assets/{NOBODY}/reopening", ("viewer", "registrar", "unit")),
        ("POST", "/events", ("viewer", "operator", "agent")),
        ("POST", f"/imports?source=s&on={TODAY}", ("viewer", "operator", "unit")),
        ("POST", f"/guard/held/{NOBODY}", ("viewer", "registrar", "unit")),
        ("GET", "/guard/held", ("unit", "agent")),
        ("POST", "/units", ("viewer", "operator", "unit")),
        ("GET", "/assets", ("clock",)),
        ("GET", f"/assets/{NOBODY}", ("clock",)),
        ("GET", f"/assets/{NOBODY}/history", ("agent", "clock")),
        ("GET", "/summary", ("agent", "clock")),
        ("GET", "/units", ("agent", "clock")),
    ],
)
async def test_every_door_asks_for_its_role(
    http: httpx.AsyncClient, method: str, path: str, roles: tuple[str, ...]
) -> None:
    assert (await http.request(method, path)).status_code == 401
    for role in roles:
        refused = await http.request(method, path, headers=bearer(role), json={})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), role


async def test_the_same_thing_twice_is_refused_and_shown_with_its_twin(http: httpx.AsyncClient) -> None:
    first = (await record(http, "a")).json()
    again = await http.post("/assets", json=body("a", address="https://twitter.com/A?hl=en"), headers=REGISTRAR)
    assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")
    problem = again.json()
    assert (problem["code"], problem["errors"][0]["field"]) == ("duplicate_asset", "address")
    assert first["asset_id"] in problem["texts"]["zh"]
    assert first["asset_id"] in problem["texts"]["en"]


async def test_a_request_repeated_under_its_key_gets_its_answer_and_another_one_does_not(
    http: httpx.AsyncClient,
) -> None:
    first = await record(http, "a", **{"Idempotency-Key": "k"})
    again = await record(http, "a", **{"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert again.headers["etag"] == '"1"'
    other = await record(http, "b", **{"Idempotency-Key": "k"})
    assert other.status_code in (409, 422)


async def test_a_correction_needs_the_version_that_was_read(http: httpx.AsyncClient) -> None:
    path = f"/assets/{(await record(http, 'a')).json()['asset_id']}"
    assert (await http.patch(path, json={"name": "b"}, headers=REGISTRAR)).status_code == 422
    changed = await http.patch(path, json={"name": "b"}, headers=REGISTRAR | {"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    late = await http.patch(path, json={"name": "c"}, headers=REGISTRAR | {"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (409, "version_conflict")
    assert (await http.get(path, headers=VIEWER)).json()["name"] == "b"


async def test_an_opening_to_come_is_refused_naming_the_field(http: httpx.AsyncClient, registry: Registry) -> None:
    mine = (await registry.take(declared("a", unit="mine"))).asset_id
    me = bearer("unit", unit="ca-name:Mine") | {"If-Match": '"1"'}
    for method, path, sent in (
        ("PATCH", f"/assets/{mine}", {"opened_on": "2025-06-02"}),
        ("POST", "/assets", declared("b", unit="mine").model_dump(mode="json") | {"opened_on": "2025-06-02"}),
    ):
        refused = await http.request(method, path, json=sent, headers=me)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "opened_on")
    assert (await http.patch(f"/assets/{mine}", json={"opened_on": "2025-06-01"}, headers=me)).status_code == 200


async def test_a_unit_corrects_its_own_and_no_other(http: httpx.AsyncClient, registry: Registry) -> None:
    mine, other = [(await registry.take(declared(name, unit=name))).asset_id for name in ("mine", "other")]
    me = bearer("unit", unit="ca-name:Mine") | {"If-Match": '"1"'}
    assert (await http.patch(f"/assets/{mine}", json={"name": "x"}, headers=me)).status_code == 200
    refused = await http.patch(f"/assets/{other}", json={"name": "x"}, headers=me)
    assert (refused.status_code, refused.json()["code"]) == (403, "out_of_scope")
    for scope in (None, "", "ca-name:", ":mine", "ca-name", "ca-name:\0"):
        nobody = bearer("unit", unit=scope) | {"If-Match": '"1"'}
        assert (await http.patch(f"/assets/{other}", json={"name": "x"}, headers=nobody)).status_code in (403, 422)


async def test_lists_go_on_from_their_cursor_up_to_500(http: httpx.AsyncClient, registry: Registry) -> None:
    await registry.bring_in(csv_of(*(f"a{n}" for n in range(5))))
    for path in ("/assets", "/units"):
        assert (await http.get(path, params={"limit": 501}, headers=VIEWER)).status_code == 422
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await http.get("/assets", params={"limit": "2"} | cursor, headers=VIEWER)).json()
        seen += [item["asset_id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen)
    history = f"/assets/{seen[0]}/history"
    assert len((await http.get(history, headers=VIEWER)).json()["items"]) == 1
    assert (await http.get(history, params={"cursor": 1 << 40}, headers=VIEWER)).json()["items"] == []


async def test_an_agent_finds_the_ids_of_the_assets_it_reports_on(http: httpx.AsyncClient, registry: Registry) -> None:
    asset = (await registry.take(declared("a"))).asset_id
    listed = await http.get("/assets", params={"source": "list"}, headers=bearer("agent"))
    assert [item["asset_id"] for item in listed.json()["items"]] == [str(asset)]
    assert (await http.get(f"/assets/{asset}", headers=bearer("agent"))).json()["identity"] == "a"


async def test_a_unit_is_found_by_a_code_and_by_the_beginning_of_a_name(http: httpx.AsyncClient) -> None:
    for value, name, alias in (("115A", "Ministère de l'Été", "Summer"), ("115B", "ministère_x", "Other")):
        sent = {
            "scheme": "cn-code",
            "value": value,
            "names": [{"language": "fr", "text": name}],
            "aliases": [{"scheme": "ca-name", "value": alias}],
        }
        assert (await http.post("/units", json=sent, headers=REGISTRAR)).status_code == 201

    async def listed(**asked: str) -> list[str]:
        answer = await http.get("/units", params=asked, headers=VIEWER)
        assert answer.status_code == 200, answer.text
        return sorted(item["value"] for item in answer.json()["items"])

    assert await listed() == await listed(name="MINISTÈRE") == ["115A", "115B"]
    assert await listed(scheme="cn-code", value="115a") == ["115A"]
    assert await listed(scheme="ca-name", value=" SUMMER ") == ["115A"]
    assert await listed(name="ministère  de l'été") == ["115A"]
    for name in ("Été", "ministèrex", "ministère%", "ministère_d"):
        assert await listed(name=name) == []
    assert await listed(name="ministère_") == ["115B"]
    assert await listed(scheme="ca-name", value="115A") == []
    assert await listed(scheme="cn-code", value="115A", name="other") == []
    for asked, field in (
        ({"scheme": "a"}, "value"),
        ({"value": "a"}, "scheme"),
        ({"name": " "}, "name"),
        ({"scheme": "a", "value": "\0"}, "value"),
    ):
        refused = await http.get("/units", params=asked, headers=VIEWER)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    first = (await http.get("/units", params={"name": "m", "limit": 1}, headers=VIEWER)).json()
    rest = (await http.get("/units", params={"name": "m", "cursor": first["next"]}, headers=VIEWER)).json()
    assert sorted(item["value"] for item in first["items"] + rest["items"]) == ["115A", "115B"]


async def test_a_twin_by_event_is_an_outcome_that_names_it(http: httpx.AsyncClient, registry: Registry) -> None:
    recorded = (await registry.take(declared("a", source="other"))).asset_id
    sent = {"id": "1", "source": "/t", "type": "asset.declared", "data": body("a")}
    for _ in range(2):
        reply = (await http.post("/events", json=sent, headers=REGISTRAR)).json()
        assert reply == {"outcome": "duplicate", "asset_id": str(recorded)}
    other = await http.post("/events", json=sent | {"data": body("b")}, headers=REGISTRAR)
    assert (other.status_code, other.json()["code"]) == (409, "event_reused")


def gone(name: str, on: str) -> dict[str, object]:
    return {field: body(name)[field] for field in ("source", "kind", "platform", "address")} | {"on": on}


async def test_all_problems_of_an_event_are_named_at_once(http: httpx.AsyncClient) -> None:
    """Envelope and data, known and unknown fields: all problems at once, not one per attempt."""
    data = body("a") | {"nmae": "A", "on": 5, "sponsor": {"scheme": "s", "valeu": "v", "name": "n"}}
    sent = {"id": "1", "source": "/t", "type": "asset.declared", "tiem": "2025-06-01T00:00:00Z", "data": data}
    answer = await http.post("/events", json=sent, headers=REGISTRAR)
    errors = {error["field"]: error["accepted"] for error in answer.json()["errors"]}
    assert (answer.status_code, set(errors)) == (
        422,
        {"tiem", "data.nmae", "data.on", "data.sponsor.value", "data.sponsor.valeu"},
    )
    assert "expected one of data, " in errors["tiem"]
    mended = sent | {"traceparent": "00-a-b-01", "subject": "a", "data": body("a")}
    del mended["tiem"]
    assert (await http.post("/events", json=mended, headers=REGISTRAR)).status_code == 202


async def test_an_event_that_comes_late_is_taken_and_says_that_it_changed_nothing(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    recorded = (await registry.take(declared("a"))).asset_id
    late = {"id": "1", "source": "/t", "type": "asset.delisted", "data": gone("a", "2025-05-31")}
    answers = [await http.post("/events", json=late, headers=REGISTRAR) for _ in range(2)]
    for answer in answers:
        reply = answer.json()
        assert (answer.status_code, reply["outcome"], reply["asset_id"]) == (202, "unchanged", str(recorded))
        assert reply["warning"].startswith("outdated: ")
    ahead = late | {"id": "2", "data": gone("a", "2025-06-09")}
    refused = await http.post("/events", json=ahead, headers=REGISTRAR)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "on")
    assert await registry.state("a") == "draft online"


async def test_what_the_guard_holds_an_operator_releases(http: httpx.AsyncClient, registry: Registry) -> None:
    names = ("a", "b", "c")
    await registry.bring_in(csv_of(*names))
    for name in names:
        await registry.take(delisted(name))
    (recorded,) = (await http.get("/guard/held", headers=VIEWER)).json()["items"]
    path, operator = f"/guard/held/{recorded['disappearance_id']}", bearer("operator")
    assert (await http.post(path, json={"decision": "apply"}, headers=operator)).status_code == 422
    done = await http.post(path, json={"decision": "apply", "reason": "seen"}, headers=operator)
    assert done.json() == {"outcome": "gone", "asset_id": recorded["asset_id"]}
    other = await http.post(path, json={"decision": "drop", "reason": "seen"}, headers=operator)
    assert (other.status_code, other.json()["code"]) == (409, "already_decided")


async def test_the_public_page_of_a_closed_asset_shows_text_as_text(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    reply = declared("a").model_copy(update={"name": "<script>alert(1)</script>"})
    asset: UUID = (await registry.take(reply)).asset_id
    assert (await http.get(f"/tombstones/{asset}")).status_code == 404
    await registry.close(asset)
    page = await http.get(f"/tombstones/{asset}", headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "<script>" not in page.text
    assert "&lt;silent&gt;" in page.text
    assert (await http.get(f"/tombstones/{asset}")).json()["reason"] == "<silent>"


async def test_anybody_may_ask_whether_an_address_is_official(http: httpx.AsyncClient, registry: Registry) -> None:
    asset: UUID = (await registry.take(declared("Example"))).asset_id
    app = {"kind": "app", "platform": "android", "address": "cn.gov.A"}
    await registry.take(declared("App", **app))

    async def asked(address: str, **more: str) -> tuple[str, str | None]:
        listed = (await http.get("/verify", params={"address": address} | more)).json()
        return listed["status"], listed["tombstone"]

    for address in ("https://twitter.com/example?hl=en", "x.com/EXAMPLE/", "https://m.x.com/@example"):
        assert await asked(address) == ("official", None)
    assert await asked("@example", platform="Twitter") == ("official", None)
    assert await asked("cn.gov.A") == ("official", None)
    assert await asked("https://x.com/examp1e") == ("look_alike", None)
    assert await asked("https://x.com/examples") == ("unknown", None)
    await registry.take(delisted("example"))
    assert await asked("x.com/example") == ("gone", None)
    await registry.close(asset)
    assert await asked("x.com/example") == ("closed", f"/registry/v1/tombstones/{asset}")
    assert (await http.get("/verify", params={"address": "https://x.com/"})).status_code == 422


async def test_a_parent_that_nobody_has_recorded_is_refused_by_its_field(http: httpx.AsyncClient) -> None:
    body = {"scheme": "ca-name", "value": "Office", "names": [{"language": "en", "text": "Office"}]}
    body |= {"parent": {"scheme": "ca-name", "value": "Nowhere"}}
    refused = await http.post("/units", json=body, headers=REGISTRAR)
    assert (refused.status_code, refused.json()["errors"]) == (
        422,
        [{"field": "parent", "accepted": "a unit that is recorded"}],
    )
