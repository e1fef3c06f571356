"""The same story with the process killed at every named point, once each; the end is the same.

All points are armed from the start. A service dies at the first armed point it meets, `jianfu up` starts it again, and
that point is not armed any more; so the story goes on until every point has fired.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.issuer import issue
from libs.common.events import ids
from libs.common.events.envelope import pack
from libs.common.events.intake import AssetDelisted
from libs.common.events.monitor import FindingRefuted
from libs.common.security import signing, tokens
from tests.acceptance.house import House, account, beacon, declared, new_data, stated
from tests.acceptance.points import points
from tests.acceptance.story import DAYS, DEAD, FIRST, SILENT_SINCE, Story
from tests.acceptance.world import unit_key

pytestmark = pytest.mark.acceptance
POINTS = points()

# Where each asset's case ends when nothing crashes (test_story.py shows why); crashes must not change it.
ENDS = {
    "plain": ("closed", None),
    "willing": ("closed", None),
    "paused": ("closed", None),
    "liar": ("unverified", None),
    "keeper": ("ended", "kept"),
    "told": ("ended", "kept"),
    "revived": ("ended", "refuted"),
    "returned": ("restored", None),
    "held": ("answering", None),
    "forged": ("undelivered", None),
}
CSV = "account,platform,department,language,url\na1,X,Filing Unit,en,https://x.com/a1\na2,X,Filing Unit,en,https://x.com/a2\n"


class CrashStory(Story):
    """The story, with every other thing the services can do done on the way."""

    dead = (*DEAD, "paused", "told")
    fired_file: Path
    second: dict[str, Any]

    async def deliver(self, day: date, *, blind: bool = False) -> None:
        if day == FIRST:
            await self.early_answer()
        await super().deliver(day, blind=blind)

    async def early_answer(self) -> None:
        """An answer about a case that is opened only today: refused now, understood later."""
        house = self.house
        reply = FindingRefuted(
            request_id=account("x"),
            case_id=ids.case_id(account("plain"), 1),
            finding_id=account("x"),
            asset_id=account("plain"),
            rule="C15",
            business_day=FIRST,
            signals=(),
        )
        message = pack(reply, sequence=99, time=house.instant())
        record = {"key": message.key, "value": message.body, "headers": list(message.headers)}
        await house.produce("jianfu.monitor", [record], user="admin")

    async def people(self, number: int) -> None:
        if number == DAYS - 1:
            path = f"/registry/v1/assets/{account('plain')}/reopening"
            await self.house.call("POST", path, {"reason": "it is needed again"})
            plain = await self.case_of("plain")  # closed by now: a no to its plan comes too late to change anything
            (plan,) = {entry["data"]["plan_id"] for entry in plain["log"] if entry["kind"] == "planned"}
            no = {"reason": "too late"}
            await self.house.call("POST", f"/decommission/v1/plans/{plan}/reject", no, role="approver", subject="ada")
        if number == 0:
            await self.papers()
            await self.refused()
        if number == 1:
            await self.settle_cases()
            await self.new_key()
        if number == 2:
            await self.late_receipt()
        if number == 8:
            await self.alarms_of("forged")
        await super().people(number)

    async def papers(self) -> None:
        """Units, single assets, files, corrections, a source's terms, usage over HTTP, mandates, the kill switch."""
        call = self.house.call
        await call(
            "POST",
            "/registry/v1/units",
            {"scheme": "cn-uscc", "value": "11510000008282516L", "names": [{"language": "zh", "text": "办公厅"}]},
            role="registrar",
        )
        single = json.loads(declared("single", "Filing Unit", FIRST).model_dump_json())
        await call("POST", "/registry/v1/assets", single, role="registrar", headers={"Idempotency-Key": "single"})
        await call(
            "PATCH",
            f"/registry/v1/assets/{account('single')}",
            {"name": "Single"},
            role="registrar",
            headers={"If-Match": '"1"'},
        )
        for text in (CSV, CSV.rsplit("a2", 1)[0].rsplit("\n", 1)[0] + "\n"):
            path = f"/registry/v1/imports?source=file&on={FIRST}&mode=apply&complete=true"
            await call("POST", path, text.encode(), role="registrar", headers={"Content-Type": "text/csv"})
        await self.house.tell(
            [AssetDelisted(source="file", on=FIRST, kind="account", platform="X", address="https://x.com/a1")],
            role="registrar",
        )
        await self.house.quiet()
        for held in (await call("GET", "/registry/v1/guard/held"))["items"]:
            path = f"/registry/v1/guard/held/{held['disappearance_id']}"
            await call("POST", path, {"decision": "apply", "reason": "seen"})
        await call("PUT", "/monitor/v1/sources/spare", {"rhythm_days": 2})
        await self.house.admit("spare", agents=["test", "new"])
        usage = {
            "source": "spare",
            "records": [{"asset_id": str(account("single")), "measure": "views", "ts": 1748750400000, "count": 3}],
        }
        await call("POST", "/monitor/v1/usage", usage, role="agent", headers={"Idempotency-Key": "usage"})
        body = {"rule": "C06", "max_per_day": 1, "until": str(FIRST + timedelta(days=30))}
        made = await call("POST", "/decommission/v1/mandates", body)
        mandate = made["mandate_id"]
        for who in ("ada", "bo"):
            await call("POST", f"/decommission/v1/mandates/{mandate}/approvals", role="approver", subject=who)
        path = f"/decommission/v1/mandates/{mandate}/revoke"
        await call("POST", path, {"reason": "the rule has left the pack"}, role="approver", subject="bo")
        for on in (True, False):
            await call("POST", "/decommission/v1/kill-switch", {"on": on})
        for name in ("filing", "filing-anew"):  # the address before hears of the next one
            await self.house.set_up_world(name, ids.unit_id("ca-name", "filing unit"))

    async def refused(self) -> None:
        """Records that nobody here can take yet: they become dead letters."""
        house = self.house
        self.second = tokens.new_key("second-issuer")
        bearer = f"Bearer {issue(self.second, 'new', ['agent', 'registrar'])}".encode()
        beacon_ = beacon(house, "spare", account("single"), FIRST) | {"headers": [("authorization", bearer)]}
        await house.produce("jianfu.intake.usage", [beacon_])
        for event in (stated("spare", FIRST, [account("single")], 2), declared("by-new-key", "Filing Unit", FIRST)):
            message = pack(event, sequence=1, time=house.instant())
            headers = [*message.headers, ("authorization", bearer)]
            record = {"key": message.key, "value": message.body, "headers": headers}
            await house.produce(message.topic, [record])

    async def settle_cases(self) -> None:
        """An answer over HTTP, a hold that ends by itself."""
        told = await self.case_of("told")
        body = {"answer": "keep", "reason": "by telephone"}
        path = f"/decommission/v1/cases/{told['case_id']}"
        await self.house.call("POST", f"{path}/answers", body, headers={"Idempotency-Key": "told"})
        paused = await self.case_of("paused")
        hold = {"reason": "a question", "until": str(FIRST + timedelta(days=3))}
        await self.house.call("POST", f"/decommission/v1/cases/{paused['case_id']}/hold", hold)

    async def new_key(self) -> None:
        """The second issuer's key is trusted from now on: what was refused for it can be handled."""
        house = self.house
        file = house.data / "keys" / "issuer.jwks"
        keys = json.loads(file.read_text())
        keys["keys"].append(tokens.public_key(self.second))
        file.write_text(json.dumps(keys))
        for service in ("registry", "monitor"):
            house.kill_service(service)
        await house.quiet()
        for service in ("registry", "monitor", "decommission"):
            for letter in (await house.call("GET", f"/{service}/v1/dead-letters"))["items"]:
                place = {name: letter[name] for name in ("topic", "partition", "offset")}
                await house.call("POST", f"/{service}/v1/dead-letters/replay", place)

    async def alarms_of(self, name: str) -> None:
        """Somebody is at an alarm, and says that it is over while its case still waits: the next day calls again."""
        case = await self.case_of(name)
        (alarm,) = [
            one
            for one in await self.house.everything("/decommission/v1/alarms?state=lasting")
            if one["case_id"] == case["case_id"]
        ]
        for what in ("acknowledgement", "end"):
            path = f"/decommission/v1/alarms/{alarm['alarm_id']}/{what}"
            await self.house.call("POST", path, {"reason": "the unit was telephoned"})

    async def late_receipt(self) -> None:
        """The unit that answered without a receipt sends one after all."""
        case = await self.case_of("deaf")
        file = await self.house.call("GET", f"/decommission/v1/cases/{case['case_id']}/file", role="auditor")
        claims = {
            "notice_sha256": signing.sha256(file["notice"]["body"].encode()),
            "asset_id": str(account("deaf")),
            "received_on": str(self.house.day),
        }
        receipt = {"receipt": signing.sign(unit_key("deaf-unit"), claims)}
        await self.house.call("POST", f"/decommission/v1/notices/{case['case_id']}/receipt", receipt)


