"""Days as spreadsheets write them: year first, in any of its spellings, or as the number a spreadsheet keeps. Pure."""

import re
import unicodedata
from datetime import date

from libs.common import exact
from libs.common.days import later
from libs.common.errors import Invalid
from libs.common.text import Text

ACCEPTED = (
    f"a day from {exact.FIRST_DAY} on, year first: 2025-01-31, 2025/1/31, 2025年1月31日, or a spreadsheet's number"
)
DAY_ZERO = date(1899, 12, 30)  # a spreadsheet's number counts from here (ECMA-376 part 1, 18.17.4.1)
_TIME = (
    r"(?:\s*(?:星期|周)[一二三四五六日天])?"
    r"(?:(?:t|\s+)(?:[上下]午\s*)?(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?(?:\s*[ap]m)?)?"
)
_YEAR_FIRST = re.compile(r"([0-9]{4})\s?([-/.])\s?([0-9]{1,2})\s?\2\s?([0-9]{1,2})" + _TIME, re.IGNORECASE)
_CHINESE = re.compile(r"([0-9]{4})\s?年\s?([0-9]{1,2})\s?月\s?([0-9]{1,2})\s?[日号]" + _TIME, re.IGNORECASE)
_NUMERALS = str.maketrans("〇零○一二三四五六七八九", "000123456789")
# As a spreadsheet writes a day in Chinese numerals: 二〇二〇年一月三十一日.
_IN_NUMERALS = re.compile(
    r"([〇零○一二三四五六七八九]{4})年([一二三四五六七八九十]{1,2})月([一二三四五六七八九十]{1,3})[日号]"
)
_DIGITS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_NUMBER = re.compile(r"([0-9]{1,5})(?:\.[0-9]{1,15})?")


def listed_day(text: str, *, field: str = "opened_on") -> date:
    """The day that a cell states. Raises Invalid for another text, and for a day that software makes up.

    1899-12-30 (a spreadsheet's nought), 1970-01-01 (a machine's) and the year 0 lie before the first of all days.
    """
    spelt = unicodedata.normalize("NFKC", text).strip()
    try:
        return exact.day(_day(spelt).isoformat())
    except (ValueError, OverflowError):
        why = Text(f"{text[:40]!r} 不是有效日期", f"{text[:40]!r} is not a valid day")
        raise Invalid(field=field, accepted=ACCEPTED, why=why) from None


def _day(spelt: str) -> date:
    if match := _YEAR_FIRST.fullmatch(spelt):
        return date(int(match[1]), int(match[3]), int(match[4]))
    if match := _CHINESE.fullmatch(spelt) or _DIGITS.fullmatch(spelt):
        return date(int(match[1]), int(match[2]), int(match[3]))
    if match := _IN_NUMERALS.fullmatch(spelt):
        return date(int(match[1].translate(_NUMERALS)), _numeral(match[2]), _numeral(match[3]))
    if match := _NUMBER.fullmatch(spelt):
        return later(DAY_ZERO, int(match[1]))
    raise ValueError(spelt)


def _numeral(text: str) -> int:
    """A number below a hundred in Chinese numerals. Raises ValueError."""
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return int(text.translate(_NUMERALS))
    return int((tens or "一").translate(_NUMERALS)) * 10 + int((ones or "〇").translate(_NUMERALS))
