"""Codes of units: which scheme a code is of, and whether a 统一社会信用代码 can be one (GB 32100-2015). Pure."""

import re
import unicodedata

from libs.common.errors import Invalid
from libs.common.text import Text

USCC = "cn-uscc"
USCC_ACCEPTED = "18 digits and capital letters whose last is the check digit, such as 11100000000013338W"
# GB 32100-2015, 4.2: without I, O, S, V, Z. The index of a sign is its value.
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = tuple(pow(3, index, 31) for index in range(17))  # GB 32100-2015, annex A
# The registering authority and the kind of unit may be letters (N… for villages' collectives).
_USCC = re.compile(rf"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}")
_SPELT = re.compile(r"cn[-_ ]?uscc")


def scheme_name(text: str) -> str:
    """A scheme's one name: `cn-uscc` however it is spelt, so that no other spelling passes its check."""
    spelt = unicodedata.normalize("NFKC", text).strip().casefold()
    return USCC if _SPELT.fullmatch(spelt) else text


def _spelt(text: str) -> str:
    return re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()


def check_digit(first: str) -> str:
    """The last sign of the 统一社会信用代码 whose first 17 are given (GB 32100-2015, annex A; ISO 7064, MOD 31)."""
    total = sum(ALPHABET.index(sign) * weight for sign, weight in zip(first, WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def uscc(text: str, *, field: str = "code") -> str:
    """A 统一社会信用代码 in its one form. Raises Invalid for another text or check digit."""
    code = _spelt(text)
    if not _USCC.fullmatch(code):
        why = Text(f"{text[:40]!r} 不是统一社会信用代码", f"{text[:40]!r} is not a 统一社会信用代码")
        raise Invalid(field=field, accepted=USCC_ACCEPTED, why=why)
    if code[17] != check_digit(code[:17]):
        why = Text(
            f"统一社会信用代码 {code} 的校验码不符,请核对",
            f"the check digit of the 统一社会信用代码 {code} does not fit: a slip?",
        )
        raise Invalid(field=field, accepted=USCC_ACCEPTED, why=why)
    return code


def valid(scheme: str, value: str, *, field: str = "code") -> tuple[str, str]:
    """A code as it is recorded: its scheme's name and its value. Raises Invalid where the scheme does not allow it."""
    named = scheme_name(scheme)
    return (named, uscc(value, field=field)) if named == USCC else (scheme, value)


def sought(scheme: str, value: str) -> tuple[str, str]:
    """A code as it would be recorded, to be searched; a text that is not a code matches no unit."""
    named = scheme_name(scheme)
    return (named, _spelt(value)) if named == USCC and _USCC.fullmatch(_spelt(value)) else (named, value)
