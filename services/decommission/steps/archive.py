"""Keep what must be kept, and read it back before anything is switched off."""

import json
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from uuid import UUID

from libs.common.db.pool import Connection
from libs.common.security import signing
from services.decommission import reasons
from services.decommission.archives import contents
from services.decommission.archives import store as archive_store
from services.decommission.archives.domain import Material
from services.decommission.archives.store import ArchiveFailed
from services.decommission.assets.domain import Subject
from services.decommission.cases import casework
from services.decommission.cases import store as case_store
from services.decommission.cases.entries import stop as entries
from services.decommission.cases.store import Case
from services.decommission.connectors import store as connector_store
from services.decommission.deps import Deps
from services.decommission.effects.domain import Attempt, Conclusion, Prepared
from services.decommission.effects.usecases import perform
from services.decommission.notices import store as notice_store
from services.decommission.plans import store as plan_store
from services.decommission.probes import types as probe_types
from services.decommission.probes.domain import Alive, Gone, Look, Probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a package is made of but for the log and the page. `revision` is that of the probe's address."""

    subject: Subject
    probe: Probe
    revision: int
    findings: list[dict[str, Any]]
    notice: tuple[str, str] | None
    plan: tuple[str, list[dict[str, Any]]] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A package that was written and read back, or why it could not be; and what was seen of the asset meanwhile."""

    sha256: str
    checks: dict[str, bool]
    files: int
    why: str
    look: Look

    @property
    def sound(self) -> bool:
        return bool(self.sha256) and all(self.checks.values())


async def do(deps: Deps, case_id: UUID) -> None:
    """Write the package, read it back, record its hash and the four checks."""
    # Writing a package again replaces it, so this target honours keys.
    await perform(
        deps,
        case_id,
        "archive",
        begin="start_archive",
        end="finish_archive",
        prepare=_prepare,
        call=partial(_keep, deps),
        conclude=partial(_concluded, deps),
    )


async def _prepare(conn: Connection, case: Case) -> Prepared[Sources]:
    subject = await casework.subject(conn, case)
    reach = await connector_store.reach(conn, subject.platform)
    findings = [
        {"finding_id": str(row["finding_id"]), "evidence": json.loads(row["evidence"])}
        async for row in case_store.QUERIES.findings_of(conn, case_id=case.row.case_id)
    ]
    notice = await notice_store.QUERIES.notice_get(conn, case_id=case.row.case_id)
    plan_id = case.progress.plan_id
    plan = await plan_store.QUERIES.plan_get(conn, plan_id=UUID(plan_id)) if plan_id else None
    approvals = []
    if plan is not None:
        rows = plan_store.QUERIES.approvals_of(conn, plan_id=plan["plan_id"])
        approvals = [dict(row) | {"at": row["at"].isoformat()} async for row in rows]
    return Prepared(
        order=Sources(
            subject=subject,
            probe=probe_types.of(None if reach is None else reach.probe_url, subject),
            revision=0 if reach is None else reach.probe_revision,
            findings=findings,
            notice=None if notice is None else (notice["body"], notice["receipt"] or ""),
            plan=None if plan is None else (plan["content"], approvals),
        )
    )


async def _keep(deps: Deps, attempt: Attempt[Sources]) -> Kept:
    """Look at the asset, write the package and read it back."""
    sources, case_id = attempt.order, attempt.case_id
    look = await sources.probe.look(deps)
    alive = isinstance(look, Alive)
    material = Material(
        asset={name: str(value) for name, value in asdict(sources.subject).items()},
        log=[entry.content() | {"sha256": entry.sha256} for entry in attempt.log],
        findings=sources.findings,
        notice=sources.notice,
        plan=sources.plan,
        page={"status": look.status, "sha256": signing.sha256(look.body), "error": look.error},
        page_body=look.body if alive else None,
    )
    kind = contents.of(sources.subject.kind)
    files = kind.documents(material)
    try:
        title = f"{sources.subject.platform} {sources.subject.identity}"
        await deps.archive.keep(case_id, files, day=deps.today(), title=title)
        sha256, checks = await deps.archive.check(case_id, kind.EXPECTED)
        why = "" if sha256 else "the package could not be read back"
    except ArchiveFailed as error:
        sha256, checks, why = "", {}, str(error)
    return Kept(sha256=sha256, checks=checks, files=len(files), why=why, look=look)


def _concluded(deps: Deps, attempt: Attempt[Sources], kept: Kept) -> Conclusion:
    """A sound package opens the gate of the archive; another shuts it and calls somebody."""
    if not kept.sound:
        why = kept.why or f"checks failed: {', '.join(name for name, well in kept.checks.items() if not well)}"

        async def not_kept(conn: Connection, case: Case) -> None:
            await failed(deps, conn, case, why)

        return Conclusion(state="failed", result={"why": why}, write=not_kept)

    async def written(conn: Connection, case: Case) -> None:
        revision = attempt.order.revision
        await archive_store.QUERIES.archive_put(
            conn,
            case_id=case.row.case_id,
            sha256=kept.sha256,
            files=kept.files,
            checks=json.dumps(kept.checks),
            at=deps.now(),
            seen_under=revision if isinstance(kept.look, Alive) else None,
        )
        case = await casework.append(
            deps, conn, case, entries.Archived(sha256=kept.sha256, checks=kept.checks, files=kept.files)
        )
        if isinstance(kept.look, Gone) and not case.progress.stop.ordered:
            await gone_before(deps, conn, case, kept.look, revision)

    return Conclusion(state="done", result={"sha256": kept.sha256}, write=written)


async def gone_before(deps: Deps, conn: Connection, case: Case, look: Look, revision: int) -> None:
    """The asset is gone before its stop: the probe's address is wrong, or it vanished by itself.

    A look after the stop would prove nothing. Resuming the case accepts this address of the probe; another address is
    looked at anew.
    """
    answer = look.status or look.error
    why = f"the page answers {answer} before anything was stopped: a look after the stop would prove nothing"
    zh = f"尚未停用,页面已返回 {answer}:停用后的探测将不能证明任何事,请核对探测地址后继续。"
    en = f"{why}; look at the connector's probe_url, mend it where it is wrong, then resume the case"
    await casework.call_person(deps, conn, case, "gone-before", why, zh=zh, en=en, unseen=revision)


async def failed(deps: Deps, conn: Connection, case: Case, why: str) -> None:
    """The package is not what it must be: the gate is shut, somebody is told."""
    case = await casework.append(deps, conn, case, entries.ArchiveFailed(why=why))
    zh, en = f"归档包未通过检测:{reasons.zh(why)}", f"The archive package failed its checks: {why}"
    await casework.alarm(deps, conn, case, "archive", zh=zh, en=en)
