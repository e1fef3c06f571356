"""One function judges an asset: sweep, recheck and `why` depend on it, and agree whatever has happened."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import yaml
from hypothesis import strategies as st

from libs.common.events.decommission import RecheckRequested
from services.monitor.admissions.domain import Scope
from services.monitor.deps import PACKS
from services.monitor.policy.pack import load
from services.monitor.policy.rulebook import RuleBook
from services.monitor.rechecks import usecases as recheck_usecases
from services.monitor.verdicts import store as verdict_store
from services.monitor.verdicts.evaluation import Evaluation, evaluation
from services.monitor.verdicts.schemas import Why
from tests.integration.monitor.conftest import Monitor, day
from tests.integration.monitor.stories import for_all

LAST, ASSETS = 9, 2
SHORT = {"C06": "days_observed_silent > 2", "C15": "days_since_post > 4", "C16": "posts_total = 0 and days_listed > 3"}
_names = count(1)

POSTS = st.lists(st.tuples(st.integers(0, LAST), st.integers(0, ASSETS - 1)), max_size=5)
# What a source vouches for from a day on, the posts of those days, and a total of posts that it read.
BEFORE = st.tuples(st.integers(0, LAST - 3), POSTS, st.none() | st.integers(0, 1))
# What arrives after the sweep: posts, a second source that watches too, or a record that tears a stated day.
AFTER = st.tuples(POSTS.filter(lambda posts: len(posts) < 2), st.sampled_from(["", "", "second", "torn"]))


def impatient() -> RuleBook:
    """The first pack with thresholds that a short story crosses."""
    pack = yaml.safe_load((PACKS / "cn-accounts.yaml").read_text("utf-8"))
    for rule in pack["rules"]:
        rule["when"] = SHORT[rule["code"]]
    return RuleBook([load(yaml.safe_dump(pack, allow_unicode=True))])


async def rechecked(monitor: Monitor, finding: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to the question whether a finding is still true."""
    await monitor.events()
    asked = RecheckRequested(
        request_id=uuid4(),
        case_id=uuid4(),
        finding_id=finding["finding_id"],
        asset_id=finding["asset_id"],
        rule=finding["rule"],
        business_day=monitor.clock.today(),
    )
    await recheck_usecases.answer_recheck(
        monitor.database, monitor.book, asked, monitor.clock, event_id=str(asked.request_id)
    )
    (row,) = await monitor.database.pool.fetch("select * from outbox")
    headers = dict(msgspec.msgpack.decode(row["headers"], type=list[tuple[str, bytes | None]]))
    answer: dict[str, Any] = msgspec.json.decode(row["payload"])
    return answer | {"type": (headers["ce_type"] or b"").decode()}


class Story:
    """A source, perhaps two, that watches two assets of one example, and the arrived records."""

    def __init__(self, monitor: Monitor, name: str) -> None:
        self.monitor, self.name = monitor, name
        self.assets: list[UUID] = []
        self.received: dict[int, int] = {}

    async def begin(self, first: int, posts: list[tuple[int, int]], total: int | None) -> None:
        self.assets = [await self.monitor.record(f"{self.name}-{n}") for n in range(ASSETS)]
        await self.monitor.admit(self.name, scope=Scope(assets=tuple(self.assets)))
        await self.posted(posts)
        if total is not None:
            await self.usage(first, {}, posts_total=dict.fromkeys(self.assets, total))
        await self.state(first)

    async def go_on(self, posts: list[tuple[int, int]], turn: str) -> None:
        await self.posted(posts)
        await self.state(0, revision=2)
        if turn == "torn":
            await self.usage(LAST - 1, {}, posts_total={self.assets[0]: 1})
        elif turn == "second":
            second = f"{self.name}-second"
            await self.monitor.admit(second, scope=Scope(assets=tuple(self.assets)), since=LAST)
            await self.monitor.state(second, LAST, self.assets, 0)

    async def posted(self, posts: list[tuple[int, int]]) -> None:
        for on, asset in posts:
            await self.usage(on, {self.assets[asset]: 1})

    async def usage(self, on: int, posts: dict[UUID, int], **gauges: dict[UUID, int]) -> None:
        sent = await self.monitor.usage(self.name, on, posts, **gauges)
        self.received[on] = self.received.get(on, 0) + sent

    async def state(self, first: int, *, revision: int = 1) -> None:
        for on in range(first, LAST + 1):
            await self.monitor.state(self.name, on, self.assets, self.received.get(on, 0), revision=revision)


async def test_sweep_recheck_and_why_agree_after_any_history(monitor: Monitor) -> None:
    monitor.book = impatient()
    monitor.at(LAST)
    answers: Counter[str] = Counter()

    async def play(before: Any, after: Any) -> None:
        story = Story(monitor, f"judged-{next(_names)}")
        await story.begin(*before)
        await monitor.sweep(asked=True)
        for asset in story.assets:
            shown = await monitor.why(asset)
            assert shown.swept_verdict == shown.verdict, shown
            assert [rule.code for rule in shown.rules if rule.finding_id] == true_rules(shown)
        await story.go_on(*after)
        findings = await monitor.database.pool.fetch("select * from findings where asset_id = any($1)", story.assets)
        for finding in findings:
            shown = await monitor.why(finding["asset_id"])
            (rule,) = [rule for rule in shown.rules if rule.code == finding["rule"]]
            answer = await rechecked(monitor, finding)
            said = {"finding.confirmed": "true", "finding.refuted": "false"}.get(answer["type"], "unknown")
            one_voice = rule.truth == "true" and "one agent" in answer.get("why", "")
            assert said == rule.truth or one_voice, (answer, rule)
            assert {s["name"]: s["value"] for s in answer["signals"]} == {s.name: s.value for s in rule.signals}
            answers["one voice" if one_voice else said] += 1

    await for_all(play, BEFORE, AFTER, examples=40)
    assert answers.keys() == {"true", "false", "unknown", "one voice"}, answers


def true_rules(shown: Why) -> list[str]:
    return [rule.code for rule in shown.rules if rule.truth == "true"]


async def test_none_of_the_three_judges_by_itself(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another judge substituted, all three give its result."""
    (account,) = [await monitor.record("a")]
    for number in range(16):
        await monitor.full_day(number, [account])
    await monitor.sweep()
    (finding,) = await monitor.database.pool.fetch("select * from findings")
    assert (await monitor.why(account)).verdict == "IDLE"
    assert (await rechecked(monitor, finding))["type"] == "finding.confirmed"

    def nothing_is_known(*given: Any) -> Evaluation:
        judged = evaluation(*given)
        unknown = replace(judged.judgement, verdict="UNKNOWN", rule=None, opens=(), clears=())
        return replace(judged, truths=dict.fromkeys(judged.truths), judgement=unknown)

    monkeypatch.setattr(verdict_store, "evaluation", nothing_is_known)
    await monitor.full_day(16, [account])
    assert (await monitor.sweep())["unknown"] == 1
    shown = await monitor.why(account)
    assert (shown.verdict, {rule.truth for rule in shown.rules}) == ("UNKNOWN", {"unknown"})
    assert (await rechecked(monitor, finding))["type"] == "recheck.inconclusive"
    assert (await monitor.why(account)).day == day(16)
