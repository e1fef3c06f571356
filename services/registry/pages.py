"""The public page of a closed asset, in Chinese and English."""

from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape

_pages = Environment(loader=PackageLoader("services.registry"), autoescape=select_autoescape())
KINDS = {"account": ("账号", "account"), "app": ("应用", "app"), "group": ("群组", "group")}


def tombstone(row: dict[str, Any]) -> str:
    """When and why an asset was closed and what replaces it."""
    zh, en = KINDS[row["kind"]]
    return _pages.get_template("tombstone.html").render(row, kind_zh=zh, kind_en=en)
