"""A platform as data: its hosts, the pages of single assets, and the accepted names. Pure.

`families/` holds the tables, `identity/accountnames.py` reads them.
"""

import re
import unicodedata
from dataclasses import dataclass

from libs.common.events.intake import Kind
from services.registry.spelling.letters import lowered


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """One kind of names: `shape` matches a whole name (a group in it is the name proper).

    Where `folds`, letter case is ignored.
    """

    shape: str
    accepted: str
    folds: bool = True

    def read(self, text: str) -> str | None:
        """The name in its one spelling; None where this is none. A full-width letter is the letter (NFKC)."""
        kept = unicodedata.normalize("NFKC", text)
        kept = lowered(kept) if self.folds else kept
        match = re.fullmatch(self.shape, kept)
        if match is None:
            return None
        return match[1] if match.re.groups else kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to name an asset: its pages, and `gives`, its identity.

    A page is a path with the name in braces, `*` for a piece that only decorates, `??` for a country, and after `?` the
    query name that holds it; with `//host/` before it, it stands on that host alone. `text` is what stands for it where
    no address is given; `gives` always does.
    """

    name: Name
    gives: str
    at: tuple[str, ...] = ()
    text: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """`domains` are the platform's own; of the hosts below them only those under `subs` show what they name.

    `posts` are query names with which a page shows one post, not an account. `hash` is what stands between `#` and
    `/` where the site keeps its paths there. `gbk`: older pages write names in GBK. A `free` one has names of any text.
    `usual` are the names that lists give the platform beside its own, parted by `|`.
    """

    name: str
    accepted: str
    forms: tuple[Form, ...] = ()
    kinds: tuple[Kind, ...] = ("account",)
    domains: tuple[str, ...] = ()
    subs: frozenset[str] = frozenset({"", "www", "m"})
    locales: str = ""
    routes: frozenset[str] = frozenset()
    tabs: frozenset[str] = frozenset()
    posts: frozenset[str] = frozenset()
    hash: str | None = None
    gbk: bool = False
    free: bool = False
    usual: str = ""

    @property
    def has_pages(self) -> bool:
        """Whether the platform has pages of its own: then a page elsewhere is not on it, even if a list says so."""
        return any(form.at for form in self.forms)

    def shows(self, host: str, domain: str) -> bool:
        """Whether a host of the platform shows what its addresses name, and not others' pages."""
        sub = host.removesuffix(domain).removesuffix(".")
        return sub in self.subs or bool(self.locales and re.fullmatch(self.locales, sub))


def words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())
