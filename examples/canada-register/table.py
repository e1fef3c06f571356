"""The closing table: what the product says beside what was computed before it ran."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Line:
    """One number: `measured` from the services' own APIs, `expected` from the inputs alone."""

    name: str
    zh: str
    measured: Any
    expected: Any

    @property
    def agrees(self) -> bool:
        return bool(self.measured == self.expected)


TITLES: dict[str, str] = {
    "recorded": "登记在册",
    "twins refused": "拒收的重复项",
    "added": "新增",
    "gone": "消失",
    "restored to the register": "恢复在册",
    "watched": "监测中",
    "flagged": "发现",
    "flagged by C06, no update for 14 days": "其中 C06 超过14天未更新",
    "flagged by C15, none for 90 days": "其中 C15 僵尸账号",
    "flagged by C16, shell": "其中 C16 空壳账号",
    "cleared": "发现消除",
    "opened while blind": "失明期间新发现",
    "cleared while blind": "失明期间消除",
    "flagged on recovery": "复明当日发现",
    "unknown (account-days)": "未知(账号·日)",
    "cases": "个案",
    "noticed": "已送达通知",
    "undelivered": "未送达",
    "kept": "保留",
    "fixed": "已整改",
    "refuted": "复核不成立",
    "held": "曾暂停",
    "closed and verified": "已核实关停",
    "unverified": "未证实",
    "restored": "已恢复",
    "under way": "办理中",
    "alarms": "告警",
}


def lines(measured: dict[str, int], expected: dict[str, int]) -> list[Line]:
    """Beside each other, in the table's order. Raises KeyError for a number that either side lacks."""
    if unknown := (set(measured) | set(expected)) - set(TITLES):
        raise KeyError(f"no title for {sorted(unknown)}")
    return [Line(name, zh, measured[name], expected[name]) for name, zh in TITLES.items()]


def show(console: Console, found: list[Line]) -> None:
    table = Table(title="Government of Canada, official social-media accounts · 加拿大政府官方社交媒体账号")
    table.add_column("what 项目")
    table.add_column("measured 实测", justify="right")
    table.add_column("expected 预期", justify="right")
    table.add_column("")
    for line in found:
        mark = "[green]✓[/]" if line.agrees else "[bold red]✗[/]"
        table.add_row(f"{line.name}  {line.zh}", f"{line.measured:,}", f"{line.expected:,}", mark)
    console.print(table)


def write(path: Path, found: list[Line], **more: Any) -> None:
    """The same for machines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {"name": line.name, "zh": line.zh, "measured": line.measured, "expected": line.expected, "agrees": line.agrees}
        for line in found
    ]
    path.write_text(json.dumps({"table": rows} | more, ensure_ascii=False, indent=1, default=str) + "\n")
