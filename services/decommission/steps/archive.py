"""Keep what must be kept, and read it back before anything is switched off."""

import json
from typing import Any
from uuid import UUID

from libs.common.process import crashpoints
from libs.common.security import signing
from services.decommission import refusals
from services.decommission.archives.bag import ArchiveFailed
from services.decommission.cases import domain, store
from services.decommission.cases.store import QUERIES
from services.decommission.connectors import webhook
from services.decommission.context import Context
from services.decommission.steps.verify import address_of

EXPECTED = [
    "asset.json", "case/log.json", "case/findings.json", "case/answers.json", "notice/notice.json",
    "notice/receipt.jws", "plan/plan.json", "plan/approvals.json", "page/capture.json",
]  # fmt: skip


async def do(ctx: Context, case_id: UUID) -> None:
    """Write the package, read it back, record its hash and the four checks."""
    async with ctx.database.transaction("start_archive") as conn:
        held = await ctx.take(conn, case_id, "archive")
        subject = await ctx.subject(conn, held)
        connector = await QUERIES.connector_get(conn, platform=subject.platform)
        held, key = await ctx.begin(conn, held, "archive", honours_keys=True)
        files = await _documents(conn, held, held.progress.plan_id)
    assert key is not None  # noqa: S101 - writing a package again replaces it, so keys are honoured
    page = await webhook.look(ctx.egress, address_of(connector, subject))
    seen, revision = domain.probe_result(page.status), connector["probe_revision"] if connector is not None else 0
    capture = {"status": page.status, "sha256": signing.sha256(page.body), "error": page.error}
    files["asset.json"] = _json({name: str(getattr(subject, name)) for name in subject.__dataclass_fields__})
    files["page/capture.json"] = _json(capture)
    if page.accepted:
        files["page/page.html"] = page.body
    crashpoints.point("decommission.archive.before-effect")
    try:
        await ctx.archive.keep(case_id, files, day=ctx.today(), title=f"{subject.platform} {subject.identity}")
        sha256, checks = await ctx.archive.check(case_id, EXPECTED)
        why = "" if sha256 else "the package could not be read back"
    except ArchiveFailed as error:
        sha256, checks, why = "", {}, str(error)
    crashpoints.point("decommission.archive.after-effect")
    async with ctx.database.transaction("finish_archive") as conn:
        held = await ctx.hold(conn, case_id)
        if sha256 and all(checks.values()):
            await ctx.end(conn, key, "done", sha256=sha256)
            await QUERIES.archive_put(
                conn, case_id=case_id, sha256=sha256, files=len(files), checks=json.dumps(checks), at=ctx.now(),
                seen_under=revision if seen == "alive" else None,
            )  # fmt: skip
            held = await ctx.append(conn, held, "archived", sha256=sha256, checks=checks, files=len(files))
            if seen == "gone" and not held.progress.stop.ordered:
                await gone_before(ctx, conn, held, page, revision)
        else:
            why = why or f"checks failed: {', '.join(name for name, well in checks.items() if not well)}"
            await failed(ctx, conn, held, why, key=key)


async def gone_before(ctx: Context, conn: Any, held: store.Held, page: webhook.Sent, revision: int) -> None:
    """Looked at in the wrong place, or gone by itself: after a stop the same look would prove nothing.

    Who resumes the case answers for this wording of the probe's address; another one is looked at anew.
    """
    answer = page.status or page.error
    why = f"the page answers {answer} before anything was stopped: a look after the stop would prove nothing"
    held = await ctx.append(conn, held, "needs_person", why=why, unseen=revision)
    zh = f"尚未停用,页面已返回 {answer}:停用后的探测将不能证明任何事,请核对探测地址后继续。"
    en = f"{why}; look at the connector's probe_url, mend it where it is wrong, then resume the case"
    await ctx.alarm(conn, held, "gone-before", zh=zh, en=en)


async def failed(ctx: Context, conn: Any, held: store.Held, why: str, *, key: UUID | None = None) -> None:
    """The package is not what it must be: the gate is shut, somebody is told."""
    if key is not None:
        await ctx.end(conn, key, "failed", why=why)
    held = await ctx.append(conn, held, "archive_failed", why=why)
    zh, en = f"归档包未通过检测:{refusals.zh(why)}", f"The archive package failed its checks: {why}"
    await ctx.alarm(conn, held, "archive", zh=zh, en=en)


async def _documents(conn: Any, held: store.Held, plan_id: str | None) -> dict[str, bytes]:
    case_id = held.case.case_id
    findings = [
        {"finding_id": str(row["finding_id"]), "evidence": json.loads(row["evidence"])}
        async for row in QUERIES.findings_of(conn, case_id=case_id)
    ]
    notice = await QUERIES.notice_get(conn, case_id=case_id)
    plan = await QUERIES.plan_get(conn, plan_id=UUID(plan_id)) if plan_id else None
    files = {
        "case/log.json": _json([entry.content() | {"sha256": entry.sha256} for entry in held.log]),
        "case/findings.json": _json(findings),
        "case/answers.json": _json([entry.content() for entry in held.log if entry.kind == "answered"]),
    }
    if notice is not None:
        files["notice/notice.json"] = notice["body"].encode()
        files["notice/receipt.jws"] = (notice["receipt"] or "").encode()
    if plan is not None:
        approvals = [dict(row) async for row in QUERIES.approvals_of(conn, plan_id=plan["plan_id"])]
        files["plan/plan.json"] = plan["content"].encode()
        files["plan/approvals.json"] = _json([row | {"at": row["at"].isoformat()} for row in approvals])
    return files


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode()
