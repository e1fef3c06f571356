"""A process that is killed at the point `test.other.before-commit` while another commit of its is on the way."""

import asyncio
import sys
from pathlib import Path

from libs.common import crashpoints
from libs.common.db.pool import Database


async def main(url: str, points: Path, fired: Path) -> None:
    """Commit a row, which takes the database a while, and meet the armed point meanwhile."""
    crashpoints.arm(points, fired, profile="local")
    database = await Database.connect(url, name="test")
    sent = asyncio.Event()

    async def slow() -> None:
        async with database.transaction("slow") as conn:
            await conn.execute("insert into slow_commits default values")
            sent.set()

    async def other() -> None:
        await sent.wait()
        async with database.transaction("other"):
            pass

    await asyncio.gather(slow(), other())


asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
