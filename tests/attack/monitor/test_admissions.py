"""Who is listened to: strangers, agents that are not named, days before the admission, and what one source may undo."""

import time
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from libs.common.clock import SystemClock
from libs.common.errors import Invalid, Missing
from libs.common.events.ids import asset_id, finding_id
from libs.common.events.registry import UnitRecorded
from services.monitor.admissions.domain import NotAdmitted, Scope
from services.monitor.admissions.usecases import Gate
from services.monitor.assets import usecases as asset_usecases
from services.monitor.units import usecases as unit_usecases
from tests.integration.monitor.conftest import AGENT, ZONE, Monitor, bearer, day, millis
from tests.integration.monitor.rechecks.test_recheck import answers, ask

OTHER = "jianfu-local|other"
STRANGER = "jianfu-local|stranger"


async def truth(monitor: Monitor, asset: UUID, rule: str = "C06") -> str:
    return {shown.code: shown.truth for shown in (await monitor.why(asset)).rules}[rule]


async def silent_days(monitor: Monitor, source: str, days: range, assets: list[UUID], agent: str = AGENT) -> None:
    for number in days:
        monitor.at(number)
        await monitor.state(source, number, assets, 0, agent=agent)


async def test_a_source_nobody_admitted_says_nothing(monitor: Monitor, http: httpx.AsyncClient) -> None:
    """102 past days of somebody else's account, from a source that exists because an agent says so."""
    account = await monitor.record("victim", opened_on=day(-400))
    monitor.at(102)
    line = {"asset_id": str(account), "measure": "posts_total", "ts": millis(day(102)), "value": 0}
    monitor.admitted.add("stranger")
    for number in range(103):
        with pytest.raises(NotAdmitted):
            await monitor.state("stranger", number, [account], 0)
    for path, body in (
        ("/usage", {"records": [line]}),
        ("/statements", {"day": str(day(102)), "records": 0, "assets": []}),
    ):
        answer = await http.post(path, json=body | {"source": "stranger"}, headers=bearer("agent"))
        assert (answer.status_code, answer.json()["code"]) == (403, "not_admitted"), answer.text
        assert answer.json()["errors"][0]["field"] == "source"
    for number in (102, 103):
        monitor.at(number)
        assert (await monitor.sweep())["opened"] == 0
    assert await monitor.database.pool.fetchval("select count(*) from source_days") == 0


async def test_terms_alone_admit_nobody(monitor: Monitor, http: httpx.AsyncClient) -> None:
    answer = await http.put("/sources/s", json={"rhythm_days": 2}, headers=bearer("operator"))
    assert (answer.json()["healthy"], answer.json()["code"], answer.json()["admission"]) == (False, "unadmitted", None)
    monitor.admitted.add("s")
    with pytest.raises(NotAdmitted):
        await monitor.state("s", 0, [uuid4()], 0)


async def test_silence_counts_from_the_day_of_admission(monitor: Monitor) -> None:
    account = await monitor.record("quiet", opened_on=day(-400))
    monitor.at(60)
    await monitor.admit("s", since=60)
    for number in (15, 40, 59):
        with pytest.raises(Invalid) as refused:
            await monitor.state("s", number, [account], 0)
        assert refused.value.field == "day"
        assert str(day(60)) in str(refused.value.accepted)
    await silent_days(monitor, "s", range(60, 75), [account])
    assert (await monitor.signals(account))["days_observed_silent"] == 15
    with pytest.raises(Invalid):
        await monitor.admit("t", since=60, today=74)


@pytest.mark.parametrize("agent", [STRANGER, "elsewhere|somebody"])
async def test_only_the_agents_that_the_admission_names_speak(
    monitor: Monitor, http: httpx.AsyncClient, agent: str
) -> None:
    await monitor.admit("s", agent)
    with pytest.raises(NotAdmitted):
        await monitor.state("s", 0, [uuid4()], 0)
    usage = {"source": "s", "records": [{"asset_id": str(uuid4()), "measure": "posts", "ts": millis(day(0))}]}
    assert (await http.post("/usage", json=usage, headers=bearer("agent"))).status_code == 403
    assert await monitor.state("s", 0, [uuid4()], 0, agent=agent) == "applied"


