"""HTTP: case files, and the keys by which they are verified."""

import json
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter

from libs.common.errors import Missing
from libs.common.http.guards import public, require
from libs.common.security.tokens import Principal
from libs.common.text import Text
from services.decommission.archives import store as archive_store
from services.decommission.casefiles import build
from services.decommission.cases import casework
from services.decommission.cases import store as case_store
from services.decommission.cases.api import shown
from services.decommission.deps import Deps
from services.decommission.keys import store as key_store
from services.decommission.mandates import store as mandate_store
from services.decommission.notices import store as notice_store
from services.decommission.plans import store as plan_store


def router(deps: Deps) -> APIRouter:
    """Case files."""
    routes = APIRouter(prefix="/decommission/v1/cases", tags=["cases 个案"])

    @routes.get("/{case_id}/file", summary="The case file: chain, receipts, plan, signed head 案卷")
    async def file(case_id: UUID, _: Annotated[Principal, require("auditor")]) -> dict[str, Any]:
        """All that proves what was done and why, under a signed head; `jianfu case verify` checks it without a
        server.
        """
        return await _file(deps, case_id)

    return routes


def service_keys(deps: Deps) -> APIRouter:
    """The keys of the service."""
    routes = APIRouter(prefix="/decommission/v1")

    @routes.get("/keys", tags=["public 公开"], summary="The keys of notices and case files, the one in use first 公钥")
    @public
    async def keys() -> dict[str, Any]:
        """Public keys by which notices, orders and case files are verified; earlier ones stay listed."""
        return {"keys": deps.public_keys}

    return routes


def _notice(row: Any) -> dict[str, Any]:
    public = json.loads(row["receipt_key"] or "null")
    key = None if row["thumbprint"] is None else key_store.to_key(row).named()
    signer = str(row["signer"])
    return {"body": row["body"], "receipt": row["receipt"], "unit_id": signer, "public_key": public, "key": key}


async def _file(deps: Deps, case_id: UUID) -> dict[str, Any]:
    async with deps.database.reading() as conn:
        case = await casework.load_case(deps, conn, case_id)
        if not case.log:
            raise Missing(what=Text(f"个案 {case_id} 的日志", f"log of case {case_id}"))
        findings = [
            {"finding_id": str(row["finding_id"]), "evidence": json.loads(row["evidence"])}
            async for row in case_store.QUERIES.findings_of(conn, case_id=case_id)
        ]
        notices = [_notice(row) async for row in notice_store.QUERIES.notices_of(conn, case_id=case_id)]
        plan_id = case.progress.plan_id
        plan = await plan_store.QUERIES.plan_get(conn, plan_id=UUID(plan_id)) if plan_id else None
        approvals = (
            [
                {"approver": row["approver"], "sha256": row["sha256"], "at": row["at"].isoformat()}
                async for row in plan_store.QUERIES.approvals_of(conn, plan_id=UUID(plan_id))
            ]
            if plan_id
            else []
        )
        named = {which for entry in case.log if entry.kind == "approved" for which in entry.data.get("mandates", ())}
        mandates = [
            json.loads(json.dumps(dict(row), default=str))
            async for row in mandate_store.QUERIES.mandates_all(conn, named=sorted(map(UUID, named)))
        ]
        archive = await archive_store.QUERIES.archive_get(conn, case_id=case_id)
    stated = shown(case).model_dump(mode="json", exclude={"due_at"})  # when it is looked at next proves nothing
    return build.build(
        stated,
        case.log,
        deps.signing_key,
        findings=findings,
        notices=notices,
        plan=None if plan is None else {"content": plan["content"], "approvals": approvals, "mandates": mandates},
        archive=None
        if archive is None
        else {"sha256": archive["sha256"], "files": archive["files"], "checks": json.loads(archive["checks"])},
        windows=case.log[0].data.get("windows") or asdict(case.row.windows),
        exported_at=deps.now(),
    )
