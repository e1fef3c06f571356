"""What nobody sees in a text: format characters, marks that turn the reading, fillers. Pure."""

import unicodedata
from itertools import chain

# Invisible though not of the category of format characters: Unicode's Default_Ignorable_Code_Point, and a blank pattern
# of Braille.
_FILLERS = frozenset(
    map(
        chr,
        chain(
            (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
            range(0x180B, 0x1810),
            range(0xFE00, 0xFE10),
            range(0xE0000, 0xE1000),
        ),
    )
)


def is_invisible(char: str) -> bool:
    """Whether a character is drawn as nothing, or only turns what stands around it."""
    return unicodedata.category(char) == "Cf" or char in _FILLERS


def visible(text: str) -> str:
    """Without invisible characters and those that turn the direction of reading."""
    return text if text.isascii() else "".join(char for char in text if not is_invisible(char))
