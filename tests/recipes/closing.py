"""Plays the closing of one account in the database of a copy, and prints as JSON what came of it.

`python -m tests.recipes.closing OWNER_URL SERVICE_URL FOLDER CHANGES`: CHANGES are settings in the place of the usual
ones, of the `connector` of the platform and of the `endpoint` of the unit.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.conftest import Urls
from tests.integration.decommission.conftest import told


async def play(urls: Urls, folder: Path, changes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Until the account is stopped and restored: the kinds of the case's log, and the connector as it is shown."""
    async with told(urls, folder) as story:
        if "connector" in changes:
            base = story.world.address + "/pages/{platform}/{identity}"
            body = {"probe_url": base, "honours_keys": True} | changes["connector"]
            await story.call("PUT", "/connectors/x", body)
        unit = await story.unit("alpha", endpoint=False)
        await story.endpoint(unit, **changes.get("endpoint", {}))
        _, case = await story.flagged("toy", unit)
        await story.until(case, "verifying")
        await story.act(case, "restore")
        await story.until(case, "restored")
        return {
            "state": await story.state(case),
            "kinds": await story.kinds(case),
            "connector": await story.call("GET", "/connectors/x"),
            "notices": len(story.world.calls("notice")),
            "stops": len(story.world.calls("stop")),
        }


if __name__ == "__main__":
    owner, service, where, given = sys.argv[1:]
    print(json.dumps(asyncio.run(play(Urls(owner=owner, service=service), Path(where), json.loads(given)))))
