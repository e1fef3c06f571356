"""The page on which the public asks whether something is official, in Chinese and English."""

from fastapi.responses import HTMLResponse

from libs.common.http.pages import Pages
from services.registry.verification.schemas import Verified

_PAGES = Pages("services.registry.verification")
STATES = {
    "official": ("官方", "Official"),
    "suspended": ("已停用", "Suspended"),
    "gone": ("已消失", "Gone"),
    "closed": ("已关停", "Closed"),
    "unknown": ("不能确认", "Unknown"),
    "look_alike": ("形似,不是官方", "A look-alike, not official"),
}


def verified(answer: Verified | None, *, asked: str = "", platform: str = "") -> HTMLResponse:
    """The answer to the question `asked`, and a form to ask again; without an answer the form alone."""
    return _PAGES.show("verify.html", answer=answer, asked=asked, platform=platform, states=STATES)
