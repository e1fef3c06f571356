"""Who has changed what of the set-up."""

import json
from pathlib import Path
from typing import Any

from libs.common.db.pool import Connection
from libs.common.db.queries import load_queries
from services.decommission.deps import Deps

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


async def record_change(
    deps: Deps,
    conn: Connection,
    what: str,
    which: str,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    actor: str,
) -> None:
    """Who has changed what; in the transaction of the change. `before` and `after` hold nothing personal."""
    await QUERIES.setup_change_add(
        conn, what=what, which=which, before=json.dumps(before), after=json.dumps(after), actor=actor, at=deps.now()
    )
