"""One case file and its package, taken out of the product and checked offline, with the keys from elsewhere.

It is checked by the verifier that the product prints, run by itself, as whoever is handed a case file would.
"""

import asyncio
import json
import sys
from pathlib import Path

from client import Client
from rich.console import Console
from signing import public, unit_key
from stack import JIANFU, Stack

WISHED = ("closed", "restored", "unverified")


async def check(client: Client, stack: Stack, console: Console, seed: int) -> list[str]:
    """What is wrong with the case file of one closed case (or the nearest to it); empty when nothing is."""
    case_id = await _choose(client)
    if case_id is None:
        return []
    folder = stack.data.parent / "demo-case"
    folder.mkdir(exist_ok=True)
    file, package, verifier, units = (folder / name for name in ("case.json", "package.zip", "verify.py", "units.pub"))
    there = ("--address", stack.state["address"], "--token", client.tokens["auditor"])
    for what, out in (("export", file), ("package", package)):
        await _run(JIANFU, "case", what, case_id, "--out", out, *there)
    await _run(JIANFU, "case", "verifier", "--out", verifier)
    told = {notice["unit_id"] for notice in json.loads(file.read_text())["notices"] if notice["unit_id"] != "None"}
    units.write_text(json.dumps({"keys": [public(unit_key(seed, unit)) for unit in sorted(told)]}))
    keys = ("--service-key", stack.state["keys"]["decommission"], "--unit-key", units)
    code, said = await _run(sys.executable, "-I", verifier, file, *keys, "--package", package)
    console.print(f"case file: {said}", soft_wrap=True, markup=False)
    return [] if code == 0 else [f"the case file {file} does not verify"]


async def _choose(client: Client) -> str | None:
    for state in WISHED:
        page = await client.get("/decommission/v1/cases", state=state, limit=1)
        if page["items"]:
            return str(page["items"][0]["case_id"])
    return None


async def _run(*arguments: str | Path) -> tuple[int, str]:
    child = await asyncio.create_subprocess_exec(
        *map(str, arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await child.communicate()
    return child.returncode or 0, out.decode().strip()