async def test_what_a_blind_source_watches_stays_unknown_whatever_a_new_one_says(monitor: Monitor) -> None:
    account = await monitor.record("watched")
    await monitor.admit("old")
    await silent_days(monitor, "old", range(6), [account])
    await monitor.admit("new", OTHER, since=6)
    for number in range(6, 30):
        await silent_days(monitor, "new", range(number, number + 1), [account], agent=OTHER)
        swept = await monitor.sweep()
        assert swept["opened"] == 0
        if number > 6:
            assert (swept["unknown"], await truth(monitor, account)) == (1, "unknown")
    shown = {source.source: source for source in (await monitor.why(account)).sources}
    assert (shown["old"].watches, shown["old"].healthy, shown["new"].healthy) == (True, False, True)
    assert shown["new"].agents == [OTHER]
    # Only an operator can say that it no longer has to be waited for.
    await monitor.admit("old", ended=True, since=29, today=29)
    await silent_days(monitor, "new", range(30, 31), [account], agent=OTHER)
    assert (await monitor.signals(account))["days_observed_silent"] == 31
    assert (await monitor.sweep())["opened"] == 1


async def test_a_source_that_never_named_an_asset_leaves_it_to_others(monitor: Monitor) -> None:
    """Else one source for a whole province, once it is blind, would stop everything that it never saw."""
    account, elsewhere = await monitor.record("mine"), await monitor.record("elsewhere")
    await monitor.admit("wide")
    await monitor.admit("mine", OTHER)
    for number in range(44):
        monitor.at(number)
        if number < 29:
            await monitor.state("wide", number, [elsewhere], 0)
        await monitor.state("mine", number, [account], 0, agent=OTHER)
    assert [await truth(monitor, asset) for asset in (account, elsewhere)] == ["true", "unknown"]


@pytest.mark.parametrize("stated", [1, 20])
async def test_a_source_that_went_blind_before_it_could_name_an_asset_is_waited_for(
    monitor: Monitor, stated: int
) -> None:
    """It covers the account and has not had its four weeks: what it would have seen nobody knows."""
    account, elsewhere = await monitor.record("mine"), await monitor.record("elsewhere")
    await monitor.admit("wide")
    await silent_days(monitor, "wide", range(stated), [elsewhere])
    await monitor.admit("new", OTHER, since=stated)
    for number in range(stated, stated + 30):
        await silent_days(monitor, "new", range(number, number + 1), [account], agent=OTHER)
        await monitor.sweep()
        assert await monitor.open_rules(account) == []
    assert await truth(monitor, account) == "unknown"
    shown = {source.source: source.watches for source in (await monitor.why(account)).sources}
    assert shown == {"wide": True, "new": True}
    await monitor.admit("wide", ended=True, since=stated + 29, today=stated + 29)
    await silent_days(monitor, "new", range(stated + 30, stated + 31), [account], agent=OTHER)
    assert await truth(monitor, account) == "true"


async def test_one_post_by_any_admitted_source_clears(monitor: Monitor) -> None:
    account = await monitor.record("lives")
    await monitor.admit("old")
    await monitor.admit("new", OTHER)
    await silent_days(monitor, "old", range(16), [account])
    await monitor.sweep()
    assert await monitor.open_rules(account) == ["C06"]
    monitor.at(20)  # by now the old one is blind
    post = {"source": "new", "asset_id": str(account), "measure": "posts", "ts": millis(day(20))}
    await monitor.deliver([post], agent=OTHER)
    assert (await monitor.sweep())["cleared"] == 1
    assert (await monitor.why(account)).verdict == "ACTIVE"


