"""Whole case files on paper: a log from a life or from a forger, with every paper that must stand beside it, signed."""

import copy
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from deploy.verify import jianfu_verify
from deploy.verify.jianfu_verify import Report
from libs.common.events import ids
from libs.common.security import signing, tokens
from services.decommission.casefiles import build
from services.decommission.cases import chain, states
from services.decommission.cases.chain import Entry
from services.decommission.cases.entries.table import fold
from services.decommission.keys import domain as key_domain
from services.decommission.limits import domain as limit_domain
from services.decommission.limits.domain import Windows
from tests.unit.decommission.life import BY_PEOPLE, SHORT, ZONE, Life, key_of

SERVICE = tokens.new_key("service")
UNIT = tokens.new_key("unit")
PUBLIC = json.dumps(tokens.public_key(SERVICE))
UNIT_PUBLIC = json.dumps(tokens.public_key(UNIT))
ASSET = UUID(int=1)
CASE = ids.case_id(ASSET, 1)
PACKAGE = "a" * 64
File = dict[str, Any]
Line = dict[str, Any]  # an entry before it is hashed: at, actor, kind, data


def sha256(text: str) -> str:
    return signing.sha256(text.encode())


def lines(log: Sequence[Entry]) -> list[Line]:
    """The log of a life, to be changed by whoever holds the pen."""
    return [{"at": e.at, "actor": e.actor, "kind": e.kind, "data": copy.deepcopy(e.data)} for e in log]


def notice_of(sent: date, windows: Windows) -> str:
    answer_by = sent + timedelta(days=windows.answer_days)
    days = {
        "sent_on": sent.isoformat(),
        "answer_by": answer_by.isoformat(),
        "stop_not_before": (answer_by + timedelta(days=windows.announce_days)).isoformat(),
    }
    return signing.canonical({"type": "notice", "asset_id": str(ASSET), "case_id": str(CASE), **days}).decode()


def receipt_of(body: str, on: date, *, key: dict[str, Any] = UNIT, **changes: Any) -> str:
    claims = {"notice_sha256": sha256(body), "asset_id": str(ASSET), "received_on": on.isoformat()}
    return signing.sign(key, claims | changes)


def plan_of(plan_id: str, sealed: date, notice_sha256: str, evidence: Sequence[str], **member: Any) -> str:
    mine = {"case_id": str(CASE), "asset_id": str(ASSET), "rule": "C15", "notice_sha256": notice_sha256}
    members = [mine | {"evidence_sha256": list(evidence)} | member]
    return signing.canonical({"plan_id": plan_id, "sealed_on": sealed.isoformat(), "members": members}).decode()


def evidence_of(finding: str) -> dict[str, Any]:
    return {"rule": "C15", "finding_id": finding, "signals": [{"name": "days_since_post", "value": 120}]}


