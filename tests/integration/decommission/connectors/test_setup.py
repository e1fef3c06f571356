"""What is set up is judged when it is given, read back without a secret, and tried without an effect."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from services.decommission.calls import client
from services.decommission.trials import usecases as trial_usecases
from tests.integration.decommission.conftest import Story

PUBLIC = "https://platform.example"
CONNECTOR = {
    "stop_url": f"{PUBLIC}/stop",
    "restore_url": f"{PUBLIC}/restore",
    "probe_url": f"{PUBLIC}/{{identity}}",
    "honours_keys": True,
}
UNFIT = [
    "http://a:99999/{identity}",
    "http://a:0/{identity}",
    "ftp://a/{identity}",
    "http://u:p@a/{identity}",
    "http://127.0.0.1/{identity}",
    "http://127.1:8080/{identity}",
    "http://0x7f000001/{identity}",
    "http://[::1]/{identity}",
    "http://[::ffff:10.0.0.1]/{identity}",
    "http://10.1.2.3/{identity}",
    "http://169.254.169.254/{identity}",
    "http://localhost:9/{identity}",
    "http://192.0.2.1/{identity}",
    "http://a:{identity}/",
    "https://a/{identity}?access_token=abc",
    "https://a/{identity}?apiKey=abc",
]


def fault(reply: Any) -> tuple[int, str]:
    assert reply.is_error, reply.text
    assert all(error["accepted"] for error in reply.json()["errors"]), "it says what would be accepted"
    assert reply.json()["texts"]["zh"] != reply.json()["texts"]["en"]
    return reply.status_code, reply.json()["errors"][0]["field"]


@pytest.mark.parametrize("url", UNFIT)
async def test_an_address_that_the_door_would_refuse_is_refused_when_it_is_set(
    story: Story, unit: UUID, url: str
) -> None:
    for field in ("stop_url", "restore_url", "probe_url"):
        reply = await story.request("PUT", "/connectors/x", CONNECTOR | {field: url})
        assert fault(reply) == (422, field), url
    body = {"url": url.replace("{identity}", "n"), "public_key": story.world.public_key("alpha")}
    if "{identity}/" not in url:
        assert fault(await story.request("PUT", f"/endpoints/{unit}", body)) == (422, "url"), url
    assert (await story.call("GET", "/connectors/x"))["stop_url"].startswith(story.world.address), "nothing was kept"
    reply = await story.request("PUT", "/connectors/x", CONNECTOR)
    assert reply.status_code == 204, "a name that cannot be looked up now may be known when it is called"


async def test_an_exception_for_one_purpose_is_none_for_another(story: Story) -> None:
    from dataclasses import replace

    from libs.common.outbound.egress import Egress

    place = f"127.0.0.1:{story.world.port}"
    door = Egress({client.CONNECTOR: [place], client.NOTICE: [], client.PROBE: []})
    story.deps = replace(story.deps, egress=door)
    story.start()
    here = CONNECTOR | {"stop_url": f"http://{place}/s", "restore_url": f"http://{place}/r"}
    assert (await story.request("PUT", "/connectors/x", here)).status_code == 204
    looked = await story.request("PUT", "/connectors/x", here | {"probe_url": f"http://{place}/{{identity}}"})
    assert fault(looked) == (422, "probe_url")
    assert "JIANFU_DECOMMISSION_EGRESS_ALLOW_PROBE" in looked.text
    await door.close()


async def test_what_nobody_knows_is_refused_by_name(story: Story, unit: UUID) -> None:
    for platform in ("微博", "Twitter", "tiktock"):
        reply = await story.request("PUT", f"/connectors/{platform}", CONNECTOR)
        assert fault(reply) == (422, "platform")
        assert "weibo" in reply.json()["errors"][0]["accepted"]
    body = {"url": "https://unit.example/n", "public_key": story.world.public_key("alpha")}
    assert fault(await story.request("PUT", f"/endpoints/{uuid4()}", body)) == (422, "unit_id")
    terms = {"rule": "C15", "max_per_day": 1, "until": "2025-12-31"}
    assert fault(await story.request("POST", "/mandates", terms | {"rule": "C51"})) == (422, "rule")
    assert fault(await story.request("POST", "/mandates", terms | {"until": "2025-06-01"})) == (422, "until")
    assert (await story.request("POST", "/mandates", terms | {"until": "2025-06-02"})).status_code == 201


async def test_what_the_other_services_have_told_of_is_known(story: Story, unit: UUID) -> None:
    """A register may take a platform that nobody knew, a monitor may be newer than this service."""
    asset = await story.asset("odd", unit)
    assert (await story.request("PUT", "/connectors/gov-forum", CONNECTOR)).status_code == 422
    await story.owner("update subjects set platform = 'gov-forum' where asset_id = $1", asset)
    assert (await story.request("PUT", "/connectors/gov-forum", CONNECTOR)).status_code == 204
    terms = {"rule": "D07", "max_per_day": 1, "until": "2025-12-31"}
    assert (await story.request("POST", "/mandates", terms)).status_code == 422
    await story.flag(asset, "D07")
    assert (await story.request("POST", "/mandates", terms)).status_code == 201


async def test_a_mandate_that_has_ended_is_signed_by_nobody(story: Story) -> None:
    terms = {"rule": "C15", "max_per_day": 1, "until": "2025-06-03"}
    which = (await story.call("POST", "/mandates", terms))["mandate_id"]
    await story.next_day()
    await story.call("POST", f"/mandates/{which}/approvals", role="approver", who="ada")
    await story.next_day()
    late = await story.request("POST", f"/mandates/{which}/approvals", role="approver", who="bo")
    assert (late.status_code, late.json()["code"]) == (409, "mandate_ended")


async def test_a_connector_is_read_back_with_who_set_it_and_without_a_secret(story: Story) -> None:
    await story.call("PUT", "/connectors/weibo", CONNECTOR, who="con")
    # let in before secrets were refused
    await story.owner("update connectors set stop_url = stop_url || '?v=1&access_token=hush' where platform = 'weibo'")
    held = await story.call("GET", "/connectors/weibo", role="auditor")
    assert held["stop_url"] == f"{PUBLIC}/stop?v=1&access_token=***"
    assert (held["probe_url"], held["set_by"], held["last_test"]) == (
        f"{PUBLIC}/{{identity}}",
        "jianfu-local|con",
        None,
    )
    pages = [await story.call("GET", f"/connectors?limit=1{cursor}") for cursor in ("", "&cursor=weibo")]
    assert [page["items"][0]["platform"] for page in pages] == ["weibo", "x"]
    assert "hush" not in str(pages)
    assert (await story.request("GET", "/connectors/qq")).status_code == 404


async def test_a_connector_is_tried_with_a_call_that_says_so_and_does_nothing(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("calm", unit)
    await story.round()
    before = await story.case(case)
    for part, status in (("stop", 200), ("restore", 200), ("probe", 200)):
        await story.owner("update setup_tests set begun = begun - interval '11 seconds'")
        heard = await story.call("POST", "/connectors/x/test", {"part": part}, who="con")
        assert (heard["part"], heard["status"], heard["problem"], heard["by"]) == (
            part,
            status,
            None,
            "jianfu-local|con",
        )
    assert len(story.world.calls("test", "x")) == 2, "signed for the purpose `test`, as the world outside checks"
    assert story.world.calls("stop") == story.world.calls("restore") == []
    assert await story.case(case) == before, "it stands in no log"
    assert (await story.call("GET", "/connectors/x"))["last_test"]["part"] == "probe"
    tests = (await story.call("GET", "/setup-tests", role="auditor"))["items"]
    assert [each["part"] for each in tests] == ["probe", "restore", "stop"]


async def test_an_endpoint_is_tried_by_an_operator_and_by_its_own_unit(story: Story, unit: UUID) -> None:
    other = await story.unit("beta")
    heard = await story.call("POST", f"/endpoints/{unit}/test", role="unit", unit="test:alpha", who="clerk")
    assert (heard["status"], heard["by"], heard["which"]) == (200, "jianfu-local|clerk", str(unit))
    assert len(story.world.calls("test", "alpha")) == 1
    assert (await story.request("POST", f"/endpoints/{other}/test", role="unit", unit="test:alpha")).status_code == 403
    bare = await story.unit("bare", endpoint=False)
    assert (await story.request("POST", f"/endpoints/{bare}/test")).status_code == 404


async def test_what_cannot_be_heard_is_told_in_both_languages_and_kept(story: Story, unit: UUID) -> None:
    await story.connector(stop_url="http://127.0.0.1:9/stop")
    heard = await story.call("POST", "/connectors/x/test")
    assert heard["status"] is None
    assert heard["problem"] == {"zh": "无法连接", "en": "it cannot be reached"}
    await story.resited(unit, "http://10.0.0.1/n")  # let in before addresses were judged, or its name leads there now
    refused = await story.call("POST", f"/endpoints/{unit}/test")
    assert "not public" in refused["problem"]["en"], "the same door judges again"
    assert [each["problem"] is None for each in (await story.call("GET", "/setup-tests"))["items"]] == [False, False]


async def test_tests_are_few_bounded_in_time_and_stopped_by_the_kill_switch(
    story: Story, unit: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    await story.call("POST", "/connectors/x/test")
    again = await story.request("POST", "/connectors/x/test", {"part": "restore"})
    assert (again.status_code, again.json()["code"]) == (429, "tried_too_often")
    assert "Retry-After" in again.headers
    assert (await story.request("POST", f"/endpoints/{unit}/test")).status_code == 200, "another one may be tried"
    monkeypatch.setattr(trial_usecases, "A_MINUTE", 2)
    bare = await story.unit("beta")
    assert (await story.request("POST", f"/endpoints/{bare}/test")).status_code == 429
    monkeypatch.setattr(trial_usecases, "A_MINUTE", 20)
    await story.call("POST", "/kill-switch", {"on": True})
    off = await story.request("POST", f"/endpoints/{bare}/test")
    assert (off.status_code, off.json()["code"]) == (409, "switched_off")
    await story.call("POST", "/kill-switch", {"on": False})
    monkeypatch.setattr(trial_usecases, "WITHIN", 0.0)
    late = await story.call("POST", f"/endpoints/{bare}/test")
    assert (late["status"], late["problem"]["en"]) == (None, trial_usecases.LATE)


async def test_the_changes_of_set_up_show_no_secret_that_was_let_in_before(story: Story) -> None:
    await story.call("PUT", "/connectors/weibo", CONNECTOR)
    old = '{"stop_url": "https://h/s?token=hush", "honours_keys": true}'
    columns = "(what, which, before, after, actor, at)"
    add = f"insert into setup_changes {columns} values ('connector', 'x', null, $1, 'a', now())"  # noqa: S608
    await story.owner(add, old)
    changes = await story.call("GET", "/setup-changes?limit=500", role="auditor")
    assert changes["items"][-1]["after"]["stop_url"] == "https://h/s?token=***"
    assert "hush" not in str(changes)
