"""Lists as people send them, on a real database: a misread line lets nothing vanish, a closed asset is not online."""

import csv
import io
from typing import Any

import httpx
import msgspec
import pytest
import python_calamine

from libs.common.errors import Invalid
from libs.common.events.intake import AssetDelisted, UnitRef
from services.registry.imports import usecases as imports
from services.registry.imports.files import Answer, File
from services.registry.imports.jobs import FORMATS
from services.registry.units import usecases as units
from services.registry.units.domain import UnitAdditions
from tests.integration.registry.conftest import ANYONE, NOW, TODAY, Registry, bearer, csv_of, declared
from tests.kit.workbooks import workbook

HEAD = "account,platform,department,language,url,状态\n"
CODE = "11100000000013338W"
REGISTRAR, OPERATOR = bearer("registrar"), bearer("operator")
PATH = "/imports?source=list&on=2025-06-01"


def stated(**states: str) -> str:
    rows = (f"{name},X,Unit,English,https://x.com/{name},{state}\n" for name, state in states.items())
    return HEAD + "".join(rows)


async def answer(
    registry: Registry, content: bytes, form: Answer = "file", *, apply: bool = False, **more: Any
) -> bytes:
    file = File(
        content=content,
        source="list",
        on=TODAY,
        unit_scheme="ca-name",
        complete=more.pop("complete", False),
        answer=form,
    )
    return await imports.run(
        registry.database, file, ANYONE, formats=FORMATS, apply=apply, now=registry.now, policy=registry.policy, **more
    )


async def test_a_row_with_more_cells_lets_nothing_vanish(registry: Registry) -> None:
    await registry.bring_in(csv_of("gone_1", "gone_3", "gone_5"), complete=True)
    shifted = csv_of("gone_1") + "Agency 3, North,X,Unit,English,https://x.com/gone_3\n"
    for text in (shifted, csv_of("gone_1") + csv_of("gone_3")):  # and with the header once more
        for apply in (False, True):
            preview = await registry.summary(text, complete=True, apply=apply)
            assert preview["held"] == (2 if text is shifted else 1), preview
            assert preview["refused"] == 1
    assert await registry.fetch("select count(*) from assets where running = 'gone'") == 0
    assert await registry.fetch("select count(*) from assets") == 3


async def test_what_a_list_calls_closed_is_not_recorded_as_online(registry: Registry) -> None:
    text = stated(a="正常", b="已注销", c="")
    for apply in (False, True):
        assert await registry.summary(text, apply=apply) == {"added": 2, "unchanged": 1}
    assert await registry.fetch("select count(*) from assets where identity = 'b'") == 0
    preview = await registry.bring_in(stated(a="已关停", c="正常"), apply=False)
    assert {k: n for k, n in preview["summary"].items() if n} == {"gone": 1, "unchanged": 1}
    done = await registry.bring_in(stated(a="已关停", c="正常"))
    assert done["summary"] == preview["summary"]
    (verdict,) = [v for v in done["verdicts"] if v["row"] == 2]
    assert (verdict["verdict"], verdict["code"], verdict["field"]) == ("gone", "not_running", "running")
    assert await registry.state("a") == "draft gone", "gone by its source's word; a closure takes a case"
    assert await registry.state("c") == "draft online"
    assert "asset.gone" in [kind for kind, _ in await registry.emitted()]
    assert await registry.summary(stated(a="已关停", c="正常")) == {"unchanged": 2}
    assert await registry.summary(stated(a="已关停", c="正常", d="")) == {"unchanged": 2, "added": 1}
    assert await registry.summary(stated(a="正常")) == {"restored": 1}


async def test_too_many_that_a_list_calls_closed_are_all_held(registry: Registry) -> None:
    names = [f"n{n}" for n in range(10)]
    await registry.bring_in(stated(**dict.fromkeys(names, "正常")))
    text = stated(**dict.fromkeys(names[:6], "已注销") | dict.fromkeys(names[6:9], "正常"))
    for apply in (False, True):
        expected = {"held": 7, "unchanged": 3}
        assert await registry.summary(text, complete=True, apply=apply) == expected
    assert await registry.fetch("select count(*) from assets where running = 'gone'") == 0
    assert len(await registry.pending()) == 7


async def test_a_line_that_calls_closed_what_another_lists_decides_nothing(registry: Registry) -> None:
    await registry.bring_in(stated(a="正常"))
    text = stated(a="已注销") + "a again,X,Unit,English,https://x.com/A,正常\n"
    for apply in (False, True):
        assert await registry.summary(text, apply=apply, complete=True) == {"refused": 1, "duplicate": 1}
    assert await registry.state("a") == "draft online"


