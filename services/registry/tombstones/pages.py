"""The page of a tombstone, in Chinese and English."""

from fastapi.responses import HTMLResponse

from libs.common.http.pages import Pages
from services.registry.tombstones.domain import KINDS
from services.registry.tombstones.schemas import Tombstone

_PAGES = Pages("services.registry.tombstones")


def tombstone(tombstone: Tombstone) -> HTMLResponse:
    """The page of a closed asset: when and why it closed, its unit, and its successor."""
    zh, en = KINDS[tombstone.kind]
    return _PAGES.show("tombstone.html", tombstone=tombstone, kind_zh=zh, kind_en=en)
