"""`jianfu sweep`, `import`, `alarms` and `kill-switch`: a day's work over the HTTP API, without curl."""

import json
from datetime import date
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.client import Address, Desk, Json, Token
from deploy.local.datadir import HERE, Data
from deploy.terminal import StackError, say

ALARMS = "/decommission/v1/alarms"
SHOWN = 50  # verdicts of an import that are printed; the report has all of them
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Act(StrEnum):
    """What a person says of an alarm."""

    ACKNOWLEDGE = "acknowledge"
    END = "end"


class Turn(StrEnum):
    """What is done with the kill switch."""

    ON = "on"
    OFF = "off"


def show(answer: Any) -> None:
    """An answer as JSON, on standard output."""
    print(json.dumps(answer, ensure_ascii=False, indent=1))


def table(*columns: str, rows: list[tuple[Any, ...]]) -> None:
    """Rows for a person; nothing is cut where the output is no terminal."""
    console = Console()
    made = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    if not console.is_terminal:
        console = Console(width=400)
    console.print(made, markup=False, highlight=False)


def waiting(what: str) -> Any:
    """Say that something takes long, while it does; nothing where nobody watches."""
    return Console(stderr=True).status(what)


def sweep(data: Data = HERE, address: Address = None, token: Token = None, as_json: Json = False) -> None:
    """Judge every watched asset for the business day, and say what came of it. 立即巡查。"""
    with waiting("judging every watched asset 正在巡查"):
        found = Desk(data, address, token).ask("POST", "/monitor/v1/sweeps", role="operator").json()
    if as_json:
        show(found)
        return
    print(
        f"{found['day']}: {found['assets']} assets 对象, {found['active']} active 活跃, {found['idle']} idle 闲置, "
        f"{found['zombie']} zombie 僵尸, {found['unknown']} unknown 未知; "
        f"{found['opened']} findings opened 新立, {found['cleared']} cleared 消除"
    )
    rules = [(code, n["true"], n["false"], n["unknown"]) for code, n in sorted(found["by_rule"].items())]
    table("rule 规则", "true 成立", "false 不成立", "unknown 未知", rows=rules)


