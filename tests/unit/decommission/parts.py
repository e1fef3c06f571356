"""A case's progress made of single facts, where a test needs no whole log."""

from datetime import UTC, date, datetime, tzinfo
from typing import Any

from services.decommission.cases.case import (
    Approval,
    Delivery,
    Hold,
    Looks,
    Membership,
    Notice,
    Progress,
    Recheck,
    Reply,
    Restore,
    Slot,
    Stop,
    Timer,
)
from services.decommission.limits.domain import Windows


def progress(
    windows: Windows,
    zone: tzinfo = UTC,
    *,
    noticed_at: datetime | None = None,
    attempts: int = 0,
    answer: str | None = None,
    answered_at: datetime | None = None,
    plan_id: str | None = None,
    plan_sha256: str = "s",
    approved: bool = False,
    approvers: tuple[str, ...] = ("ada", "bo"),
    slot_day: date | None = None,
    confirmed_day: date | None = None,
    asked_finding: str | None = None,
    unsure_since: date | None = None,
    stopped_at: datetime | None = None,
    stop_ordered: bool = False,
    alive: bool = False,
    unclear: int = 0,
    verified_at: datetime | None = None,
    restore_why: str | None = None,
    restore_seen: bool = False,
    held_since: datetime | None = None,
    paused: int = 0,
    **fields: Any,
) -> Progress:
    """Progress of which these facts are true, and no others."""
    approval = Approval(approvers=approvers) if approved else None
    in_plan = plan_id is not None or approved
    return Progress(
        windows=windows,
        zone=zone,
        delivery=Delivery(attempts=attempts),
        notice=Notice(at=noticed_at, sha256="n") if noticed_at is not None else None,
        reply=Reply(answer=answer, at=answered_at or datetime.min.replace(tzinfo=UTC)) if answer is not None else None,
        plan=Membership(plan_id=plan_id or "p", sha256=plan_sha256, approval=approval) if in_plan else None,
        slot=Slot(day=slot_day),
        recheck=Recheck(unsure_since=unsure_since, confirmed_day=confirmed_day, finding_id=asked_finding),
        stop=Stop(ordered=stop_ordered, at=stopped_at),
        looks=Looks(alive=alive, unclear=unclear, verified_at=verified_at),
        restore=Restore(reason=restore_why, seen=restore_seen),
        hold=Hold(since=held_since) if held_since is not None else None,
        timer=Timer(paused=paused),
        **fields,
    )
