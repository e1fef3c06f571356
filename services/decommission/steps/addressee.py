"""Whom a step will call, known before it begins: a step whose target has no place free is not begun."""

from libs.common.db.pool import Connection
from services.decommission.assets.domain import Subject
from services.decommission.cases.store import Case
from services.decommission.channels import types as channel_types
from services.decommission.connectors import store as connector_store
from services.decommission.notices import store as notice_store
from services.decommission.probes import types as probe_types


async def of(conn: Connection, step: str, case: Case, subject: Subject) -> str | None:
    """The target as `host:port`; None where the step calls nobody, or at an address that the door refuses anyway."""
    if step == "notice":
        endpoint = await notice_store.endpoint_of(conn, case, subject)
        return None if endpoint is None else channel_types.of(endpoint["url"]).target(endpoint["url"])
    reach = await connector_store.reach(conn, subject.platform)
    match step:
        case "archive" | "probe":
            return probe_types.of(None if reach is None else reach.probe_url, subject).target()
        case "stop":
            return None if reach is None else reach.connector.target("stop")
        case "restore":
            return None if reach is None else reach.connector.target("restore")
    return None
