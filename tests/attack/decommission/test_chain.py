"""A log that was altered stops nothing: not edited, not shortened, not rewritten whole, not with its checkpoint."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.common.security import signing, tokens
from services.decommission.cases import casework, chain
from services.decommission.cases.entries.notice import Undelivered
from services.decommission.heads import domain as head_domain
from tests.integration.decommission.conftest import SERVICE_KEY, SHORT, START, Make, Story
from tests.integration.decommission.plans.test_plans import check_file, plan_of, ready, sign

Attack = Callable[[Story, UUID], Awaitable[None]]


def edit(sql: str) -> Attack:
    """A statement of the database's owner about one case."""

    async def attack(story: Story, case: UUID) -> None:
        await story.owner(sql, case)

    return attack


async def rewrite(story: Story, case: UUID, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """The whole log anew, as the service would have written it: every hash follows, and the row counts its entries."""
    rows = await story.owner("select * from case_log where case_id = $1 order by seq", case)
    told = [{"at": r["at"], "actor": r["actor"], "kind": r["kind"], "data": json.loads(r["data"])} for r in rows]
    change(told)
    log: list[chain.Entry] = []
    for entry in told:
        log.append(chain.link(log, **entry))
    await story.owner("delete from case_log where case_id = $1", case)
    for e in log:
        await story.owner(
            "insert into case_log (case_id, seq, at, actor, kind, data, previous, sha256)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8)",
            case,
            e.seq,
            e.at,
            e.actor,
            e.kind,
            json.dumps(e.data),
            e.previous,
            e.sha256,
        )
    await story.owner("update cases set version = $2 where case_id = $1", case, len(log))


def sooner(log: list[dict[str, Any]]) -> None:
    """Everything ten days ago: the public notice would be over."""
    for entry in log:
        entry["at"] -= timedelta(days=10)


async def rewritten(story: Story, case: UUID) -> None:
    await rewrite(story, case, sooner)


async def rewritten_with_its_checkpoint(story: Story, case: UUID) -> None:
    """The checkpoint says what the new log says, with every hash right: only its signature is the old one."""
    await rewrite(story, case, sooner)
    rows = await story.owner("select seq, sha256 from case_log where case_id = $1 order by seq", case)
    for stored in await story.owner("select day, content from checkpoints where content ~ $1", str(case)):
        told = json.loads(stored["content"])
        for found in told["cases"]:
            if found["case_id"] == str(case):
                found["last"] = rows[found["entries"] - 1]["sha256"]
        text = signing.canonical(told).decode()
        await story.owner(
            "update checkpoints set content = $2, sha256 = $3 where day = $1",
            stored["day"],
            text,
            head_domain.digest(text),
        )


async def signed_by_another(story: Story, case: UUID) -> None:
    await rewritten_with_its_checkpoint(story, case)
    key = tokens.new_key(SERVICE_KEY["kid"])
    for stored in await story.owner("select day, content from checkpoints where content ~ $1", str(case)):
        forged = head_domain.sign(key, stored["day"], stored["content"])
        await story.owner("update checkpoints set signature = $2 where day = $1", stored["day"], forged)


async def checkpoints_of(story: Story, case: UUID) -> list[dict[str, Any]]:
    items = (await story.call("GET", "/checkpoints", role="public"))["items"]
    texts = [await story.call("GET", f"/checkpoints/{item['day']}", role="public") for item in items]
    return [text for text in texts if str(case) in text["text"]]


async def removed(story: Story, case: UUID) -> None:
    (*_, last) = await checkpoints_of(story, case)
    await story.owner("delete from checkpoints where day = $1::text::date", last["day"])


ATTACKS: dict[str, Attack] = {
    "day": edit("update case_log set at = at - interval '9 days' where case_id = $1 and kind = 'announced'"),
    "approvers": edit("""update case_log set data = data || '{"approvers": ["a", "b"]}' where case_id = $1
                         and kind = 'approved'"""),
    "actor": edit("update case_log set actor = 'x' where case_id = $1 and seq = 1"),
    "nothing": edit("update case_log set data = 'null' where case_id = $1 and seq = 2"),
    "last": edit("delete from case_log where case_id = $1 and kind = 'announced'"),
    "first": edit("delete from case_log where case_id = $1 and seq = 1"),
    "all": edit("delete from case_log where case_id = $1"),
    "added": edit("""insert into case_log select case_id, seq + 1, at, actor, 'archived', data, sha256, sha256
                     from case_log where case_id = $1 and kind = 'announced'"""),
    "counted": edit("update cases set version = version + 1 where case_id = $1"),
    "windows": edit("""update cases set windows = windows || '{"announce_days": 1}' where case_id = $1"""),
    "evidence": edit("""update findings set evidence = evidence || '{"basis": "another"}' where case_id = $1"""),
    "no evidence": edit("delete from findings where case_id = $1"),
    "no windows": edit("update cases set windows = '[]' where case_id = $1"),
    "rewritten": rewritten,
    "rewritten with its checkpoint": rewritten_with_its_checkpoint,
    "signed by another": signed_by_another,
    "a checkpoint less": removed,
}


@pytest.fixture
async def story(make_story: Make) -> Story:
    """Public notices last longer here: the second case is announced while the first one's still runs."""
    return await make_story(windows=replace(SHORT, announce_days=4))


async def announced(story: Story, unit: UUID, *names: str) -> dict[str, UUID]:
    """Cases in their public notice, each two days later than the one before; the first is in a checkpoint by now."""
    cases = {}
    for name in names:
        await story.next_day()
        cases |= await ready(story, unit, name)
        await story.sign()
    return cases


@pytest.mark.parametrize("how", sorted(ATTACKS))
async def test_an_altered_log_stops_nothing_calls_a_person_and_holds_up_nobody(
    story: Story, unit: UUID, how: str
) -> None:
    cases = await announced(story, unit, "a", "b")
    await ATTACKS[how](story, cases["a"])
    assert await story.until(cases["b"], "closed") == "closed"
    await check_file(story, cases["b"])
    stopped = {call["asset"] for call in story.world.calls("stop")}
    rows = await story.owner("select case_id, asset_id, due_at from cases")
    assert stopped == {str(row["asset_id"]) for row in rows if row["case_id"] == cases["b"]}
    assert {row["due_at"] for row in rows if row["case_id"] == cases["a"]} == {None}
    alarms = [alarm for alarm in await story.alarms("chain-broken") if alarm["case_id"] == str(cases["a"])]
    assert len(alarms) == 1
    assert "日志" in alarms[0]["text_zh"]
    shown = await story.case(cases["a"])
    assert shown["fault"]
    for path in ("hold", "cancel", "resume", "restore", "release"):
        reply = await story.request("POST", f"/cases/{cases['a']}/{path}", {"reason": "r"})
        assert (reply.status_code, reply.json()["code"]) == (409, "chain_broken"), path
    reply = await story.request("GET", f"/cases/{cases['a']}/file", role="auditor")
    assert (reply.status_code, reply.json()["code"]) == (409, "chain_broken"), "what is known to be false is not signed"


@pytest.mark.parametrize("state", ["verifying", "verified"])
async def test_an_altered_log_ends_nothing(story: Story, unit: UUID, state: str) -> None:
    """Nor is it looked at, disposed of or closed: what was stopped stays as it is until a person has looked."""
    cases = await ready(story, unit, "a", "b")
    await story.until(cases["a"], state)
    before, looks = await story.kinds(cases["a"]), len(story.world.calls("probe"))
    await ATTACKS["actor"](story, cases["a"])
    assert await story.until(cases["b"], "closed") == "closed"
    assert await story.kinds(cases["a"]) == before
    assert story.events("case.closed", UUID((await story.case(cases["a"]))["asset_id"])) == []
    assert len(await story.alarms("chain-broken")) == 1
    assert len(story.world.calls("probe")) - looks <= 8, "only b's page was looked at"


async def test_an_owner_who_leaves_no_checkpoint_at_all_is_found_out_by_the_sealed_plan(
    story: Story, unit: UUID
) -> None:
    """With every trace in the database gone the signed text still says how the log stood."""
    cases = await announced(story, unit, "a", "b")
    await rewrite(story, cases["a"], sooner)
    await story.owner("delete from checkpoints")
    await story.owner("update cases set checkpoint_entries = 0")
    await story.next_day(4)
    rows = await story.owner("select asset_id from cases where case_id = $1", cases["b"])
    assert {call["asset"] for call in story.world.calls("stop")} == {str(rows[0]["asset_id"])}
    assert await story.state(cases["a"]) == "needs_person"
    (alarm,) = await story.alarms("plan-altered")
    assert "log" in alarm["text_en"]


async def test_a_broken_case_is_left_out_of_a_plan_of_its_approval_and_of_its_rejection(
    story: Story, unit: UUID
) -> None:
    asset = {}
    for name in ("a", "b", "c"):
        asset[name], case = await story.flagged(name, unit)
        asset[name + " case"] = case
    for name in ("a", "b", "c"):
        story.world.manners(asset[name], answer={"answer": "close"})
    await story.owner("update cases set due_at = due_at + interval '1 hour'")
    await story.round()
    await ATTACKS["actor"](story, asset["a case"])  # before it is sealed
    while not (await story.call("GET", "/plans"))["items"]:
        await story.next_day()
    plan = await plan_of(story)
    assert {member["case_id"] for member in plan["content"]["members"]} == {
        str(asset[f"{name} case"]) for name in ("b", "c")
    }
    await ATTACKS["actor"](story, asset["b case"])  # before it is approved
    await sign(story, plan, "ada")
    assert (await sign(story, plan, "bo")).json()["state"] == "approved"
    await story.round()
    assert (await story.kinds(asset["c case"]))[-1] == "announced"
    assert "approved" not in await story.kinds(asset["b case"])
    body = {"reason": "no"}
    await story.call("POST", f"/plans/{plan['plan_id']}/reject", body, role="approver", who="di")
    assert "unplanned" in await story.kinds(asset["c case"])
    assert {alarm["case_id"] for alarm in await story.alarms("chain-broken")} == {
        str(asset[f"{name} case"]) for name in ("a", "b")
    }
    assert story.world.calls("stop") == []


async def test_a_log_that_was_put_back_goes_on(story: Story, unit: UUID) -> None:
    cases = await announced(story, unit, "a")
    kept = await story.owner("select data from case_log where case_id = $1 and kind = 'approved'", cases["a"])
    await ATTACKS["approvers"](story, cases["a"])
    await story.next_day(2)
    assert (await story.case(cases["a"]))["fault"]
    await story.owner(
        "update case_log set data = $2::text::jsonb where case_id = $1 and kind = 'approved'",
        cases["a"],
        kept[0]["data"],
    )
    assert (await story.case(cases["a"]))["fault"] is None
    await story.act(cases["a"], "hold")
    await story.act(cases["a"], "release")
    assert await story.until(cases["a"], "closed", days=30) == "closed"
    await check_file(story, cases["a"])


async def test_each_event_and_each_member_of_a_plan_names_the_head_of_the_log(story: Story, unit: UUID) -> None:
    asset, case = await story.flagged("told", unit)
    await story.until(case, "closed")
    log = (await story.case(case))["log"]
    told = [body for kind, body in story.told if kind.startswith("case.") and UUID(body["asset_id"]) == asset]
    assert len(told) >= 5
    assert [body["log_sha256"] for body in told] == [log[body["version"] - 1]["sha256"] for body in told]
    (member,) = (await plan_of(story))["content"]["members"]
    planned = next(entry["seq"] for entry in log if entry["kind"] == "planned")
    assert member["log_entries"] == planned - 1
    assert member["log_sha256"] == log[planned - 2]["sha256"]


async def test_a_checkpoint_of_each_day_holds_what_changed_and_follows_the_one_before(story: Story, unit: UUID) -> None:
    cases = await ready(story, unit, "a")
    await story.next_day(2)
    cases |= await ready(story, unit, "b")
    await story.next_day(2)
    listed = (await story.call("GET", "/checkpoints", role="public"))["items"]
    first = await story.call("GET", "/checkpoints?limit=2", role="public")
    rest = await story.call("GET", f"/checkpoints?cursor={first['next']}", role="public")
    assert [*first["items"], *rest["items"]] == listed
    assert [item["day"] for item in listed] == [(START + timedelta(days=n)).isoformat() for n in range(-1, 6)]
    previous, changed = head_domain.FIRST, []
    for item in listed:
        told = await story.call("GET", f"/checkpoints/{item['day']}", role="public")
        claims = signing.verify(tokens.public_key(SERVICE_KEY), told["signature"])
        assert claims == {"format": "jianfu-checkpoint/1", "day": item["day"], "sha256": told["sha256"]}
        assert signing.sha256(told["text"].encode()) == told["sha256"] == item["sha256"]
        assert told["content"]["previous"] == previous
        assert item["cases"] == len(told["content"]["cases"])
        previous = told["sha256"]
        for found in told["content"]["cases"]:
            log = (await story.case(UUID(found["case_id"])))["log"]
            assert log[found["entries"] - 1]["sha256"] == found["last"]
            assert [e["at"] for e in log[: found["entries"]] if e["at"][:10] > item["day"]] == []
        changed.append({found["case_id"] for found in told["content"]["cases"]})
    a, b = str(cases["a"]), str(cases["b"])
    assert changed == [set(), {a}, {a}, set(), {b}, {b}, set()]
    missing = await story.request("GET", "/checkpoints/2001-01-01", role="public")
    assert missing.status_code == 404


async def test_a_case_file_is_held_against_a_published_checkpoint_offline(story: Story, unit: UUID) -> None:
    cases = await announced(story, unit, "a", "b")
    assert await story.until(cases["a"], "closed") == "closed"
    published = (await checkpoints_of(story, cases["a"]))[-1]
    whole = json.dumps(published).encode()
    assert await story.file_faults(cases["a"], checkpoint=whole) == []
    others = await story.file_faults(
        cases["b"], checkpoint=json.dumps((await checkpoints_of(story, cases["a"]))[0]).encode()
    )
    assert others == ["checkpoint: it does not hold this case"]
    told = published["content"]
    for found in told["cases"]:
        found["last"] = "0" * 64
    text = signing.canonical(told).decode()
    for forged in ({"text": text}, {"text": text, "sha256": head_domain.digest(text)}, {"signature": "x"}):
        (fault,) = await story.file_faults(cases["a"], checkpoint=json.dumps(published | forged).encode())
        assert "not signed" in fault
    day = date.fromisoformat(published["day"])
    resigned = {"text": text, "signature": head_domain.sign(SERVICE_KEY, day, text)}
    (fault,) = await story.file_faults(cases["a"], checkpoint=json.dumps(published | resigned).encode())
    assert "another log" in fault


async def test_on_an_altered_checkpoint_none_is_built_and_a_person_is_called(story: Story, unit: UUID) -> None:
    await ready(story, unit, "a")
    await story.next_day(2)
    listed = (await story.call("GET", "/checkpoints", role="public"))["items"]
    day = listed[-1]["day"]
    (kept,) = await story.owner("select content from checkpoints where day = $1::text::date", day)
    await story.owner("update checkpoints set content = content || ' ' where day = $1::text::date", day)
    await story.next_day(2)
    assert (await story.call("GET", "/checkpoints", role="public"))["items"] == listed
    assert len(await story.alarms("checkpoint-altered")) == 1
    await story.owner("update checkpoints set content = $2 where day = $1::text::date", day, kept["content"])
    await story.next_day()
    assert len((await story.call("GET", "/checkpoints", role="public"))["items"]) == len(listed) + 1


@dataclass(frozen=True, kw_only=True)
class Numbers(Undelivered):
    """An entry with numbers that none of ours has."""

    status: float
    error: list[Any]


async def test_a_number_that_the_database_writes_otherwise_breaks_no_chain(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("numbers", unit)
    data: dict[str, Any] = {"status": 1e22, "error": [-0.0, 1e16, 1.5e-7, {"d": 12345678901234567e10}]}
    async with story.database.transaction("test") as conn:
        held = await casework.lock_case(story.deps, conn, case)
        await casework.append(story.deps, conn, held, Numbers(why="a test", attempt=1, **data))
    assert (await story.case(case))["fault"] is None
    assert await story.until(case, "closed") == "closed"


@pytest.mark.parametrize(
    "change",
    [
        "update case_log set data = jsonb_set(data::jsonb, '{stop_not_before}', '\"2000-01-01\"')"
        " where case_id = $1 and kind = 'announced'",
        "delete from case_log where case_id = $1 and kind = 'announced'",
        "update case_log set kind = 'unplanned' where case_id = $1 and kind = 'announced'",
        "update cases set rule = 'C99' where case_id = $1",
    ],
)
async def test_the_public_is_told_nothing_out_of_an_altered_log(story: Story, unit: UUID, change: str) -> None:
    """Neither another day nor that it was withdrawn: only that it is in doubt; and others as ever."""
    cases = await ready(story, unit, "other", "told")
    other, case = cases["other"], cases["told"]
    await story.sign()
    before = {item["case_id"]: item for item in (await story.call("GET", "/announcements", role="public"))["items"]}
    assert {item["state"] for item in before.values()} == {"announced"}
    assert "stop_not_before" in before[str(case)]["data"]
    await story.owner(change, case)
    page = await story.call("GET", "/announcements?limit=500", role="public")
    after = {item["case_id"]: item for item in page["items"]}
    assert (after[str(case)]["state"], after[str(case)]["data"]) == ("in_doubt", None)
    assert after[str(other)] == before[str(other)]
