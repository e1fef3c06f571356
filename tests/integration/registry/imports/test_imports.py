"""A source's file on a real database: foreseen, done, done again, cut off, too short."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from libs.common import crashpoints
from libs.common.errors import Invalid
from libs.common.process.settings import load
from services import SERVICES
from services.registry.assets import usecases
from services.registry.assets.domain import Policy, ReopenTooEarly
from services.registry.imports import usecases as imports
from services.registry.lists.tables import UnreadableFile
from services.registry.settings import Settings
from tests.integration.registry.conftest import (
    HEAD,
    NOW,
    OPERATOR,
    POLICY,
    TODAY,
    Registry,
    csv_of,
    declared,
    delisted,
)

SAMPLE = (Path(__file__).parents[3] / "data" / "accounts.csv").read_text()


async def test_an_import_says_what_it_would_do_then_does_it_then_changes_nothing(registry: Registry) -> None:
    text = csv_of(*(f"n{n}" for n in range(230)))
    text += "twin,X,Unit,English,https://twitter.com/N1\nbad,X,Unit,English,https://x.com/\n"
    foreseen = await registry.summary(text, apply=False)
    assert foreseen == {"added": 230, "duplicate": 1, "refused": 1}
    assert await registry.fetch("select count(*) from assets") == 0, "a dry run writes nothing"
    assert await registry.summary(text) == foreseen
    kinds = Counter(kind for kind, _ in await registry.emitted())
    assert kinds == {"unit.recorded": 1, "asset.registered": 230}
    assert await registry.summary(text) == {"unchanged": 230, "duplicate": 1, "refused": 1}
    assert await registry.summary(text, apply=False) == {"unchanged": 230, "duplicate": 1, "refused": 1}
    assert await registry.emitted() == []
    assert await registry.fetch("select count(*) from asset_versions") == 230


async def test_a_file_like_a_real_one_gets_a_verdict_for_each_line(registry: Registry) -> None:
    foreseen = await registry.bring_in(SAMPLE, apply=False)
    done = await registry.bring_in(SAMPLE)
    assert done["summary"] == foreseen["summary"]
    assert {k: n for k, n in done["summary"].items() if n} == {"added": 49, "duplicate": 5, "refused": 6}
    verdicts = {verdict["row"]: verdict for verdict in done["verdicts"]}
    assert list(verdicts) == list(range(2, 62))
    twins = {row: v["twin_row"] for row, v in verdicts.items() if v["verdict"] == "duplicate"}
    assert twins == {21: 2, 22: 5, 24: 23, 45: 36, 47: 46}
    assert all(v["twin_id"] == verdicts[v["twin_row"]]["asset_id"] for v in verdicts.values() if "twin_row" in v)
    odd = {row: v["code"] for row, v in verdicts.items() if v["verdict"] == "added" and "code" in v}
    assert odd == {
        19: "platform_corrected",
        20: "platform_corrected",
        29: "blank_in_address",
        48: "platform_corrected",
    }
    refused = {row: (v["code"], v["field"]) for row, v in verdicts.items() if v["verdict"] == "refused"}
    assert refused == {
        31: ("unreadable_address", "address"),
        32: ("unreadable_address", "address"),
        33: ("invalid", "name"),
        34: ("invalid", "unit"),
        35: ("unreadable_address", "address"),
        44: ("unreadable_address", "address"),
    }
    assert all(v["detail"] and v["detail_zh"] for v in verdicts.values() if "code" in v)
    assert await registry.fetch("select count(*) from units") == 6, "one unit is spelt in two ways"


async def test_other_facts_amend_and_another_source_is_shown_the_twin(registry: Registry) -> None:
    await registry.bring_in(csv_of("a", "b"))
    changed = HEAD + "a,X,Unit,English,https://x.com/a\nB!,X,Unit,English,https://x.com/b\n"
    assert await registry.summary(changed, apply=False) == {"unchanged": 1, "amended": 1}
    assert await registry.summary(changed) == {"unchanged": 1, "amended": 1}
    other = await registry.bring_in(csv_of("a", "c"), source="other")
    assert other["summary"]["added"] == 1
    assert other["verdicts"][0]["verdict"] == "duplicate"
    assert other["verdicts"][0]["twin_id"] == str(await registry.fetch("select asset_id from assets where name = 'a'"))


async def test_an_old_list_sent_again_undoes_nothing_that_came_after_it(registry: Registry) -> None:
    await registry.bring_in(csv_of("a", "b"))
    await registry.take(delisted("a"))
    again = await registry.bring_in(csv_of("a", "b"))
    assert {v["verdict"] for v in again["verdicts"]} == {"unchanged"}
    assert {v["code"] for v in again["verdicts"]} == {"already_imported"}
    assert await registry.state("a") == "draft gone"


async def test_an_older_list_that_comes_late_undoes_nothing(registry: Registry) -> None:
    """It reverts no newer fact and removes no asset that it lacks; only an asset new to the register is added."""
    await registry.bring_in(csv_of("a", "b", "c", "d"), on=TODAY - timedelta(days=9))
    await registry.bring_in(csv_of("a", "b"), on=TODAY - timedelta(days=1))
    await registry.take(delisted("b"))
    late = HEAD + "".join(f"{name}!,X,Unit,English,https://x.com/{name}\n" for name in "abde")
    for apply in (False, True):
        report = await registry.bring_in(late, on=TODAY - timedelta(days=2), complete=True, apply=apply)
        assert {k: n for k, n in report["summary"].items() if n} == {
            "unchanged": 2,
            "amended": 1,
            "added": 1,
            "gone": 1,
        }
        assert [v["code"] for v in report["verdicts"][:2]] == ["outdated", "outdated"]
    assert [await registry.state(name) for name in "abcde"] == [
        "draft online",
        "draft gone",
        "draft gone",
        "draft online",
        "draft online",
    ]
    with pytest.raises(Invalid):
        await registry.bring_in(csv_of("a"), on=TODAY + timedelta(days=2))


async def test_what_was_refused_is_tried_again_when_the_file_is(registry: Registry) -> None:
    await registry.take(declared("a", source="other"))
    await registry.close((await registry.take(declared("b"))).asset_id)
    assert await registry.summary(csv_of("a", "b", "c")) == {"added": 1, "duplicate": 1, "refused": 1}
    closed = await registry.fetch("select asset_id from assets where record = 'closed'")
    await usecases.permit_reopening(registry.database, closed, OPERATOR, "by mistake", now=NOW)
    await registry.take(delisted("a", source="other"))
    assert await registry.summary(csv_of("a", "b", "c"), apply=False) == {"unchanged": 1, "restored": 1, "added": 1}
    assert await registry.summary(csv_of("a", "b", "c")) == {"unchanged": 1, "restored": 1, "added": 1}
    assert await registry.state("b") == "draft online"


async def test_an_import_that_is_cut_off_is_completed_and_then_says_all_it_did(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = csv_of(*(f"n{n}" for n in range(350)))

    class Killed(BaseException):
        pass

    met = Counter[str]()

    def die(name: str) -> None:
        met[name] += 1
        if met[name] == (3 if name.endswith("before-commit") else 2) and "import_rows" in name:
            raise Killed

    monkeypatch.setattr(crashpoints, "point", die)
    for _ in range(2):
        with pytest.raises(Killed):
            await registry.bring_in(text, complete=True)
        count = await registry.fetch("select count(*) from assets")
        assert count % 100 == 0
        assert await registry.fetch("select count(*) from asset_versions") == count
        assert await registry.fetch("select count(*) from outbox where topic = 'jianfu.registry'") == count
    assert await registry.summary(text, complete=True) == {"added": 350}
    assert await registry.fetch("select count(*) from asset_versions") == 350
    assert await registry.summary(text, complete=True) == {"unchanged": 350}


async def test_an_import_that_nobody_waits_for_stops_between_two_chunks(registry: Registry) -> None:
    """What was committed stands whole, nothing else is begun, and the next run does the rest and reports all of it."""
    text, asked = csv_of(*(f"n{n}" for n in range(350))), 0

    async def gone() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    with pytest.raises(imports.CallerGone):
        await registry.bring_in(text, complete=True, gone=gone)
    assert await registry.fetch("select count(*) from assets") == 200
    assert await registry.fetch("select count(*) from imports") == 0
    assert await registry.summary(text, complete=True) == {"added": 350}


async def test_one_idempotency_key_has_one_answer(registry: Registry) -> None:
    first = await registry.bring_in(csv_of("a"), key="k")
    assert first["summary"]["added"] == 1
    assert await registry.bring_in(csv_of("a"), key="k") == first
    from libs.common.http.idempotency import KeyReused

    with pytest.raises(KeyReused):
        await registry.bring_in(csv_of("b"), key="k")


async def test_two_imports_of_the_same_assets_at_once_do_not_lock_each_other_out(registry: Registry) -> None:
    names = [f"n{n}" for n in range(120)]
    results = await asyncio.gather(
        registry.summary(csv_of(*names)),
        registry.summary(csv_of(*reversed(names))),
        *(registry.take(declared(name)) for name in names[::7]),
    )
    assert await registry.fetch("select count(*) from assets") == 120
    assert await registry.fetch("select count(distinct (asset_id, version)) = count(*) from asset_versions")
    assert sum(r.get("added", 0) for r in results[:2]) + sum(r.outcome == "registered" for r in results[2:]) == 120


async def test_what_a_complete_list_lacks_is_gone_or_all_of_it_held(registry: Registry) -> None:
    names = [f"n{n}" for n in range(100)]
    await registry.bring_in(csv_of(*names), complete=True)
    near = csv_of(*names[:95])
    assert await registry.summary(near, complete=True, apply=False) == {"unchanged": 95, "gone": 5}
    assert await registry.fetch("select count(*) from disappearances") == 0
    short = csv_of(*names[:40])
    assert await registry.summary(short, complete=True) == {"unchanged": 40, "held": 60}
    assert await registry.fetch("select count(*) from assets where running = 'gone'") == 0
    assert len(await registry.pending()) == 60
    # What is held waits for a person: a later list, however modest, does not decide it.
    assert await registry.summary(near, complete=True) == {"unchanged": 95, "held": 5}
    assert len(await registry.pending()) == 5, "what a newer list holds again is not missing any more"
    assert await registry.fetch("select count(*) from assets where running = 'gone'") == 0


async def test_what_a_complete_list_lacks_is_gone_however_its_sources_name_is_spaced(registry: Registry) -> None:
    for number, listed in enumerate((["a", "b", "c"], ["a", "b"])):
        registry.now += timedelta(days=number)
        report = await registry.summary(csv_of(*listed), complete=True, source="city  list ")
    assert report == {"unchanged": 2, "gone": 1}


async def test_a_line_that_no_index_could_hold_stops_no_other(registry: Registry) -> None:
    address = "https://a.example/" + "".join(chr(0x4E00 + 7 * n % 20000) for n in range(1900))
    assert await registry.summary(csv_of("a") + f"long,web,Unit,English,{address}\n" + csv_of("b", head="")) == {
        "added": 2,
        "refused": 1,
    }


async def test_additions_of_the_same_file_count_alike_in_dry_run_and_apply(registry: Registry) -> None:
    await registry.bring_in(csv_of(*(f"old{n}" for n in range(50))))
    text = csv_of(*(f"old{n}" for n in range(46)), *(f"new{n}" for n in range(40)))
    foreseen = await registry.summary(text, complete=True, apply=False)
    assert foreseen == {"unchanged": 46, "added": 40, "gone": 4}
    assert await registry.summary(text, complete=True) == foreseen


async def test_a_list_with_a_line_that_nobody_can_read_lets_nothing_vanish(registry: Registry) -> None:
    await registry.bring_in(csv_of(*(f"n{n}" for n in range(60))), complete=True)
    text = csv_of(*(f"n{n}" for n in range(59))) + "n59,X,Unit,English,broken://\n"
    expected = {"unchanged": 59, "refused": 1, "held": 1}
    assert await registry.summary(text, complete=True, apply=False) == expected
    assert await registry.summary(text, complete=True) == expected
    # A refused line whose asset is known still lists its asset.
    nameless = csv_of(*(f"n{n}" for n in range(59))) + ",X,Unit,English,https://x.com/n59\n"
    assert await registry.summary(nameless, complete=True) == {"unchanged": 59, "refused": 1}


async def test_a_row_that_swallows_others_lets_nothing_vanish(registry: Registry) -> None:
    names = [f"n{n}" for n in range(60)]
    await registry.bring_in(csv_of(*names), complete=True)
    swallows = csv_of(*names[:57]) + '"N, X,Unit,English,https://x.com/n57\nn58,X,Unit,English,https://x.com/n58\n'
    for text in (swallows, swallows + 'n59" N,X,Unit,English,https://x.com/n59\n'):
        expected = {"unchanged": 57, "refused": 1, "held": 3}
        assert await registry.summary(text, complete=True, apply=False) == expected
        report = await registry.bring_in(text, complete=True)
        assert {verdict: n for verdict, n in report["summary"].items() if n} == expected
        assert [v["row"] for v in report["verdicts"][57:]] == [59, None, None, None]
        assert report["verdicts"][57]["code"] == "row_over_lines"
    assert await registry.fetch("select count(*) from assets where running = 'gone'") == 0


async def test_a_row_that_opens_in_the_future_is_refused_and_the_others_go_on(registry: Registry) -> None:
    head = "account,platform,department,url,opened_on\n"
    text = head + "".join(f"{name},X,Unit,https://x.com/{name},{day}\n" for name, day in (("a", ""), ("b", "")))
    await registry.bring_in(text, complete=True)
    later = text.replace("/b,", "/b,2099-01-01") + "c,X,Unit,https://x.com/c,2025-06-01\n"
    for apply in (False, True):
        report = await registry.bring_in(later, complete=True, apply=apply)
        assert {k: n for k, n in report["summary"].items() if n} == {"unchanged": 1, "refused": 1, "added": 1}
        assert (report["verdicts"][1]["row"], report["verdicts"][1]["field"]) == (3, "opened_on")
    assert await registry.state("b") == "draft online", "its line lists it, whatever it says of it"


async def test_a_closure_is_dated_in_the_zone_of_the_deployment(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "JIANFU_REGISTRY_DATABASE_URL", "JIANFU_ISSUER_JWKS_FILE"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("JIANFU_REGISTRY_LISTEN", "127.0.0.1:1")
    registry.policy = load(Settings, services=SERVICES).policy()
    await registry.take(declared("a"))
    registry.now += timedelta(hours=18)  # 06:00 of the next day in Shanghai
    await registry.close(await registry.fetch("select asset_id from assets"))
    for apply in (False, True):
        (verdict,) = (await registry.bring_in(csv_of("a"), apply=apply))["verdicts"]
        assert (verdict["code"], "2025-06-02" in verdict["detail"]) == ("reopen_cooldown", True)
    with pytest.raises(ReopenTooEarly, match="2025-06-02"):
        await registry.take(declared("a"))


async def test_a_reopened_asset_that_is_listed_is_not_missing(registry: Registry) -> None:
    await registry.bring_in(csv_of("a", "b"), complete=True)
    await registry.close(await registry.fetch("select asset_id from assets where identity = 'a'"))
    registry.now += timedelta(days=400)
    assert await registry.summary(csv_of("a", "b", "c"), complete=True) == {"unchanged": 1, "added": 2}
    assert await registry.state("a") == "draft online"


async def test_a_thousand_rows_take_seconds(registry: Registry) -> None:
    text = csv_of(*(f"account_{n}" for n in range(1000)))
    async with asyncio.timeout(20):  # about 2 s here; the bound is for a busy machine
        assert await registry.summary(text) == {"added": 1000}


@pytest.mark.parametrize("policy", [POLICY, Policy(guard_share=0.5, guard_floor=0, guard_limits={"list": 0})])
async def test_a_file_that_cannot_be_read_does_nothing(registry: Registry, policy: Policy) -> None:
    registry.policy = policy
    with pytest.raises(UnreadableFile):
        await registry.bring_in("a,b\n1,2\n", complete=True)
    assert await registry.fetch("select count(*) from imports") == 0
    assert imports.CHUNK == 100


async def test_lines_that_say_nothing_new_are_not_asked_for_one_by_one(registry: Registry) -> None:
    """Most lines of a daily list: each in a savepoint of its own, a province's list took minutes."""
    text = csv_of(*(f"account_{n}" for n in range(300)))
    await registry.bring_in(text)
    asked: list[str] = []
    async with AsyncExitStack() as stack:  # every connection the pool may give
        for _ in range(registry.database.pool.get_max_size()):
            conn = await stack.enter_async_context(registry.database.pool.acquire())
            conn.add_query_logger(lambda record: asked.append(record.query))
    for apply in (False, True):
        asked.clear()
        report = await registry.summary(text.replace("\n", "\r\n"), apply=apply)  # not the file that was imported
        assert report == {"unchanged": 300}
        assert 0 < len(asked) < 60
