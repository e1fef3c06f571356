"""The public notice period begins: what will close, when, on which grounds, and by whose key the unit was told."""

from uuid import UUID

from libs.common import days
from services.decommission.context import Context
from services.decommission.keys import domain as keys


async def do(ctx: Context, case_id: UUID) -> None:
    """Publish the announcement; GET /announcements shows it from now on."""
    async with ctx.database.transaction("announce") as conn:
        held = await ctx.take(conn, case_id, "announce")
        until = days.later(ctx.today(), held.case.windows.announce_days)
        key = held.progress.notice_key
        more = {} if key is None else {
            "notice_key": key, "notice_key_age_days": keys.age_days(key, ctx.today(), ctx.zone),
        }  # fmt: skip
        await ctx.append(
            conn, held, "announced", announced_on=ctx.today().isoformat(), stop_not_before=until.isoformat(), **more
        )
