"""What looks alike: the skeleton of a text (Unicode Technical Standard 39, 4), over the confusables of Unicode. Pure.

The pairs are those of Unicode's `confusables.txt`, which the library carries; each two of them are in one class here.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from hashlib import sha256
from urllib.parse import unquote

from confusable_homoglyphs.confusables import confusables_data

from libs.common.security.visible import visible
from services.registry.spelling.letters import lowered

ROUNDS = 4  # a letter becomes another in small letters, and that one may be in a class again; two have sufficed so far
_BEYOND_ASCII = re.compile(r"(?:%[89a-f][0-9a-f])+", re.IGNORECASE)


def _pairs() -> Iterable[tuple[str, str]]:
    """(a character, one that looks like it), without the marks that show those of scripts written from the right."""
    for char, others in confusables_data.items():
        if len(one := visible(char)) == 1:
            for other in others:
                yield one, visible(other["c"])


def _standing(char: str) -> tuple[bool, bool, str]:
    """In which order characters stand for their class: a letter before a digit, as `O` does for `0`."""
    return not "a" <= char <= "z", not "A" <= char <= "Z", char


def _prototypes(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """For each character the representative of its class, a small Latin letter if any; or several that it is like."""
    above: dict[str, str] = {}

    def stand_in(char: str) -> str:
        while above.get(char, char) != char:
            char = above[char]
        return char

    several: dict[str, str] = {}
    for one, other in pairs:
        if len(other) == 1:
            first, second = sorted((stand_in(one), stand_in(other)), key=_standing)
            above[second] = first
            above.setdefault(first, first)
        elif other:
            several[one] = other
    prototypes = {char: stand_in(char) for char in above}
    return prototypes | {char: "".join(prototypes.get(part, part) for part in other) for char, other in several.items()}


PROTOTYPES = _prototypes(_pairs())
BY = sha256("".join(map("".join, sorted(PROTOTYPES.items()))).encode()).hexdigest()[:16]  # which table tokens are by


def key(text: str) -> str:
    """What two texts have in common that look alike: without the invisible, the case of letters and doubled blanks.

    The case goes last: `I` looks like `l`, and `i` does not.
    """
    kept = " ".join(visible(unicodedata.normalize("NFKC", visible(text))).split())
    for _ in range(ROUNDS):
        before = kept
        kept = "".join(PROTOTYPES.get(char, char) for char in unicodedata.normalize("NFD", kept))
        kept = " ".join(unicodedata.normalize("NFD", lowered(unicodedata.normalize("NFKC", kept))).split())
        if kept == before:
            break
    return kept


def latin(text: str) -> str:
    """A text with what looks like Latin letters written as these; what is percent-encoded is looked at as well."""
    plain = visible(_BEYOND_ASCII.sub(lambda match: unquote(match[0]), text))
    plain = unicodedata.normalize("NFKC", plain)
    return "".join(_latin(char) for char in plain)


def _latin(char: str) -> str:
    standing = PROTOTYPES.get(char, char)
    return standing if standing.isascii() and (char == "|" or not char.isascii()) else char


def plain(text: str) -> str:
    """A text as one compares names: NFKC, blanks collapsed, without case; what nobody sees stays within it."""
    return lowered(" ".join(unicodedata.normalize("NFKC", text).split()))


def tokens(part: str, *texts: str) -> list[str]:
    """The tokens under which texts are found by their look-alikes: as they are written, and in small letters.

    `part` is "address" or "name": an address never looks like a name.
    """
    keys = {key(spelt) for text in texts for spelt in (text, plain(text))}
    return sorted(f"{part}:{sha256(text.encode()).hexdigest()[:32]}" for text in keys)


def spelt(identity: str, address: str) -> str:
    """The name in an identity as the address writes it: `PayPaI` looks like another name than `paypai`."""
    name = identity.rsplit("/", 1)[-1]
    shown = unicodedata.normalize("NFKC", address)
    small = lowered(shown)
    at = small.rfind(name) if len(small) == len(shown) else -1
    return identity if at < 0 or not name else identity[: -len(name)] + shown[at : at + len(name)]


def of_asset(identity: str, address: str, name: str) -> list[str]:
    """The tokens of an asset, by its address and by its name."""
    return tokens("address", identity, spelt(identity, address)) + tokens("name", name)
