"""One case file, taken out of the product and checked by its own command, offline, with the key from elsewhere."""

import asyncio

from client import Client
from rich.console import Console
from stack import JIANFU, Stack

WISHED = ("closed", "restored", "unverified")


async def check(client: Client, stack: Stack, console: Console) -> list[str]:
    """What is wrong with the case file of one closed case (or the nearest to it); empty when nothing is."""
    case_id = await _choose(client)
    if case_id is None:
        return []
    file = stack.data.parent / "demo-case.json"
    address, token = stack.state["address"], client.tokens["auditor"]
    await _jianfu("case", "export", case_id, "--out", str(file), "--address", address, "--token", token)
    code, said = await _jianfu("case", "verify", str(file), "--key", stack.state["keys"]["decommission"])
    console.print(f"case file: {said}", soft_wrap=True)
    return [] if code == 0 else [f"the case file {file} does not verify"]


async def _choose(client: Client) -> str | None:
    for state in WISHED:
        page = await client.get("/decommission/v1/cases", state=state, limit=1)
        if page["items"]:
            return str(page["items"][0]["case_id"])
    return None


async def _jianfu(*arguments: str) -> tuple[int, str]:
    child = await asyncio.create_subprocess_exec(
        JIANFU, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await child.communicate()
    return child.returncode or 0, out.decode().strip()
