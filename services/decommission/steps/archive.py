"""Keep what must be kept, and read it back before anything is switched off."""

import json
from typing import Any
from uuid import UUID

from libs.common.process import crashpoints
from libs.common.security import signing
from services.decommission import reasons
from services.decommission.archives import store as archive_store
from services.decommission.archives.store import ArchiveFailed
from services.decommission.calls import client
from services.decommission.cases import casework
from services.decommission.cases import store as case_store
from services.decommission.connectors import store as connector_store
from services.decommission.deps import Deps
from services.decommission.effects import store as effect_store
from services.decommission.effects import usecases as effect_usecases
from services.decommission.notices import store as notice_store
from services.decommission.plans import store as plan_store
from services.decommission.probes import domain as probe_domain
from services.decommission.steps.verify import address_of

EXPECTED = [
    "asset.json",
    "case/log.json",
    "case/findings.json",
    "case/answers.json",
    "notice/notice.json",
    "notice/receipt.jws",
    "plan/plan.json",
    "plan/approvals.json",
    "page/capture.json",
]


async def do(deps: Deps, case_id: UUID) -> None:
    """Write the package, read it back, record its hash and the four checks."""
    async with deps.database.transaction("start_archive") as conn:
        case = await casework.take(deps, conn, case_id, "archive")
        subject = await casework.subject(conn, case)
        connector = await connector_store.QUERIES.connector_get(conn, platform=subject.platform)
        case, key = await effect_usecases.begin(deps, conn, case, "archive", honours_keys=True)
        files = await _documents(conn, case, case.progress.plan_id)
    assert key is not None  # noqa: S101 - writing a package again replaces it, so keys are honoured
    page = await client.look(deps.egress, address_of(connector, subject))
    seen, revision = probe_domain.probe_result(page.status), connector["probe_revision"] if connector is not None else 0
    capture = {"status": page.status, "sha256": signing.sha256(page.body), "error": page.error}
    files["asset.json"] = _json({name: str(getattr(subject, name)) for name in subject.__dataclass_fields__})
    files["page/capture.json"] = _json(capture)
    if page.accepted:
        files["page/page.html"] = page.body
    crashpoints.point("decommission.archive.before-effect")
    try:
        await deps.archive.keep(case_id, files, day=deps.today(), title=f"{subject.platform} {subject.identity}")
        sha256, checks = await deps.archive.check(case_id, EXPECTED)
        why = "" if sha256 else "the package could not be read back"
    except ArchiveFailed as error:
        sha256, checks, why = "", {}, str(error)
    crashpoints.point("decommission.archive.after-effect")
    async with deps.database.transaction("finish_archive") as conn:
        case = await casework.lock_case(deps, conn, case_id)
        if sha256 and all(checks.values()):
            await effect_store.end(conn, key, "done", sha256=sha256)
            await archive_store.QUERIES.archive_put(
                conn,
                case_id=case_id,
                sha256=sha256,
                files=len(files),
                checks=json.dumps(checks),
                at=deps.now(),
                seen_under=revision if seen == "alive" else None,
            )
            case = await casework.append(deps, conn, case, "archived", sha256=sha256, checks=checks, files=len(files))
            if seen == "gone" and not case.progress.stop_ordered:
                await gone_before(deps, conn, case, page, revision)
        else:
            why = why or f"checks failed: {', '.join(name for name, well in checks.items() if not well)}"
            await failed(deps, conn, case, why, key=key)


async def gone_before(deps: Deps, conn: Any, case: case_store.Case, page: client.Sent, revision: int) -> None:
    """Looked at in the wrong place, or gone by itself: after a stop the same look would prove nothing.

    Who resumes the case answers for this wording of the probe's address; another one is looked at anew.
    """
    answer = page.status or page.error
    why = f"the page answers {answer} before anything was stopped: a look after the stop would prove nothing"
    case = await casework.append(deps, conn, case, "needs_person", why=why, unseen=revision)
    zh = f"尚未停用,页面已返回 {answer}:停用后的探测将不能证明任何事,请核对探测地址后继续。"
    en = f"{why}; look at the connector's probe_url, mend it where it is wrong, then resume the case"
    await casework.alarm(deps, conn, case, "gone-before", zh=zh, en=en)


async def failed(deps: Deps, conn: Any, case: case_store.Case, why: str, *, key: UUID | None = None) -> None:
    """The package is not what it must be: the gate is shut, somebody is told."""
    if key is not None:
        await effect_store.end(conn, key, "failed", why=why)
    case = await casework.append(deps, conn, case, "archive_failed", why=why)
    zh, en = f"归档包未通过检测:{reasons.zh(why)}", f"The archive package failed its checks: {why}"
    await casework.alarm(deps, conn, case, "archive", zh=zh, en=en)


async def _documents(conn: Any, case: case_store.Case, plan_id: str | None) -> dict[str, bytes]:
    case_id = case.row.case_id
    findings = [
        {"finding_id": str(row["finding_id"]), "evidence": json.loads(row["evidence"])}
        async for row in case_store.QUERIES.findings_of(conn, case_id=case_id)
    ]
    notice = await notice_store.QUERIES.notice_get(conn, case_id=case_id)
    plan = await plan_store.QUERIES.plan_get(conn, plan_id=UUID(plan_id)) if plan_id else None
    files = {
        "case/log.json": _json([entry.content() | {"sha256": entry.sha256} for entry in case.log]),
        "case/findings.json": _json(findings),
        "case/answers.json": _json([entry.content() for entry in case.log if entry.kind == "answered"]),
    }
    if notice is not None:
        files["notice/notice.json"] = notice["body"].encode()
        files["notice/receipt.jws"] = (notice["receipt"] or "").encode()
    if plan is not None:
        approvals = [dict(row) async for row in plan_store.QUERIES.approvals_of(conn, plan_id=plan["plan_id"])]
        files["plan/plan.json"] = plan["content"].encode()
        files["plan/approvals.json"] = _json([row | {"at": row["at"].isoformat()} for row in approvals])
    return files


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode()
