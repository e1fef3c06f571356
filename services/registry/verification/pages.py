"""The public pages, in Chinese and English: a closed asset's tombstone, and whether something is official."""

from fastapi.responses import HTMLResponse

from libs.common.http.pages import Pages
from services.registry.verification.said import KINDS
from services.registry.verification.words import Tombstone, Verified

_PAGES = Pages("services.registry.verification")
STATES = {
    "official": ("官方", "Official"),
    "suspended": ("已停用", "Suspended"),
    "gone": ("已消失", "Gone"),
    "closed": ("已关停", "Closed"),
    "unknown": ("不能确认", "Unknown"),
    "look_alike": ("形似,不是官方", "A look-alike, not official"),
}


def tombstone(told: Tombstone) -> HTMLResponse:
    """When and why an asset was closed, whose it was, and what comes next."""
    zh, en = KINDS[told.kind]
    return _PAGES.show("tombstone.html", told=told, kind_zh=zh, kind_en=en)


def verified(answer: Verified | None, *, asked: str = "", platform: str = "") -> HTMLResponse:
    """The answer to what was `asked`, and a form to ask again; without an answer the form alone."""
    return _PAGES.show("verify.html", answer=answer, asked=asked, platform=platform, states=STATES)