async def test_another_sources_asset_is_not_closed_by_a_list(registry: Registry) -> None:
    await registry.take(declared("a", source="other"))
    (verdict,) = (await registry.bring_in(stated(a="已注销")))["verdicts"]
    assert (verdict["verdict"], verdict["code"]) == ("refused", "another_source")
    assert await registry.state("a") == "draft online"


async def test_a_word_that_is_no_state_is_refused_and_its_asset_left_alone(registry: Registry) -> None:
    await registry.bring_in(stated(a="正常"), complete=True)
    report = await registry.bring_in(stated(a="拟注销", b="停更"), complete=True)
    assert {(v["verdict"], v["field"]) for v in report["verdicts"]} == {("refused", "running")}
    assert await registry.state("a") == "draft online"
    assert await registry.fetch("select count(*) from assets") == 1


async def test_apps_and_groups_are_recorded_and_a_list_of_one_kind_says_nothing_of_another(registry: Registry) -> None:
    head = "名称,类型,平台,单位,地址\n"
    apps = "".join(f"办事{n},APP,安卓,局,cn.gov.b{n}\n" for n in "abc")
    text = head + apps + "防汛,群组,微信,局,fx-2025\n减负,账号,微博,局,https://weibo.com/jianfu\n"
    for apply in (False, True):
        assert await registry.summary(text, complete=True, apply=apply) == {"added": 5}
    kinds = "select string_agg(kind || count, ' ' order by kind) from (select kind, count(*) from assets group by 1) k"
    assert await registry.fetch(kinds) == "account1 app3 group1"
    assert await registry.summary(text + "\n", complete=True) == {"unchanged": 5}
    fewer = head + apps.replace("办事c,APP,安卓,局,cn.gov.bc\n", "")
    assert await registry.summary(fewer, complete=True) == {"unchanged": 2, "gone": 1}
    assert await registry.fetch("select count(*) from assets where kind <> 'app' and running = 'gone'") == 0
    twin = head + "a,群,微信,局,同一名称\nb,账号,微信,局,同一名称\n"
    assert (await registry.summary(twin)).get("duplicate") is None, "an account and a group are not twins"


async def test_no_name_is_ever_a_code_whatever_way_it_comes(registry: Registry, http: httpx.AsyncClient) -> None:
    for scheme in ("cn-uscc", "CN-USCC", "cn_uscc"):
        sponsor = UnitRef(scheme=scheme, value="毕节市公安局", name="毕节市公安局")
        with pytest.raises(Invalid) as refused:  # as Kafka brings it
            await registry.take(declared("a", sponsor=sponsor))
        assert refused.value.field == "sponsor.value"
        body = declared("a", sponsor=sponsor).model_dump(mode="json")
        said = await http.post("/assets", json=body, headers=REGISTRAR)
        assert (said.status_code, said.json()["errors"][0]["field"]) == (422, "sponsor.value")
        event = {"id": "1", "source": "/t", "type": "asset.declared", "data": body}
        assert (await http.post("/events", json=event, headers=REGISTRAR)).status_code == 422
        unit = {"scheme": scheme, "value": "毕节市公安局", "names": [{"language": "zh", "text": "局"}]}
        assert (await http.post("/units", json=unit, headers=REGISTRAR)).status_code == 422
        alias = {"scheme": "x", "value": "y", "names": unit["names"], "aliases": [{"scheme": scheme, "value": "z"}]}
        assert (await http.post("/units", json=alias, headers=REGISTRAR)).status_code == 422
        content = csv_of("a").replace("Unit", "毕节市公安局").encode()
        sent = await http.post(f"{PATH}&mode=apply&unit_scheme={scheme}", content=content, headers=REGISTRAR)
        (verdict,) = sent.json()["verdicts"]
        assert (verdict["verdict"], verdict["field"]) == ("refused", "unit")
    assert await registry.fetch("select count(*) from units where scheme ilike 'cn%uscc'") == 0
    assert await registry.fetch("select count(*) from unit_aliases where scheme ilike 'cn%uscc'") == 0


