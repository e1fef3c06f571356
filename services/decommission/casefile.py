"""A case file: everything that proves a case, checked offline with a key that did not come with it.

The file is JSON. Its log is a hash chain; its head (case, number of entries, last hash, hash of all the rest) is
signed, so that an altered, shortened, reordered or wholly re-hashed log is noticed, and so is a change beside it. Nor
is the service believed for its signature alone: notice, plan, archive and findings must be those that the log records,
and the receipt must be by the unit's key. `verify` needs nothing but the file and the key.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from libs.common import signing
from services.decommission import chain
from services.decommission.domain import BadReceipt, read_receipt

FORMAT = "jianfu-case-file/1"


def head(file: dict[str, Any]) -> dict[str, Any]:
    """What is signed: `content` covers every part of the file but the head and its signature."""
    entries = file["log"]
    rest = {name: part for name, part in file.items() if name not in ("head", "signature")}
    return {
        "format": FORMAT,
        "case_id": file["case"]["case_id"],
        "entries": len(entries),
        "last": entries[-1]["sha256"] if entries else chain.GENESIS,
        "content": signing.sha256(signing.canonical(rest)),
    }


def build(
    case: dict[str, Any], entries: list[dict[str, Any]], private: dict[str, Any], *, findings: list[dict[str, Any]],
    notice: dict[str, Any] | None, plan: dict[str, Any] | None, archive: dict[str, Any] | None, exported_at: datetime,
    **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """Put a case file together and sign its head. `more`: parts that older files do not have."""
    file = {
        "format": FORMAT,
        "exported_at": exported_at.isoformat(),
        "case": case,
        "log": entries,
        "findings": findings,
        "notice": notice,
        "plan": plan,
        "archive": archive,
        **more,
    }
    signed = head(file)
    return file | {"head": signed, "signature": signing.sign(private, signed)}


def verify(path: Path, public_key: str) -> list[str]:
    """What is wrong with a case file; empty when it is whole. `public_key` is a JWK or the path of one."""
    try:
        file = json.loads(path.read_text("utf-8"), object_pairs_hook=_once)
        text = public_key if public_key.lstrip().startswith("{") else Path(public_key).read_text("utf-8")
        key = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        return [f"it cannot be read: {error}"]
    if not isinstance(file, dict) or file.get("format") != FORMAT:
        return [f"it is no case file of the format {FORMAT}"]
    return faults(file, key)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that says everything once: of two values under one name another reader may believe the other."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names something twice")
    return found


def faults(file: dict[str, Any], key: dict[str, Any]) -> list[str]:
    """Every check in turn, the chain first. Never raises."""
    checks = (_chain, partial(_head, key), _gates, _notice, _plan, _archive, _findings)
    return [fault for check in checks for fault in _told(check, file)]


def _told(check: Callable[[dict[str, Any]], list[str]], file: dict[str, Any]) -> list[str]:
    """What one check finds; a file too broken for it is a fault, and hides none that another check finds."""
    try:
        return check(file)
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
        return [f"it is not what a case file holds: {type(error).__name__} {error}"]


def _chain(file: dict[str, Any]) -> list[str]:
    return chain.faults(file["log"])


def _data(file: dict[str, Any], kind: str, *, undone_by: str | None = None) -> dict[str, Any] | None:
    """What the last entry of a kind says, unless a later one has undone it."""
    found = [(entry["kind"], entry["data"]) for entry in file["log"] if entry["kind"] in (kind, undone_by)]
    return found[-1][1] if found and found[-1][0] == kind else None


def _head(key: dict[str, Any], file: dict[str, Any]) -> list[str]:
    try:
        signed = signing.verify(key, file["signature"])
    except (signing.BadSignature, LookupError, AttributeError):
        return ["the head is not signed by this key"]
    actual = head(file)
    if (count := signed.get("entries")) != actual["entries"]:
        what = "shortened" if isinstance(count, int) and count > actual["entries"] else "lengthened"
        return [f"the log is {what}: {actual['entries']} entries, {count} were signed"]
    if signed.get("case_id") != actual["case_id"]:
        return ["the signed head is that of another case"]
    if signed.get("last") != actual["last"]:
        return ["the signed head is not that of this log: it was rewritten after signing"]
    if signed != actual:
        return ["what stands beside the log was altered after signing"]
    return [] if file["head"] == signed else ["the head shown is not the head that was signed"]


NEEDED = {
    "stop_started": ("noticed", "approved", "announced", "archived", "confirmed"),
    "closed": ("stop_accepted", "probed", "disposed"),
}
SIGNED = ("approved", "announced", "archived", "confirmed")  # what rests on a plan
UNDOES = {
    "sponsor_changed": ("noticed", *SIGNED),
    "unplanned": SIGNED,
    "archive_failed": ("archived",),
    "recheck_asked": ("confirmed",),
    "finding_refuted": ("confirmed",),
    "restore_asked": NEEDED["closed"],
    "cancelled": (*NEEDED["stop_started"], *NEEDED["closed"]),
}


def _gates(file: dict[str, Any]) -> list[str]:
    """What each stop and the closure rested on was in force then; what a later entry undid no longer counts."""
    found, there = [], set[str]()
    looks = _Looks(int((file.get("windows") or {}).get("verify_days", 1)))
    for entry in file["log"]:
        kind = entry["kind"]
        found += [f"the log says {kind} without {each} in force" for each in NEEDED.get(kind, ()) if each not in there]
        there = (there - set(UNDOES.get(kind, ()))) | {kind}
        if kind == "stop_accepted":
            looks = _Looks(looks.needed)
        elif kind == "probed":
            looks.add(entry["data"])
        elif kind == "closed":
            found += looks.faults()
    return list(dict.fromkeys(found))


@dataclass
class _Looks:
    """What was seen since the stop: gone on `needed` days in a row, and not alive since, is verified."""

    needed: int
    days: list[date] = field(default_factory=list)
    verified: bool = False
    last: str | None = None

    def add(self, look: dict[str, Any]) -> None:
        day, self.last = date.fromisoformat(look["day"]), look["result"]
        follows = bool(self.days) and self.days[-1] + timedelta(days=1) == day
        self.days = [] if self.last != "gone" else [*self.days, day] if follows else [day]
        self.verified = self.last != "alive" and (self.verified or len(self.days) >= self.needed)

    def faults(self) -> list[str]:
        if self.last != "gone":
            return [f"the log says closed, and the last look at it before said {self.last}"]
        return [] if self.verified else [f"the log says closed, and it was not seen gone {self.needed} days in a row"]


def _notice(file: dict[str, Any]) -> list[str]:
    """Every notice that the log says was proved, also to a unit that sponsors the asset no longer.

    A file from before there was one row per notice holds the latest alone.
    """
    latest, notices = _data(file, "noticed", undone_by="sponsor_changed"), file.get("notices")
    found = [] if latest is None else _proof(file, latest, file.get("notice"))
    if notices is None:
        return found
    told = [entry["data"] for entry in file["log"] if entry["kind"] == "noticed"]
    by_receipt = {signing.sha256(notice["receipt"].encode()): notice for notice in notices if notice.get("receipt")}
    found += [fault for proved in told for fault in _proof(file, proved, by_receipt.get(proved["receipt_sha256"]))]
    if file.get("notice") != (notices[-1] if notices else None):
        found.append("the notice shown is not the last of the notices")
    return list(dict.fromkeys(found))


def _proof(file: dict[str, Any], proved: dict[str, Any], notice: dict[str, Any] | None) -> list[str]:
    if notice is None or not notice.get("receipt"):
        return ["the log says that the unit was told, the file holds no receipt"]
    sha256 = signing.sha256(notice["body"].encode())
    if sha256 != proved["notice_sha256"]:
        return ["the notice is not the one whose receipt the log records"]
    if signing.sha256(notice["receipt"].encode()) != proved["receipt_sha256"]:
        return ["the receipt is not the one the log records"]
    try:
        read_receipt(notice["receipt"], notice["public_key"], notice_sha256=sha256, asset_id=file["case"]["asset_id"])
    except BadReceipt as error:
        return [f"notice: {error.text('en')}"]
    return []


def approvers(approved: dict[str, Any]) -> set[str]:
    """Who approved, as the log says it."""
    named = approved["approvers"]
    return set(named.split(", ") if isinstance(named, str) else named) - {""}


def _plan(file: dict[str, Any]) -> list[str]:
    approved, plan = _data(file, "approved", undone_by="unplanned"), file.get("plan")
    if approved is None:
        return []
    if plan is None:
        return ["the log says that a plan was approved, the file holds none"]
    actual = signing.sha256(plan["content"].encode())
    if actual != approved["plan_sha256"]:
        return ["the plan is not the one that was approved"]
    signed = {approval["approver"]: approval["sha256"] for approval in plan["approvals"]}
    if any(sha256 != actual for sha256 in signed.values()):
        return ["an approval is for another plan"]
    if not approvers(approved) or not approvers(approved) <= set(signed):
        return ["the plan lacks an approval that the log records"]
    rules = {
        member["case_id"]: member.get("rules") or [member.get("rule")]
        for member in json.loads(plan["content"])["members"]
    }
    if file["case"]["case_id"] not in rules:
        return ["the approved plan does not hold this case"]
    mandated = all(_mandated(approved, plan, rule) for rule in rules[file["case"]["case_id"]])
    if len(approvers(approved)) < 2 and not mandated:
        return ["one person approved the plan, and no mandate that two others signed covers this case"]
    return _confirmed(file, plan)


def _confirmed(file: dict[str, Any], plan: dict[str, Any]) -> list[str]:
    """What was confirmed last before the order to stop is among the evidence that was signed."""
    kinds = [entry["kind"] for entry in file["log"]]
    before = file["log"][: len(kinds) - kinds[::-1].index("stop_started")] if "stop_started" in kinds else []
    last = _data({"log": before}, "confirmed") or {}
    named = {
        entry["data"]["finding_id"]: entry["data"]["evidence_sha256"]
        for entry in before
        if entry["kind"] in ("opened", "finding_attached")
    }
    members = {member["case_id"]: member for member in json.loads(plan["content"])["members"]}
    signed = members[file["case"]["case_id"]].get("evidence_sha256", ())
    if (evidence := named.get(last.get("finding_id"))) is not None and evidence not in signed:
        return ["what was confirmed before the stop is not among the evidence that was signed"]
    return []


def _mandated(approved: dict[str, Any], plan: dict[str, Any], rule: Any) -> bool:
    """Whether a standing approval that the log names covers a rule and was signed by two who did not propose it."""
    return any(
        mandate["mandate_id"] in approved.get("mandates", ())
        and mandate["rule"] == rule
        and len(set(mandate["approvers"]) - {mandate["proposed_by"]}) >= 2
        for mandate in plan.get("mandates", ())
    )


def _archive(file: dict[str, Any]) -> list[str]:
    archived, package = _data(file, "archived"), file.get("archive")
    if archived is None:
        return []
    if package is None or package["sha256"] != archived["sha256"]:
        return ["the archive package named is not the one the log records"]
    return []


def _findings(file: dict[str, Any]) -> list[str]:
    named = {
        entry["data"]["evidence_sha256"]: entry["data"]["finding_id"]
        for entry in file["log"]
        if entry["kind"] in ("opened", "finding_attached")
    }
    held = {signing.sha256(signing.canonical(finding["evidence"])) for finding in file["findings"]}
    return [
        f"the evidence of finding {which} is not what the log records" for h, which in named.items() if h not in held
    ]
