"""Texts in the form in which they are stored and shown. Pure."""

import unicodedata

from libs.common.errors import Invalid
from libs.common.security.visible import visible
from libs.common.text import Text


def clean(field: str, text: str) -> str:
    """NFC with blanks collapsed.

    Raises:
        Invalid: nothing is left, or the text holds control characters or half characters.
    """
    kept = " ".join(unicodedata.normalize("NFC", text).split())
    if not kept or any(unicodedata.category(char) in ("Cc", "Cs") for char in kept):
        why = Text(f"{field} 为空或无法读取", f"{field} is blank or unreadable")
        raise Invalid(field=field, accepted="text without control characters", why=why)
    return kept


def shown(field: str, text: str) -> str:
    """A name for showing: as `clean`, without invisible characters and direction marks. Raises Invalid."""
    return clean(field, visible(text))
