"""A case file: everything that proves a case, checked offline with a key that did not come with it.

The file is JSON. Its log is a hash chain; its head (case, number of entries, last hash) is signed, so that an altered,
shortened, reordered or wholly re-hashed log is noticed. `verify` needs nothing but the file and the key.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from libs.common import signing
from services.decommission import chain
from services.decommission.domain import BadReceipt, read_receipt

FORMAT = "jianfu-case-file/1"


def head(case_id: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """What is signed."""
    return {"format": FORMAT, "case_id": case_id, "entries": len(entries), "last": entries[-1]["sha256"]}


def build(
    case: dict[str, Any], entries: list[dict[str, Any]], private: dict[str, Any], *, findings: list[dict[str, Any]],
    notice: dict[str, Any] | None, plan: dict[str, Any] | None, archive: dict[str, Any] | None, exported_at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Put a case file together and sign its head."""
    signed = head(case["case_id"], entries)
    return {
        "format": FORMAT,
        "exported_at": exported_at.isoformat(),
        "case": case,
        "log": entries,
        "findings": findings,
        "notice": notice,
        "plan": plan,
        "archive": archive,
        "head": signed,
        "signature": signing.sign(private, signed),
    }


def verify(path: Path, public_key: str) -> list[str]:
    """What is wrong with a case file; empty when it is whole. `public_key` is a JWK or the path of one."""
    try:
        file = json.loads(path.read_text())
        text = public_key if public_key.lstrip().startswith("{") else Path(public_key).read_text()
        key = json.loads(text)
    except (OSError, ValueError) as error:
        return [f"it cannot be read: {error}"]
    if not isinstance(file, dict) or file.get("format") != FORMAT:
        return [f"it is no case file of the format {FORMAT}"]
    try:
        return faults(file, key)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        return [f"it lacks what a case file holds: {type(error).__name__} {error}"]


def faults(file: dict[str, Any], key: dict[str, Any]) -> list[str]:
    """Every check in turn: chain, signed head, notice and receipt, plan and approvals, archive, findings."""
    entries = file["log"]
    found = chain.faults(entries)
    try:
        signed = signing.verify(key, file["signature"])
    except signing.BadSignature:
        return [*found, "the head is not signed by this key"]
    actual = head(file["case"]["case_id"], entries) if entries else {}
    if signed != actual:
        if signed.get("entries", 0) > len(entries):
            found.append(f"the log is shortened: {len(entries)} of {signed['entries']} entries")
        else:
            found.append("the signed head is not that of this log: it was rewritten after signing")
    by_kind = {entry["kind"]: entry["data"] for entry in entries}
    checks = (_notice, _plan, _archive, _findings)
    return [*found, *(fault for check in checks for fault in check(file, by_kind))]


def _notice(file: dict[str, Any], by_kind: dict[str, Any]) -> list[str]:
    proved, notice = by_kind.get("noticed"), file.get("notice")
    if proved is None:
        return []
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


def _plan(file: dict[str, Any], by_kind: dict[str, Any]) -> list[str]:
    approved, plan = by_kind.get("approved"), file.get("plan")
    if approved is None:
        return []
    if plan is None:
        return ["the log says that a plan was approved, the file holds none"]
    actual = signing.sha256(plan["content"].encode())
    if actual != approved["plan_sha256"]:
        return ["the plan is not the one that was approved"]
    if any(approval["sha256"] != actual for approval in plan["approvals"]) or not plan["approvals"]:
        return ["an approval is for another plan"]
    members = {member["case_id"] for member in json.loads(plan["content"])["members"]}
    return [] if file["case"]["case_id"] in members else ["the approved plan does not hold this case"]


def _archive(file: dict[str, Any], by_kind: dict[str, Any]) -> list[str]:
    archived, package = by_kind.get("archived"), file.get("archive")
    if archived is None:
        return []
    if package is None or package["sha256"] != archived["sha256"]:
        return ["the archive package named is not the one the log records"]
    return []


def _findings(file: dict[str, Any], by_kind: dict[str, Any]) -> list[str]:
    named = {
        entry["data"]["evidence_sha256"]: entry["data"]["finding_id"]
        for entry in file["log"]
        if entry["kind"] in ("opened", "finding_attached")
    }
    held = {signing.sha256(signing.canonical(finding["evidence"])) for finding in file["findings"]}
    return [
        f"the evidence of finding {which} is not what the log records" for h, which in named.items() if h not in held
    ]