def papers(
    log: list[Line],
    windows: Windows = SHORT,
    *,
    pinned: bool = True,
    older_days: bool = False,
    last_state: str | None = None,
    zone: ZoneInfo = ZONE,
) -> File:
    """The file of a log, with papers that fit each of its entries, as a service could write that means to deceive.

    What the entries of a life name by a letter gets its hash here; entries are linked anew. `last_state` is what is
    told beside the log, else what the log amounts to. Not `pinned`: as an older service opened a case; `older_days`: as
    one did that counted 24 hours for a day.
    """
    findings: dict[str, dict[str, Any]] = {}
    notices: list[dict[str, Any]] = []
    plan: dict[str, Any] | None = None
    notice_sha256 = ""
    notice_key: dict[str, Any] | None = None
    for line in log:
        data, day = line["data"], line["at"].astimezone(zone).date()
        match line["kind"]:
            case "opened" | "finding_attached":
                findings[data["finding_id"]] = evidence = evidence_of(data["finding_id"])
                data.update(rule="C15", evidence_sha256=signing.sha256(signing.canonical(evidence)))
                if line["kind"] == "opened" and pinned:
                    data.update(windows=asdict(windows), zone=zone.key)
                    if not older_days:
                        data.update(days=limit_domain.CALENDAR)
            case "notice_started" if not pinned:
                data.pop("unit_key", None)
            case "notice_started" if data.get("unit_key", "k") == "k":
                data["unit_key"] = key_domain.thumbprint(tokens.public_key(UNIT))
            case "noticed":
                body = notice_of(day, windows)
                token = receipt_of(body, day, number=len(notices), **data.pop("receipt", {}))
                notice_sha256 = sha256(body)
                received = signing.verify(tokens.public_key(UNIT), token)["received_on"]
                data.update(notice_sha256=notice_sha256, receipt_sha256=sha256(token), received_on=received)
                public = tokens.public_key(UNIT)
                aged = line["at"] - timedelta(days=windows.key_age_days)
                notice_key = key_of(aged, thumbprint=key_domain.thumbprint(public)) | data.pop("unit_key", {})
                if pinned:
                    data["key"] = notice_key
                else:  # nor were units' keys kept by then
                    notice_key = None
                    data.pop("key", None)
                notices.append({"body": body, "receipt": token, "unit_id": "u", "public_key": public})
            case "sponsor_changed" | "endpoint_changed":
                notice_sha256, notice_key = "", None
            case "planned":
                hashes = [signing.sha256(signing.canonical(one)) for one in findings.values()]
                content = plan_of(data["plan_id"], day, notice_sha256, hashes, notice_key=notice_key)
                plan = {"content": content, "approvals": [], "mandates": data.pop("mandates", [])}
                data["plan_sha256"] = sha256(content)
            case "approved" if plan is not None:
                data["plan_sha256"] = sha256(plan["content"])
                at = data.pop("signed_at", line["at"]).isoformat()
                plan["approvals"] = [
                    {"approver": who, "sha256": data["plan_sha256"], "at": at} for who in data["approvers"]
                ]
            case "announced" if notice_key is None:
                data.pop("notice_key", None)
            case "announced":
                if data.get("notice_key", {}).get("thumbprint") == "k":
                    data["notice_key"] = notice_key
                data.setdefault("notice_key_age_days", key_domain.age_days(notice_key, day, zone))
            case "unplanned":
                plan = None
            case "archived":
                data["sha256"] = PACKAGE
    entries: list[Entry] = []
    for line in log:
        previous = entries[-1].sha256 if entries else chain.GENESIS
        bare = Entry(len(entries) + 1, line["at"], line["actor"], line["kind"], line["data"], previous, "")
        hashed = signing.sha256(signing.canonical(bare.content()))
        entries.append(Entry(bare.seq, bare.at, bare.actor, bare.kind, bare.data, previous, hashed))
    state = last_state or states.state_of(fold(entries, windows, zone))
    told = {
        "case_id": str(CASE),
        "asset_id": str(ASSET),
        "ordinal": 1,
        "finding_id": log[0]["data"]["finding_id"],
        "rule": "C15",
        "state": state,
        "version": len(entries),
        "opened_at": log[0]["at"].isoformat(),
    }
    archived = any(line["kind"] == "archived" for line in log)
    return build.build(
        told,
        entries,
        SERVICE,
        findings=[{"finding_id": name, "evidence": evidence} for name, evidence in findings.items()],
        notices=notices,
        plan=plan,
        archive={"sha256": PACKAGE, "files": 7, "checks": {}} if archived else None,
        windows=asdict(windows),
        exported_at=max(line["at"] for line in log),
    )


def written(life: Life) -> File:
    """The file of a life as it was led."""
    return papers(lines(life.log), life.windows, zone=life.zone)


def report(file: Any, *, key: str = PUBLIC, unit: str | None = UNIT_PUBLIC, **more: Any) -> Report:
    """What the verifier says of a file, with the keys from outside."""
    data = file if isinstance(file, bytes) else json.dumps(file, ensure_ascii=False).encode("utf-8", "surrogatepass")
    units = jianfu_verify.read_keys(unit) if unit is not None else []
    return jianfu_verify.check(data, jianfu_verify.read_keys(key), units, **more)


def faults(file: Any, **more: Any) -> list[str]:
    return report(file, **more).faults


def reseal(file: File, key: dict[str, Any] = SERVICE) -> None:
    """What only the service itself can do: hash and sign anew. It must not help against what others signed."""
    previous = chain.GENESIS
    for seq, entry in enumerate(file["log"], start=1):
        entry["seq"], entry["previous"] = seq, previous
        content = {name: entry[name] for name in ("seq", "at", "actor", "kind", "data", "previous")}
        entry["sha256"] = previous = signing.sha256(signing.canonical(content))
    file["head"] = build.head(file)
    file["signature"] = signing.sign(key, file["head"])


def entry_of(file: File, kind: str, which: int = 0) -> dict[str, Any]:
    """What an entry of a kind says."""
    data: dict[str, Any] = [entry["data"] for entry in file["log"] if entry["kind"] == kind][which]
    return data


def line(at: datetime, kind: str, **data: Any) -> Line:
    return {"at": at, "actor": "test" if kind in BY_PEOPLE else "jianfu", "kind": kind, "data": data}
