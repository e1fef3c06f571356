"""Who may do what over HTTP, what is public, and what never leaves."""

import json
import logging
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog

from libs.common.security import tokens
from libs.common.security.roles import ROLES
from tests.integration.decommission.conftest import Story

ANY = str(uuid4())
CONNECTOR: dict[str, Any] = {
    "stop_url": "http://h/s",
    "restore_url": "http://h/r",
    "probe_url": "http://h/{identity}",
    "honours_keys": True,
}
ROUTES: list[tuple[str, str, Any, set[str]]] = [
    ("GET", "/cases", None, {"viewer", "operator", "approver", "auditor"}),
    ("GET", f"/cases/{ANY}", None, {"viewer", "operator", "approver", "auditor"}),
    ("GET", f"/cases/{ANY}/file", None, {"auditor"}),
    ("POST", f"/cases/{ANY}/answers", {"answer": "keep"}, {"unit", "operator"}),
    ("POST", f"/cases/{ANY}/hold", {"reason": "r"}, {"operator"}),
    ("POST", f"/cases/{ANY}/release", {"reason": "r"}, {"operator"}),
    ("POST", f"/cases/{ANY}/cancel", {"reason": "r"}, {"operator"}),
    ("POST", f"/cases/{ANY}/restore", {"reason": "r"}, {"operator"}),
    ("POST", f"/cases/{ANY}/resume", {"reason": "r"}, {"operator"}),
    ("GET", "/plans", None, {"viewer", "operator", "approver", "auditor"}),
    ("GET", f"/plans/{ANY}", None, {"viewer", "operator", "approver", "auditor"}),
    ("POST", f"/plans/{ANY}/approvals", {"sha256": "0" * 64}, {"approver"}),
    ("POST", f"/plans/{ANY}/reject", {"reason": "r"}, {"approver"}),
    ("POST", f"/mandates/{ANY}/revoke", {"reason": "r"}, {"approver"}),
    ("GET", "/mandates", None, {"viewer", "operator", "approver", "auditor"}),
    ("POST", "/mandates", {"rule": "C15", "max_per_day": 1, "until": "2025-12-31"}, {"operator", "approver"}),
    ("POST", f"/mandates/{ANY}/approvals", None, {"approver"}),
    ("PUT", "/connectors/x", CONNECTOR, {"operator"}),
    ("GET", "/setup-changes", None, {"operator", "auditor"}),
    ("GET", "/targets", None, {"viewer", "operator"}),
    ("GET", "/limits", None, {"viewer", "operator", "approver", "auditor"}),
    ("POST", "/rounds", {}, {"operator"}),
    ("POST", "/kill-switch", {"on": False}, {"operator"}),
    ("GET", "/alarms", None, {"viewer", "operator", "approver", "auditor"}),
    ("GET", f"/alarms/{ANY}", None, {"viewer", "operator", "approver", "auditor"}),
    ("POST", f"/alarms/{ANY}/acknowledgement", {"reason": "r"}, {"operator", "approver"}),
    ("POST", f"/alarms/{ANY}/end", {"reason": "r"}, {"operator", "approver"}),
]


async def test_every_role_may_do_what_it_may_and_nothing_else(story: Story) -> None:
    for method, path, body, allowed in ROUTES:
        for role in sorted(ROLES):
            status = (await story.request(method, path, body, role=role)).status_code
            well = (status != 403) == (role in allowed) or (role == "unit" and role in allowed)
            assert well, (method, path, role, status)
        assert (await story.request(method, path, body, role="public")).status_code == 401, (method, path)


async def test_a_unit_sets_its_own_endpoint_and_no_other(story: Story, unit: UUID) -> None:
    other = await story.unit("beta")
    body = {"url": "http://h/n", "public_key": story.world.public_key("alpha")}
    assert (await story.request("PUT", f"/endpoints/{unit}", body, role="unit", unit="test:alpha")).status_code == 200
    assert (await story.request("PUT", f"/endpoints/{other}", body, role="unit", unit="test:alpha")).status_code == 403
    assert (await story.request("PUT", f"/endpoints/{other}", body, role="unit")).status_code == 403