def import_list(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="XLSX or CSV 名录文件")],
    source: Annotated[str, typer.Option(help="whose list it is 来源")],
    on: Annotated[str, typer.Option(help="the day the list is of, YYYY-MM-DD 名录日期")],
    apply: Annotated[bool, typer.Option("--apply", help="record it; without this nothing changes 执行")] = False,
    complete: Annotated[bool, typer.Option("--complete", help="whole: what it lacks is gone 完整名录")] = False,
    unit_scheme: Annotated[str | None, typer.Option(help="of the units' codes 单位代码体系")] = None,
    out: Annotated[Path | None, typer.Option(help="write the file with verdicts here 附结论的文件")] = None,
    data: Data = HERE,
    address: Address = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Try a list of assets, or with --apply record it. Exits with 1 when rows were refused or held. 导入名录。"""
    desk = Desk(data, address, token)
    asked: dict[str, Any] = {"source": source, "on": _day(on), "mode": "apply" if apply else "dry-run"}
    asked |= {"complete": str(complete).lower()} | ({} if unit_scheme is None else {"unit_scheme": unit_scheme})
    content, kind = file.read_bytes(), {"Content-Type": XLSX if file.suffix.lower() == ".xlsx" else "text/csv"}

    def send(report: str, mode: str) -> Any:
        params = asked | {"report": report, "mode": mode}
        return desk.ask("POST", "/registry/v1/imports", role="registrar", params=params, content=content, headers=kind)

    with waiting(f"reading {file.name} 正在读取"):
        if out is not None:  # a second reading that records nothing: before it is applied, or it would all be known
            out.write_bytes(send("file", "dry-run").content)
        found = send("problems", str(asked["mode"])).json()
    if as_json:
        show(found)
    else:
        _report(found)
    if out is not None:
        say(f"{out}: correct it and send it again 请改正后重新提交")
    if any(verdict["verdict"] in ("refused", "held") for verdict in found["verdicts"]):
        raise typer.Exit(1)


def _report(found: dict[str, Any]) -> None:
    counts = ", ".join(f"{number} {name}" for name, number in found["summary"].items() if number)
    recorded = "recorded 已执行" if found["mode"] == "apply" else "tried, nothing was recorded 试运行,未记录"
    print(f"{found['rows']} rows 行: {counts or 'nothing 无'}; {recorded}")
    if found["unknown_columns"]:
        print(f"columns not read 未读取的列: {', '.join(found['unknown_columns'])}")
    told = found["verdicts"]
    rows = [(v["row"], v["verdict"], v["field"], v["detail_zh"], v["detail"]) for v in told[:SHOWN]]
    if rows:
        table("line 行", "verdict 结论", "field 字段", "说明", "why", rows=rows)
    if len(told) > SHOWN:
        print(f"… and {len(told) - SHOWN} more; --out FILE or --json tells all 其余请见 --out 或 --json")


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise StackError(f"--on wants a day such as 2026-01-31, not {text!r}") from None


def alarms(
    act: Annotated[Act | None, typer.Argument(help="say that you are at it, or that it is over 确认或结束")] = None,
    alarm_id: Annotated[str | None, typer.Argument(help="which alarm 告警编号")] = None,
    reason: Annotated[str | None, typer.Option(help="what is done, or why it is over; it is kept 理由")] = None,
    kind: Annotated[str | None, typer.Option(help="of one kind 类别")] = None,
    every: Annotated[bool, typer.Option("--all", help="also those that have ended 含已结束的")] = False,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="so many, the newest first 条数")] = 100,
    data: Data = HERE,
    address: Address = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """What a person must look at, the newest first; acknowledge one of them or end it. 告警。"""
    desk = Desk(data, address, token)
    if act is not None:
        found = [_act(desk, act, alarm_id, reason)]
    elif alarm_id is not None or reason is not None:
        raise StackError(f"an alarm and --reason go with an act: {_typed(desk, Act.ACKNOWLEDGE, alarm_id, reason)}")
    else:
        state = None if every else "lasting"
        found = list(islice(desk.pages(ALARMS, most=most, kind=kind, state=state), most))
    if as_json:
        show(found if act is None else found[0])
        return
    columns = ("at", "state", "kind", "alarm_id", "case_id", "name", "address", "unit_name", "text_zh", "text_en")
    rows = [(*(alarm[name] for name in columns), _last_word(alarm)) for alarm in found]
    heads = ("at 时间", "state 状态", "kind 类别", "alarm 告警", "case 个案", "asset 对象", "address 地址", "unit 单位")
    table(*heads, "说明", "what", "who 处理人", rows=rows)


def _typed(desk: Desk, act: Act, alarm_id: str | None, reason: str | None) -> str:
    """How an act on an alarm is typed, with what is known of it."""
    return desk.typed(f"alarms {act.value} {alarm_id or 'ALARM_ID'}", reason=reason or "…")


def _act(desk: Desk, act: Act, alarm_id: str | None, reason: str | None) -> Any:
    if alarm_id is None or reason is None:
        raise StackError(f"say which and why: {_typed(desk, act, alarm_id, reason)}")
    path = f"{ALARMS}/{alarm_id}/{'acknowledgement' if act is Act.ACKNOWLEDGE else 'end'}"
    return desk.ask("POST", path, role="operator", json={"reason": reason}).json()


def _last_word(alarm: dict[str, Any]) -> str:
    """Who said last what of an alarm."""
    said = alarm["ended"] or alarm["acknowledged"]
    return "" if said is None else f"{said['by']}: {said['reason']}"


def kill_switch(
    turn: Annotated[Turn | None, typer.Argument(help="on: no call leaves the service 开或关")] = None,
    reason: Annotated[str | None, typer.Option(help="why; it is kept 理由")] = None,
    data: Data = HERE,
    address: Address = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Turn the kill switch, or say how it stands and who turned it. 总开关。"""
    desk, path = Desk(data, address, token), "/decommission/v1/kill-switch"
    if turn is not None:
        desk.ask("POST", path, role="operator", json={"on": turn is Turn.ON, "reason": reason})
    elif reason is not None:
        raise StackError(f"--reason goes with on or off: {desk.typed('kill-switch on', reason=reason)}")
    stands = desk.get(path, role="operator")
    if as_json:
        show(stands)
        return
    settings = ", by the settings 由配置开启" if stands["by_settings"] else ""
    print(f"{'ON 已开启' if stands['on'] else 'off 未开启'}{settings}")
    if stands["since"] is not None:
        print(f"{stands['since']}  {stands['by']}  {stands['reason'] or 'no reason given 未说明理由'}")


def add(app: typer.Typer) -> None:
    """Put these commands under `jianfu`."""
    app.command("sweep")(sweep)
    app.command("import")(import_list)
    app.command("alarms")(alarms)
    app.command("kill-switch")(kill_switch)
