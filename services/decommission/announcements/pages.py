"""The public pages of announcements, in Chinese and English."""

from collections.abc import Sequence
from uuid import UUID

from fastapi.responses import HTMLResponse

from libs.common.http.pages import Pages
from services.decommission.announcements.usecases import Announcement

_PAGES = Pages("services.decommission.announcements")
STATES = {
    "announced": ("拟关停", "To be closed"),
    "withdrawn": ("已撤回", "Withdrawn"),
    "closed": ("已关停", "Closed"),
    "restored": ("已恢复", "Restored"),
    "in_doubt": ("存疑", "In doubt"),
}


def announcements(items: Sequence[Announcement], *, after: UUID | None = None, single: bool = False) -> HTMLResponse:
    """A page of announcements and where the next begins, or a `single` one."""
    return _PAGES.show("announcements.html", items=items, states=STATES, after=after, single=single)