async def test_each_change_of_an_endpoint_or_a_connector_says_who_made_it(story: Story) -> None:
    unit = await story.unit("alpha", endpoint=False)
    endpoint = {"url": "http://h/1", "public_key": story.world.public_key("alpha"), "contact": "Zhang San"}
    changes: list[dict[str, Any]] = [
        {},
        {},
        {"url": "http://h/2"},
        {"public_key": story.world.public_key("beta")},
        {"contact": "Li Si"},
    ]
    for number, change in enumerate(changes):
        endpoint |= change
        await story.call("PUT", f"/endpoints/{unit}", endpoint, role="operator", who=f"op{number}")
    for number, stop in enumerate(("s", "s", "t")):
        body = CONNECTOR | {"stop_url": f"http://h/{stop}"}
        await story.call("PUT", "/connectors/weibo", body, role="operator", who=f"con{number}")
    first = await story.call("GET", "/setup-changes?limit=3", role="auditor")
    rest = await story.call("GET", f"/setup-changes?cursor={first['next']}", role="auditor")
    of_unit = [each for each in first["items"] + rest["items"] if each["which"] == str(unit)]
    who = [each["actor"].removeprefix("jianfu-local|") for each in of_unit]
    assert who == ["op0", "op2", "op3", "op4"], "what changes nothing is no change"
    assert of_unit[0]["before"] is None
    assert [each["before"] for each in of_unit[1:]] == [each["after"] for each in of_unit[:-1]]
    assert [each["after"]["url"][-1] for each in of_unit] == ["1", "2", "2", "2"]
    assert len({each["after"]["key_sha256"] for each in of_unit}) == 2
    assert "Zhang" not in str(of_unit)
    of_platform = [each for each in rest["items"] if each["which"] == "weibo"]
    assert [(each["actor"], each["after"]["stop_url"]) for each in of_platform] == [
        ("jianfu-local|con0", "http://h/s"),
        ("jianfu-local|con2", "http://h/t"),
    ]
    assert of_platform[1]["before"] == of_platform[0]["after"]


async def test_a_private_key_or_none_at_all_is_refused_as_an_endpoint_s_key(story: Story, unit: UUID) -> None:
    for key in (tokens.new_key("k"), {"kty": "RSA", "n": "x", "e": "AQAB"}, {"kty": "OKP", "crv": "Ed25519", "x": "!"}):
        reply = await story.request("PUT", f"/endpoints/{unit}", {"url": "http://h/n", "public_key": key})
        assert reply.status_code == 422


@pytest.mark.parametrize("before", ["user:pass@", "user@", "@", "a%40b:c@"])
async def test_an_address_with_a_name_or_password_is_refused_where_it_is_set(
    story: Story, unit: UUID, before: str
) -> None:
    """It would be stored, shown and sent along."""
    body = {"url": f"http://{before}h/n", "public_key": story.world.public_key("alpha")}
    odd = [("url", await story.request("PUT", f"/endpoints/{unit}", body))]
    for field in ("stop_url", "restore_url", "probe_url"):
        changed = CONNECTOR | {field: f"http://{before}h/{{identity}}"}
        odd.append((field, await story.request("PUT", "/connectors/x", changed)))
    for field, reply in odd:
        assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, field), reply.text
        assert "name or password" in reply.text


async def test_what_stands_beside_a_unit_s_key_gets_into_no_case_file(story: Story, unit: UUID) -> None:
    await story.endpoint(unit, public_key=story.world.public_key("alpha") | {"issued to": "Zhang San"})
    _, case = await story.flagged("private", unit)
    await story.round()
    file = await story.call("GET", f"/cases/{case}/file", role="auditor")
    assert file["notice"]["public_key"] == story.world.public_key("alpha")


async def test_a_template_holds_the_three_names_and_names_the_asset(story: Story) -> None:
    for probe in (
        "http://h/{identity.__class__}",
        "http://h/{0}",
        "http://h/{other}",
        "ftp://h/{identity}",
        "http://h/the-same",
        "http://h/{platform}",
        "http://h/{identity:>999999999}",
        "http://h/{identity!r}",
        "http://h/{identity:{0}}",
    ):
        reply = await story.request("PUT", "/connectors/x", CONNECTOR | {"probe_url": probe})
        assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, "probe_url"), probe


async def test_what_could_not_work_is_refused_with_what_could(story: Story, unit: UUID) -> None:
    """A hold that ended yesterday would hold nothing, and nobody would notice."""
    _, case = await story.flagged("odd", unit)
    await story.round()
    past = await story.request("POST", f"/cases/{case}/hold", {"reason": "r", "until": "2025-06-01"})
    assert (past.status_code, past.json()["errors"]) == (
        422,
        [{"field": "until", "accepted": "2025-06-02 or later, or none"}],
    )
    terms = {"rule": "C\x1f", "max_per_day": 1, "until": "2025-12-31"}
    odd = await story.request("POST", "/mandates", terms)
    assert (odd.status_code, odd.json()["errors"][0]["field"]) == (422, "rule")


async def test_a_repeated_key_gets_the_first_answer_and_acts_once(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("once", unit)
    await story.round()
    body = {"reason": "a complaint"}
    first = await story.call("POST", f"/cases/{case}/hold", body, key="k1")
    again = await story.call("POST", f"/cases/{case}/hold", body, key="k1")
    assert first == again
    assert (await story.kinds(case)).count("held") == 1
    reused = await story.request("POST", f"/cases/{case}/hold", {"reason": "another"}, key="k1")
    assert (reused.status_code, reused.json()["code"]) == (409, "idempotency_key_reused")


async def test_two_requests_at_once_under_one_key_act_once(story: Story, unit: UUID) -> None:
    from tests.integration.decommission.conftest import gathered

    _, case = await story.flagged("race", unit)
    await story.round()
    path = f"/cases/{case}/hold"
    replies = await gathered(*(story.request("POST", path, {"reason": "r"}, key="k2") for _ in range(6)))
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.text for reply in replies}) == 1
    assert (await story.kinds(case)).count("held") == 1