async def test_a_unit_is_one_under_its_code_however_it_is_spelt(registry: Registry) -> None:
    ref = UnitRef(scheme="cn-uscc", value=CODE, name="国务院办公厅", language="zh")
    await units.record_unit(registry.database, ref, UnitAdditions(), parent=None, now=NOW)
    head = "账号名称,平台,主办单位,统一社会信用代码,链接\n"
    text = f"{head}a,X,国办,{CODE.lower()},https://x.com/a\nb,X,国办,{CODE[:8]} {CODE[8:]},https://x.com/b\n"
    assert await registry.summary(text) == {"added": 2}
    assert await registry.fetch("select count(*) from units") == 1
    assert await registry.fetch("select value from units") == CODE


async def test_a_number_is_no_day(http: httpx.AsyncClient) -> None:
    body = declared("a").model_dump(mode="json")
    for day in (0, 0.0, "0", "1970-01-01", "1899-12-30", "0000-01-01", True, None):
        said = await http.post("/assets", json=body | {"on": day}, headers=REGISTRAR)
        assert (said.status_code, said.json()["errors"][0]["field"].split(".")[-1]) == (422, "on"), day
        gone = AssetDelisted(source="list", on=TODAY, kind="account", platform="X", address="x.com/a")
        event = {
            "id": "1",
            "source": "/t",
            "type": "asset.delisted",
            "data": gone.model_dump(mode="json") | {"on": day},
        }
        assert (await http.post("/events", json=event, headers=REGISTRAR)).status_code == 422


LISTS = {
    "titles": "名录,,,,,\n\n" + HEAD + "a,X,Unit,English,https://x.com/a,正常\n\nb,X,Unit,English,https://x.com/b,\n",
    "formulas": HEAD + "=cmd|' /C calc'!A0,X,@Unit,English,https://x.com/a,\n+b,X,-Unit,,https://x.com/b,\n"
    "'@c,X,＝Unit,,https://x.com/c,\n \t=d,X,Unit,,https://x.com/d,\n",
    "faults": HEAD
    + "a,X,Unit,English,https://x.com/a,,,more\na,X\n,X,Unit,,https://x.com/n,\nb,X,U,,https://x.com/b,拟注销\n"
    'c,X,Unit,,https://x.com/c,已注销\nd,X,Unit,,https://x.com/c,\n"e\ne",X,Unit,,https://x.com/e,\n'
    + HEAD
    + '"f, ""g""",X,"U; V",,https://x.com/f,\nh,X,Unit,,https://x.com/h,"',
    "tabs": HEAD.replace(",", "\t") + "a;b,c\tX\tUnit\tEnglish\thttps://x.com/a\t正常\n",
}


