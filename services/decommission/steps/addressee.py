"""Whom a step will call, known before it begins: a step whose target has no place free is not begun."""

from typing import Any

from libs.common.outbound.egress import target_of
from services.decommission.assets.domain import Subject
from services.decommission.cases.store import Case
from services.decommission.connectors import store as connector_store
from services.decommission.steps import notice
from services.decommission.steps.verify import address_of


async def of(conn: Any, step: str, case: Case, subject: Subject) -> str | None:
    """The target as `host:port`; None where the step calls nobody, or at an address that the door refuses anyway."""
    url = await _url(conn, step, case, subject)
    try:
        return target_of(url) if url else None
    except ValueError:
        return None


async def _url(conn: Any, step: str, case: Case, subject: Subject) -> str | None:
    if step == "notice":
        endpoint = await notice.endpoint_of(conn, case, subject)
        return endpoint["url"] if endpoint is not None else None
    connector = await connector_store.QUERIES.connector_get(conn, platform=subject.platform)
    match step:
        case "archive" | "probe":
            return address_of(connector, subject)
        case "stop" | "restore":
            return connector[f"{step}_url"] if connector is not None else None
    return None