@pytest.mark.parametrize("field", ["partition", "offset"])
async def test_a_dead_letter_s_place_is_one_that_a_record_can_have(story: Story, field: str) -> None:
    place: dict[str, Any] = {"topic": "jianfu.registry", "partition": 2**31 - 1, "offset": 2**63 - 1}
    for path, more in (("replay", {}), ("discard", {"reason": "r"})):
        assert (await story.request("POST", f"/dead-letters/{path}", place | more)).status_code == 404
        for odd in (-1, place[field] + 1, 2**100):
            reply = await story.request("POST", f"/dead-letters/{path}", place | more | {field: odd})
            assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, field), reply.text


async def test_lists_are_paged_without_gap_or_repeat(story: Story, unit: UUID) -> None:
    for n in range(7):
        await story.flagged(f"acc{n}", unit)
    seen, cursor = [], ""
    while True:
        page = await story.call("GET", f"/cases?limit=3{cursor}")
        seen += [case["case_id"] for case in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == len(set(seen)) == 7
    assert (await story.request("GET", "/cases?limit=501")).status_code == 422


async def test_the_public_sees_what_is_announced_and_what_was_withdrawn(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("told", unit)
    assert (await story.call("GET", "/announcements", role="public"))["items"] == []
    await story.announced(case)
    (item,) = (await story.call("GET", "/announcements", role="public"))["items"]
    assert item["address"] == "https://x.example/told"
    assert "zhang" not in json.dumps(item)
    story.verdicts[asset] = "refuted"
    await story.next_day(2)
    (item,) = (await story.call("GET", "/announcements", role="public"))["items"]
    assert item["state"] == "withdrawn"


async def test_the_public_key_is_public_and_the_private_half_is_not(story: Story) -> None:
    (key,) = (await story.call("GET", "/keys", role="public"))["keys"]
    assert key["kty"] == "OKP"
    assert "d" not in key


async def test_limits_and_windows_are_shown_with_how_well_they_are_established(story: Story) -> None:
    shown = await story.call("GET", "/limits")
    assert shown["limits"]["per_day"] == 100
    assert shown["windows"]["answer_days"] == 2
    assert "ASSUMED" in json.dumps(shown)


async def test_what_does_not_exist_is_missing(story: Story) -> None:
    for path in (f"/cases/{ANY}", f"/plans/{ANY}"):
        assert (await story.request("GET", path)).status_code == 404
    assert (await story.request("GET", f"/cases/{ANY}/file", role="auditor")).status_code == 404


async def test_a_person_s_contact_stays_in_its_one_table(
    story: Story, unit: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in an event, a log line, a case file, a package, or any other column."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as lines:
        _, case = await story.flagged("private", unit)
        await story.until(case, "closed")
        file = await story.call("GET", f"/cases/{case}/file", role="auditor")
    said = json.dumps([story.told, file, lines], default=str, ensure_ascii=False) + caplog.text
    assert "zhang" not in said.lower()
    tables = await story.owner(
        "select table_name from information_schema.tables where table_schema = 'public' and table_name <> 'endpoints'"
    )
    for row in tables:
        content = str(await story.owner(f"select * from {row['table_name']}"))  # noqa: S608
        assert "zhang" not in content.lower(), row["table_name"]


async def test_the_log_is_append_only_for_the_service_itself(story: Story, unit: UUID) -> None:
    import asyncpg

    await story.flagged("log", unit)
    for statement in (
        "update case_log set actor = 'x'",
        "delete from case_log",
        "update approvals set approver = 'x'",
        "update setup_changes set actor = 'x'",
        "delete from mandate_revocations",
        "delete from checkpoints",
        "update checkpoints set signature = 'x'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with story.database.pool.acquire() as conn:
                await conn.execute(statement)


async def test_quiet_waits_for_a_round_that_was_asked_for(story: Story, unit: UUID) -> None:
    asset, _case = await story.flagged("soon", unit)
    story.world.manners(asset, answer={"answer": "close"})
    await story.round()
    assert await story.executor.due() == (0, 0)
    _, _later = await story.flagged("next", unit)
    await story.call("POST", "/rounds", {})
    assert sum(await story.executor.due()) > 0
    await story.settle()
    assert await story.executor.due() == (0, 0)
    story.clock.set(story.clock.now().replace(hour=5))
    assert await story.executor.due() == (0, 0)
    await story.call("POST", "/rounds", {})
    assert sum(await story.executor.due()) > 0
    await story.settle()
    assert await story.executor.due() == (0, 0)


async def test_a_case_that_waits_for_its_recheck_is_not_due(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("waiting", unit)
    await story.announced(case)
    story.verdicts[asset] = "nothing"
    await story.next_day(2)
    assert await story.executor.due() == (0, 0)
