"""Strings as they are stored: one normal form, bounded, only characters that can be stored and shown. Pure."""

import unicodedata
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

LINES = "\n\t"  # what a text of several lines may hold beside what is printed


def _shows(sign: str) -> bool:
    """Whether a character can be stored and shown: no control, no half of a pair, no noncharacter (Unicode 23.7)."""
    code = ord(sign)
    nonexistent = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return not nonexistent and unicodedata.category(sign) not in ("Cc", "Cs")


def quoted(text: str, most: int) -> str:
    """A stranger's text as it can be stored and shown: cut to `most` characters, with U+FFFD for what cannot."""
    return "".join(sign if sign in LINES or _shows(sign) else "\ufffd" for sign in text[:most])


@dataclass(frozen=True, slots=True)
class Plain:
    """Annotates a `str` field that is stored: `Annotated[str, Plain(400)]`.

    The value becomes NFC (Unicode Standard Annex 15). It is refused with control characters (with `lines`, line feed
    and tab may stand in it), surrogates or noncharacters, when it holds fewer than `least` characters beside blanks,
    or more than `most` after folding: what is stored in folded form too must fit there, and one letter may fold to
    three.
    """

    most: int
    least: int = 1
    lines: bool = False

    def clean(self, value: str) -> str:
        """The text as it is stored. Raises ValueError naming what is wrong with it."""
        if len(value) > self.most:  # before anything that costs more than a look at the length
            raise PydanticCustomError("string_too_long", "expected at most {most} characters", {"most": self.most})
        if (found := self._unfit(value)) is not None:
            raise PydanticCustomError("string_unfit", "expected text without U+{code}", {"code": f"{ord(found):04X}"})
        text = unicodedata.normalize("NFC", value)
        folded = text.casefold()
        if max(len(text), len(folded), len(unicodedata.normalize("NFC", folded))) > self.most:
            raise PydanticCustomError(
                "string_too_long", "expected at most {most} characters, counted in small letters", {"most": self.most}
            )
        if len(text.strip()) < self.least:
            raise PydanticCustomError("string_too_short", "expected at least {least} characters", {"least": self.least})
        return text

    def _unfit(self, value: str) -> str | None:
        """The first character that may not stand in a text."""
        allowed = LINES if self.lines else ""
        return next((sign for sign in value if sign not in allowed and not _shows(sign)), None)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.clean, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        shown = handler(schema)
        bounds: dict[str, Any] = {"maxLength": self.most}
        return shown | bounds | ({"minLength": self.least} if self.least else {})