async def test_a_statement_vouches_for_what_its_source_is_admitted_for(
    monitor: Monitor, http: httpx.AsyncClient
) -> None:
    """Naming somebody else's account neither vouches for it nor stands in the way of an honest statement."""
    mine, theirs = await monitor.record("mine"), await monitor.record("theirs")
    await monitor.admit("s", scope=Scope(assets=(mine,)))
    for number in range(10):
        monitor.at(number)
        taken = await monitor.states("s", number, [mine, theirs], 0)
        assert (taken.covered, taken.not_covered, taken.beyond) == (1, 1, (theirs,))
    # An admission that is widened counts from then on, for what is stated again as well.
    await monitor.admit("s", scope=Scope(assets=(mine, theirs)), since=10)
    assert (await monitor.states("s", 5, [mine, theirs], 0, revision=2)).beyond == (theirs,)
    await silent_days(monitor, "s", range(10, 16), [mine, theirs])
    assert [(await monitor.signals(asset))["days_observed_silent"] for asset in (mine, theirs)] == [16, 6]
    (latest, *_) = (await http.get("/sources/s/days", headers=bearer("viewer"))).json()["items"]
    assert (latest["covered"], latest["beyond"], latest["stated_by"]) == (2, 0, AGENT)


async def test_coverage_by_unit_reaches_all_below_it(monitor: Monitor) -> None:
    province, county, office = (uuid4() for _ in range(3))
    for unit, parent in ((office, county), (county, province), (province, office)):  # a circle ends all the same
        recorded = UnitRecorded(unit_id=unit, version=1, scheme="x", value=str(unit), names=(), parent_id=parent)
        await unit_usecases.record_unit(monitor.database, recorded)
    assets = [await monitor.record(f"a{n}", sponsor_id=unit) for n, unit in enumerate([office, county, uuid4()])]
    unread = await monitor.record("unread", sponsor_id=office)
    await monitor.database.pool.execute("update assets set sponsor_id = null where asset_id = $1", unread)
    assert await asset_usecases.register_incomplete(monitor.database)
    scope = Scope(units=(county,), platforms=("weibo",), kinds=("account",))
    await monitor.admit("s", scope=scope)
    outside = await monitor.record("x", sponsor_id=office, platform="x")
    asked = [*assets, unread, outside, uuid4()]
    assert set((await monitor.states("s", 0, asked, 0)).beyond) == {*asked[2:]}
    # The register read again, at the version that is held: whose it is is known now.
    await monitor.record("unread", sponsor_id=office)
    assert not await asset_usecases.register_incomplete(monitor.database)
    assert unread not in (await monitor.states("s", 0, asked, 0, revision=2)).beyond
    # A unit that moves takes its assets along; where it stood before is not covered any more.
    moved = UnitRecorded(unit_id=office, version=2, scheme="x", value="o", names=(), parent_id=None)
    await unit_usecases.record_unit(monitor.database, moved)
    assert (await monitor.states("s", 0, asked, 0, revision=3)).covered == 1


async def test_a_withdrawn_source_is_not_heard_and_its_days_end(monitor: Monitor) -> None:
    account = await monitor.record("a")
    await monitor.admit("s")
    await silent_days(monitor, "s", range(16), [account])
    assert await truth(monitor, account) == "true"
    await monitor.admit("s", ended=True, since=3, today=15)  # it may go back: known days become unknown
    assert await truth(monitor, account) == "unknown"
    with pytest.raises(NotAdmitted):
        await monitor.state("s", 15, [account], 0, revision=2)
    await monitor.admit("s", since=15)
    monitor.at(16)
    await monitor.state("s", 16, [account], 0)
    assert (await monitor.signals(account))["days_observed_silent"] == 2
    monitor.admitted.add("nobody")
    with pytest.raises(Missing):
        await monitor.admit("nobody", ended=True)


