"""docs/recipes/add-a-metric.md, followed: what is counted stands under /metrics and in the list of instruments."""

import json
from pathlib import Path

from tests.recipes.followed import Copy, files_of

METRIC = """PAGES = counter(
    "jianfu_registry_pages_total", "Pages shown.", of="pages", labels={"page": "a template of this service"}
)
"""
PROBE = """
import asyncio, json, pathlib
import httpx
from libs.common.telemetry.instruments import declared
from services.registry.verification import pages
from tests.architecture import instruments
from tests.architecture.test_inputs import of_registry

app = of_registry(pathlib.Path("."))

async def ask():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        return (await client.get("/metrics")).text

pages.verified(None)
pages.verified(None)
listed = {each.name: dict(each.labels) for each in declared()}
shown = [line for line in asyncio.run(ask()).splitlines() if line.startswith("jianfu_registry_pages_total{")]
print(json.dumps({"shown": shown, "labels": listed["jianfu_registry_pages_total"], "lint": instruments.check()}))
"""


def test_a_metric_is_added_in_two_files(tmp_path: Path) -> None:
    named = files_of("add-a-metric.md")
    metrics, pages = named
    copy = Copy.into(tmp_path / "tree")
    copy.append(metrics, METRIC)
    copy.insert(pages, "from services.registry.verification.schemas", "from services.registry import metrics\n")
    copy.insert(pages, '    return _PAGES.show("verify.html"', '    metrics.PAGES.labels("verify").inc()\n')
    assert copy.changed() == sorted(named)

    seen = json.loads(copy.run("-c", PROBE).splitlines()[-1])
    assert seen["shown"] == ['jianfu_registry_pages_total{page="verify"} 2.0']
    assert seen["labels"] == {"page": "a template of this service"}
    assert seen["lint"] == []
