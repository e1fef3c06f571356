"""What comes next for a closure that was announced, in words for the public. Pure."""

from collections.abc import Mapping
from typing import Any, Literal

from libs.common import days
from services.decommission.cases.case import Progress

State = Literal["announced", "withdrawn", "closed", "restored", "in_doubt"]
Both = tuple[str, str]  # Chinese, English

IN_DOUBT = (
    "本案记录存疑:查明之前不采取任何措施,公告内容亦不予公布。",
    "The record of this case is in doubt: until that is cleared up nothing is done and nothing more is told of it.",
)
WITHDRAWN = (
    "公告已撤回,不会据此停用;如再次拟关停,将另行公告。",
    "The announcement was withdrawn and nothing is stopped on its account; another closure would be announced anew.",
)
CLOSED = (
    "已关停,今后以此名义出现的均非官方;关停公示长期公布。",
    "It is closed, and whatever appears as it is not official; its tombstone stays public.",
)
RESTORED = ("已整体恢复,继续运行。", "It was brought back whole and goes on.")
RETURNING = ("正在恢复运行,不再关停。", "It is being brought back and is not closed.")


def after(state: State, announcement: Mapping[str, Any] | None, p: Progress) -> Both:
    """What comes next, by where the case stands; `told` is the announcement, None where its log is in doubt."""
    if state == "in_doubt" or announcement is None:
        return IN_DOUBT
    if state == "withdrawn":
        return WITHDRAWN
    if state == "closed":
        return CLOSED
    if state == "restored":
        return RESTORED
    if p.unwinding:
        return RETURNING
    return _closing(announcement, p)


def _closing(announcement: Mapping[str, Any], p: Progress) -> Both:
    windows = p.windows
    if p.looks.verified_at is not None:
        until = days.of(days.after(p.looks.verified_at, windows.restore_days + p.timer.paused, p.zone), p.zone)
        return (
            f"已停用并核实。恢复期内可整体恢复;{until} 之前不会最终关停。",
            f"It is stopped, and was seen to be gone. It can be brought back whole and is not closed before {until}.",
        )
    if p.stop.at is not None:
        on = days.of(p.stop.at, p.zone)
        return (
            f"已于 {on} 停用。连续 {windows.verify_days} 天核实确已停用后,进入 {windows.restore_days} 天恢复期,"
            "期内可整体恢复,期满关停并发布关停公示。",
            f"It was stopped on {on}. Once it was seen to be gone on {windows.verify_days} days it can be brought back "
            f"whole for {windows.restore_days} days; then it is closed and has a tombstone.",
        )
    stop = announcement.get("stop_not_before")
    return (
        f"{stop} 之前不会停用。停用之前主办单位仍可答复保留;届时先归档,并再次复核,规则不再成立的不予停用。停用后连续 "
        f"{windows.verify_days} 天核实,再留 {windows.restore_days} 天恢复期可整体恢复,期满关停并发布关停公示。",
        f"Nothing is stopped before {stop}. Until the stop its unit may still answer keep. Then it is archived and the "
        f"rule is checked once more: where it holds no longer, nothing is stopped. After the stop it is looked at on "
        f"{windows.verify_days} days and can be brought back whole for {windows.restore_days} days; then it is closed "
        "and has a tombstone.",
    )