async def test_a_total_counts_from_those_admitted_for_the_account_alone(monitor: Monitor) -> None:
    """A reading of nothing by a stranger to the account neither makes a shell of it nor replaces what was read."""
    account = await monitor.record("read", opened_on=day(-60))
    await monitor.admit("s")
    await monitor.admit("elsewhere", OTHER, scope=Scope(platforms=("x",)))
    await monitor.admit("also", OTHER)
    line = {"asset_id": str(account), "measure": "posts_total"}

    async def read(source: str, value: int, ts: int, agent: str = OTHER) -> None:
        await monitor.deliver([line | {"source": source, "value": value, "ts": ts}], agent=agent)

    await read("elsewhere", 0, millis(day(0)) + 5)
    assert (await monitor.signals(account))["posts_total"] is None
    await read("s", 812, millis(day(0)), agent=AGENT)
    await read("also", 0, millis(day(0)) + 9)
    await read("elsewhere", 900, millis(day(0)) + 19)
    assert (await monitor.signals(account))["posts_total"] == 812
    monitor.at(2)  # the first of the two has never stated anything
    assert (await monitor.signals(account))["posts_total"] is None


@pytest.mark.parametrize(
    ("second", "named", "answer"),
    [(OTHER, True, "finding.confirmed"), (OTHER, False, "recheck.inconclusive"), (AGENT, True, "recheck.inconclusive")],
)
async def test_one_agent_alone_does_not_confirm_where_another_source_watches(
    monitor: Monitor, second: str, named: bool, answer: str
) -> None:
    account, elsewhere = await monitor.record("a"), await monitor.record("b")
    await monitor.admit("s")
    await monitor.admit("t", second)
    for number in range(17):
        await silent_days(monitor, "s", range(number, number + 1), [account])
        seen = [elsewhere, account] if named or number < 5 else [elsewhere]
        await monitor.usage("t", number, {elsewhere: 1}) if second == AGENT else await monitor.deliver(
            [{"source": "t", "asset_id": str(elsewhere), "measure": "posts", "ts": millis(day(number))}], agent=second
        )
        await monitor.database.pool.execute("update sources set floor_share = 0")
        await monitor.state("t", number, seen, 1, agent=second)
        await monitor.sweep()
    await monitor.database.pool.execute("delete from outbox")
    await ask(monitor, account, finding_id=finding_id(account, "C06", 1))
    (said,) = await answers(monitor)
    assert said["type"] == answer
    if answer == "recheck.inconclusive":
        assert "one agent's word" in said["why"]