@pytest.mark.parametrize("which", LISTS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_a_download_sent_again_gets_the_same_verdicts(registry: Registry, which: str, end: str) -> None:
    text = LISTS[which].replace("\n", end)
    first = await registry.bring_in(text, apply=False)
    download = await answer(registry, text.encode())
    again = await registry.bring_in(download.decode("utf-8-sig"), apply=False)
    assert first["verdicts"]
    for report in (first, again):
        del report["import_id"]
    assert again == first, "the same verdicts on the same lines"
    assert await answer(registry, download) == download, "what it added is replaced, not added again"
    shown = list(csv.reader(io.StringIO(download.decode("utf-8-sig"), newline="")))
    assert all(
        not cell.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠")) for row in shown for cell in row
    )
    verdicts = [row[0].split()[1] for row in shown if row and row[0] and row[0] != "结果 verdict"]
    assert verdicts == [verdict["verdict"] for verdict in first["verdicts"] if verdict["row"]]


async def test_a_download_that_is_corrected_is_taken(registry: Registry) -> None:
    await registry.bring_in(csv_of("old"))
    text = csv_of("a") + "b,X,,English,https://x.com/b\n"
    download = (await answer(registry, text.encode(), apply=True)).decode("utf-8-sig")
    assert "拒绝 refused" in download
    assert "新增 added" in download
    corrected = download.replace('"b","X",""', '"b","X","Unit"')
    assert await registry.summary(corrected) == {"unchanged": 1, "added": 1}


async def test_problems_only_are_told_when_asked_for(registry: Registry) -> None:
    text = csv_of(*(f"n{n}" for n in range(20))) + "bad,X,Unit,English,https://x.com/\no,Facebook,U,,https://x.com/o\n"
    whole = msgspec.json.decode(await answer(registry, text.encode(), "all"))
    problems = msgspec.json.decode(await answer(registry, text.encode(), "problems"))
    assert (len(whole["verdicts"]), [v["row"] for v in problems["verdicts"]]) == (22, [22, 23])
    assert problems["summary"] == whole["summary"]
    await answer(registry, text.encode(), "problems", apply=True, key="k")
    again = msgspec.json.decode(await answer(registry, text.encode(), "problems", apply=True))
    assert [v["row"] for v in again["verdicts"]] == [22], "a row imported before is not a problem"
    from libs.common.http.idempotency import KeyReused

    with pytest.raises(KeyReused):
        await answer(registry, text.encode(), "file", apply=True, key="k")


async def test_a_workbook_is_imported_over_http_and_comes_back_with_verdicts(
    registry: Registry, http: httpx.AsyncClient
) -> None:
    rows = [
        ("名录",),
        ("账号名称", "平台", "主办单位", "链接", "备注"),
        ("=1+1", "微博", "办公厅", "https://weibo.com/jianfu", 5),
    ]
    content = workbook(名录=[*rows, ("坏", "微博", "同上", "https://weibo.com/jianfu2")])
    report = (await http.post(f"{PATH}&mode=apply", content=content, headers=REGISTRAR)).json()
    assert (report["rows"], report["header_row"], report["unknown_columns"]) == (2, 2, ["备注"])
    assert [v["verdict"] for v in report["verdicts"]] == ["added", "refused"]
    sent = await http.post(f"{PATH}&report=file", content=content, headers=REGISTRAR)
    assert sent.headers["content-type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert 'filename="verdicts.xlsx"' in sent.headers["content-disposition"]
    assert sent.content == (await http.post(f"{PATH}&report=file", content=content, headers=REGISTRAR)).content
    (sheet,) = python_calamine.load_workbook(io.BytesIO(sent.content)).sheet_names
    back = python_calamine.load_workbook(io.BytesIO(sent.content)).get_sheet_by_name(sheet).to_python()
    assert back[0][2:] == ["名录", "", "", "", ""]
    assert back[1] == ["结果 verdict", "说明 detail", *rows[1]]
    assert back[2] == ["未变 unchanged", back[2][1], "=1+1", *rows[2][1:4], "5"], "a text and no formula, in its place"
    assert back[3][0] == "拒绝 refused"
    # Sent again as it came, the same is said of the same rows.
    again = (await http.post(f"{PATH}&mode=apply", content=sent.content, headers=REGISTRAR)).json()
    assert [(v["row"], v["verdict"]) for v in again["verdicts"]] == [(3, "unchanged"), (4, "refused")]
    damaged = await http.post(PATH, content=content[:500], headers=REGISTRAR)
    assert (damaged.status_code, damaged.json()["code"]) == (422, "unreadable_file")


async def test_what_is_held_is_decided_by_source_and_day_at_once(registry: Registry, http: httpx.AsyncClient) -> None:
    for source in ("list", "other"):
        await registry.bring_in(csv_of(*(f"{source}{n}" for n in range(8))), source=source, complete=True)
        assert (await registry.summary(csv_of(f"{source}0"), source=source, complete=True))["held"] == 7
    await registry.emitted()
    body = {"source": "list", "day": "2025-06-01", "decision": "apply", "reason": "seen"}
    listed = (await http.get("/guard/held?source=list&day=2025-06-01", headers=OPERATOR)).json()["items"]
    assert [item["source"] for item in listed] == ["list"] * 7
    assert (await http.get("/guard/held?day=2025-05-31", headers=OPERATOR)).json()["items"] == []
    assert (await http.post("/guard/held", json=body, headers=REGISTRAR)).status_code == 403
    another_day = await http.post("/guard/held", json=body | {"day": "2025-05-31"}, headers=OPERATOR)
    assert another_day.json() == {"decided": 0, "gone": 0, "unchanged": 0, "left": 0}
    done = await http.post("/guard/held", json=body, headers=OPERATOR)
    assert done.json() == {"decided": 7, "gone": 7, "unchanged": 0, "left": 0}
    assert [kind for kind, _ in await registry.emitted()] == ["asset.gone"] * 7
    assert (await http.post("/guard/held", json=body, headers=OPERATOR)).json()["decided"] == 0
    assert await registry.emitted() == []
    assert len(await registry.pending()) == 7, "the other source's wait"
    dropped = await http.post("/guard/held", json=body | {"source": "other", "decision": "drop"}, headers=OPERATOR)
    assert dropped.json() == {"decided": 7, "gone": 0, "unchanged": 7, "left": 0}
    assert await registry.fetch("select count(*) from assets where running = 'gone'") == 7
    reasons = "select count(*) from disappearances where decided_by = 'me' and reason = 'seen'"
    assert await registry.fetch(reasons) == 14
