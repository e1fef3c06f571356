"""Where a tombstone is read, and by which name of its unit. Pure."""

from collections.abc import Sequence
from uuid import UUID

KINDS = {"account": ("账号", "account"), "app": ("应用", "app"), "group": ("群组", "group")}


def path_of(asset_id: UUID) -> str:
    """Where the tombstone of an asset is read."""
    return f"/registry/v1/tombstones/{asset_id}"


def chosen(names: Sequence[tuple[str, str]], language: str) -> str:
    """The name of a unit for a reader of a language: one in it, or in Chinese, or in English, or the first."""
    for wanted in (language.lower()[:2], "zh", "en"):
        for tag, text in names:
            if wanted and tag.lower().startswith(wanted):
                return text
    return names[0][1]
