"""What the services' OpenAPI documents say is all that comes back, whatever is asked: schemathesis tries.

It generates requests from each document: every boundary of every field, and fresh ones; valid and not. What comes back
must be documented in status, content type, headers and body, name every method of a path, and never be a 5xx.
"""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from deploy.local.issuer import issue
from services import SERVICES
from tests.attack.counting import Counts
from tests.conftest import Urls
from tests.contract import published

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)
ROLES = ("viewer", "registrar", "operator", "auditor", "approver", "agent", "clock")
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


@pytest.mark.parametrize("service", SERVICES)
async def test_nothing_undocumented_comes_back(
    service: str, fresh_database: Callable[[str], Awaitable[Urls]], tmp_path: Path, counts: Counts, size: int
) -> None:
    """On a service of its own, since it steps the clock to the end of time and turns every switch."""
    database = (await fresh_database(service)).service
    with published.serving(service, database, tmp_path / service) as address:
        key = json.loads((tmp_path / service / "signing.jwk").read_text())
        token = issue(key, "tester", ROLES, sources=["*"])
        command = [
            str(SCHEMATHESIS),
            "run",
            f"{address}/{service}/v1/openapi.json",
            "-H",
            f"Authorization: Bearer {token}",
            "--checks",
            ",".join(CHECKS),
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            str(2 * size),
            "--generation-deterministic",
            "--continue-on-failure",
            "--no-color",
            "--warnings",
            "off",
        ]
        done = await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    generated = re.search(r"([0-9,]+) generated", done.stdout)
    assert generated is not None, done.stdout
    counts.requests += int(generated[1].replace(",", ""))
    counts.others["requests drawn from the documents"] += int(generated[1].replace(",", ""))