@pytest.fixture(scope="module")
async def story(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CrashStory]:
    folder = tmp_path_factory.mktemp("crash")
    (folder / "points").write_text("\n".join(POINTS) + "\n")
    house = House(
        new_data(folder),
        JIANFU_CRASH_POINTS=str(folder / "points"),
        JIANFU_CRASH_FIRED=str(folder / "fired"),
        JIANFU_REGISTRY_GUARD_SHARE="0",
        JIANFU_REGISTRY_GUARD_FLOOR="0",
    )
    house.start()
    try:
        told = CrashStory(house)
        told.fired_file = folder / "fired"
        await told.play()
        yield told
    finally:
        await house.end()


@pytest.mark.parametrize("point", POINTS)
def test_the_process_was_killed_here_and_the_story_went_on(story: CrashStory, point: str) -> None:
    fired = Counter(story.fired_file.read_text().split())
    assert fired[point] == 1


def test_every_case_ends_where_it_ends_without_crashes(story: CrashStory) -> None:
    ended: dict[str, Any] = {}
    for name in ENDS:
        case = story.cases[name]
        ended[name] = (case["state"], case["log"][-1]["data"].get("outcome") if case["state"] == "ended" else None)
    assert ended == ENDS


def test_every_entry_of_a_log_stands_once(story: CrashStory) -> None:
    """A repeated step leaves no second trace: what may happen once in a life is in the log once."""
    once = ("opened", "noticed", "planned", "approved", "announced", "archived", "stop_accepted", "disposed", "closed")
    for name, case in story.cases.items():
        counts = Counter(entry["kind"] for entry in case["log"])
        assert {kind: counts[kind] for kind in once if counts[kind] > 1} == {}, name