async def test_every_change_is_recorded_and_a_repeat_changes_nothing(monitor: Monitor, http: httpx.AsyncClient) -> None:
    unit = str(uuid4())
    recorded = UnitRecorded(unit_id=UUID(unit), version=1, scheme="x", value="county", names=(), parent_id=None)
    await unit_usecases.record_unit(monitor.database, recorded)
    body: dict[str, Any] = {
        "agents": ["HTTPS://Issuer/|Agent", "https://issuer|agent"],
        "measures": ["posts", "posts"],
        "covers": {"units": [unit], "kinds": ["account"]},
        "since": str(day(3)),
        "reason": "agreed on paper",
    }
    operator = bearer("operator")
    for _ in range(2):
        answer = await http.put("/sources/s/admission", json=body, headers=operator)
        assert answer.status_code == 200, answer.text
        assert answer.json()["agents"] == ["https://issuer|agent"]
    (source,) = (await http.get("/sources", headers=bearer("viewer"))).json()["items"]
    assert (source["code"], source["admission"]) == ("unadmitted", None), "not before its first day"
    for _ in range(2):
        gone = await http.put(
            "/sources/s/withdrawal", json={"reason": "it lied", "since": "2025-01-01"}, headers=operator
        )
        assert (gone.status_code, gone.json()["admitted"]) == (200, False), gone.text
    versions = (await http.get("/sources/s/admissions", headers=bearer("auditor"))).json()["items"]
    assert [(v["version"], v["admitted"], v["since"]) for v in versions] == [
        (1, True, str(day(3))),
        (2, False, "2025-01-01"),
    ]
    changes = (await http.get("/sources/s/changes?limit=1", headers=bearer("auditor"))).json()
    assert (changes["items"][0]["what"], changes["items"][0]["actor"]) == ("withdrawal", AGENT)
    assert changes["items"][0]["before"]["units"] == [unit]
    rest = (await http.get(f"/sources/s/changes?cursor={changes['next']}", headers=bearer("auditor"))).json()
    assert [(c["what"], c["before"]) for c in rest["items"]] == [("admission", None)]
    assert (await http.get("/sources/nobody/admissions", headers=bearer("viewer"))).status_code == 404
    assert (await http.put("/sources/x/withdrawal", json={"reason": "r"}, headers=operator)).status_code == 404


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"covers": {}}, "everything"),
        ({"covers": {"everything": True, "kinds": ["account"]}}, "everything"),
        ({"covers": {"everything": True}}, "reason"),
        ({"covers": {"assets": []}}, "scope"),
        ({"covers": {"kinds": ["person"]}}, "covers.kinds.0"),
        ({"covers": {"units": [str(uuid4())]}}, "covers.units"),
        ({"covers": {"assets": [str(uuid4())]}}, "covers.assets"),
        ({"covers": {"platforms": ["x", "微博"]}}, "covers.platforms"),
        ({"covers": {"platforms": ["tiktock"]}}, "covers.platforms"),
        ({"agents": []}, "agents"),
        ({"agents": ["i|two  blanks"]}, "agents.0"),
        ({"agents": ["somebody"]}, "agents"),
        ({"agents": ["i|a\u0000"]}, "agents.0"),
        ({"measures": ["Posts"]}, "measures"),
        ({"since": str(day(-1))}, "since"),
        ({"since": "9999-12-31"}, "since"),
    ],
)
async def test_an_admission_says_for_whom_and_what(
    http: httpx.AsyncClient, changed: dict[str, Any], field: str
) -> None:
    body = {"agents": ["i|a"], "measures": ["posts"], "covers": {"platforms": ["x"]}} | changed
    answer = await http.put("/sources/s/admission", json=body, headers=bearer("operator"))
    assert answer.status_code == 422, answer.text
    assert field in answer.json()["errors"][0]["field"]
    assert answer.json()["errors"][0]["accepted"]
    assert (await http.put("/sources/s/admission", json=body, headers=bearer("viewer"))).status_code == 403


async def test_what_the_register_has_told_of_may_be_covered(monitor: Monitor, http: httpx.AsyncClient) -> None:
    account = await monitor.record("told", platform="gov-forum")
    for covers in ({"assets": [str(account)]}, {"platforms": ["gov-forum", "weibo"]}):
        body = {"agents": ["i|a"], "measures": ["posts"], "covers": covers}
        answer = await http.put("/sources/s/admission", json=body, headers=bearer("operator"))
        assert answer.status_code == 200, answer.text


async def test_what_waited_is_judged_by_the_day_on_which_it_came(monitor: Monitor) -> None:
    """Of a system clock the broker's time tells the business day; of a stepped one it says nothing."""
    then = time.time() - 3 * 86_400  # machine time
    gate = Gate(monitor.database, SystemClock(ZONE), 45)
    today, came = gate.came(), gate.came(then)
    assert (today - came).days == 3
    roll = await gate.roll(then)
    assert ((came - roll.first).days, roll.last) == (45, came)
    assert monitor.gate.came(then) == day(0)


async def test_a_copy_of_what_is_held_is_no_fault_however_late_it_comes(monitor: Monitor) -> None:
    asset = asset_id("account", "weibo", "a")
    await monitor.state("s", 0, [asset], 0)
    monitor.at(50)
    assert await monitor.state("s", 0, [asset], 0) == "unchanged"
    with pytest.raises(Invalid) as refused:
        await monitor.state("s", 0, [asset], 0, revision=2)
    assert (refused.value.field, refused.value.accepted) == ("day", f"{day(5)} to {day(50)}")
    assert await monitor.database.pool.fetchval("select revision from source_days") == 1
