"""At the start of a process: computes the tokens of assets that lack them."""

import asyncio

import structlog

from libs.common.db.errors import UNAVAILABLE
from libs.common.db.pool import Database
from services.registry.lookalikes import usecases

log = structlog.get_logger()


async def fill_at_start(database: Database) -> None:
    """Fill the missing tokens once the database answers; then wait, since a background loop must not end."""
    while True:
        try:
            if filled := await usecases.fill(database):
                log.info("looks-filled", assets=filled)
            break
        except UNAVAILABLE as error:
            log.warning("looks-put-off", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(1)
    await asyncio.Event().wait()
