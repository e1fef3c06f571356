"""How sources and measures are named, and which sources a token speaks for. Pure."""

from libs.common.errors import DomainError, Invalid
from libs.common.strings import Plain
from libs.common.text import Text

EVERY_SOURCE = frozenset({"*"})
_SOURCE = Plain(100)


class NotItsSource(DomainError):
    """An agent speaks for the sources that its token names; for another it could declare that one's assets dead."""

    code = "not_its_source"
    kind = "forbidden"
    says = Text("令牌只代表这些来源:{named}", "The token speaks for these sources only: {named}")


def speaks_for(sources: frozenset[str], source: str) -> None:
    """Raise NotItsSource unless the sources that a token names contain this one, or `*` for all."""
    if not names(sources, source):
        raise NotItsSource(field="source", accepted=listed(sources), named=Text(listed(sources, "无"), listed(sources)))


def names(sources: frozenset[str], source: str) -> bool:
    """Whether the sources that a token names contain this one, or `*` for all."""
    return bool(sources & (EVERY_SOURCE | {source}))


def listed(sources: frozenset[str], none: str = "none") -> str:
    """Sources as a text shows them."""
    return ", ".join(sorted(sources)) or none


def check_source(name: str) -> None:
    """Raise Invalid unless this can name a source, in the form in which it is kept."""
    try:
        fit = _SOURCE.clean(name) == name
    except ValueError:
        fit = False
    if not fit:
        raise Invalid(
            field="source",
            accepted="1 to 100 printable characters in NFC",
            why=Text("来源名称不可用", "the source's name is unfit"),
        )