def test_each_external_effect_has_one_key(story: CrashStory) -> None:
    """Promise 5: raw calls may repeat after a crash, always under the key of the first."""
    keys: dict[tuple[str, str], set[str]] = {}
    for call in story.world["calls"]:
        keys.setdefault((call["what"], call["asset"]), set()).add(call["key"])
    for name in ("plain", "willing", "paused", "returned"):
        for what in ("notice", "stop"):
            assert len(keys[what, str(account(name))]) == 1, (name, what)
    assert len(keys["restore", str(account("returned"))]) == 1
    assert ("stop", str(account("held"))) not in keys
    assert ("stop", str(account("revived"))) not in keys


async def test_counts_equal_the_input_exactly(story: CrashStory) -> None:
    """Every beacon counted once, every asset recorded once, no event lost."""
    database = await story.house.database("monitor")
    try:
        day = FIRST - timedelta(days=50)
        rows = await database.fetch(
            "select asset_id, total from usage_days where day = $1 and measure = 'posts' order by asset_id", day
        )
        assert {r["asset_id"]: r["total"] for r in rows} == {account("alive"): 1, account("blind-alive"): 1}
        total = await database.fetchval(
            "select sum(total) from usage_days where asset_id = $1 and measure = 'posts'", account("alive")
        )
        assert total == (FIRST - SILENT_SINCE).days + 12
    finally:
        await database.close()
    assets = await story.house.everything("/registry/v1/assets")
    assert len(assets) == len({a["asset_id"] for a in assets}) == len(story.dead) + 1 + 1 + 2 + 1 + 4
    for service in ("registry", "monitor", "decommission"):
        left = (await story.house.call("GET", f"/{service}/v1/dead-letters"))["items"]
        assert left == [], service
