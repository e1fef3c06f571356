"""Codes and ids of units, and the refusals of units. Pure."""

import unicodedata
from dataclasses import dataclass
from uuid import UUID

from libs.common.errors import DomainError
from libs.common.events import ids
from libs.common.events.intake import UnitRef
from libs.common.text import Text
from services.registry.spelling.texts import clean
from services.registry.units import codes


class OutOfScope(DomainError):
    """A unit speaks only for itself and the units below it."""

    code = "out_of_scope"
    kind = "forbidden"
    says = Text(
        "令牌只能代表单位 {scope} 及其下属单位。", "The token speaks only for the unit {scope} and those below it."
    )


class UnitCodeTaken(DomainError):
    """A code names one unit."""

    code = "unit_code_taken"
    kind = "conflict"
    says = Text("代码 {value} 已属于单位 {unit_id}。", "The code {value} belongs to the unit {unit_id} already.")


class UnitCycle(DomainError):
    """A unit cannot be above itself."""

    code = "unit_cycle"
    kind = "conflict"
    says = Text(
        "单位 {parent} 是该单位的下属单位,不能作为其上级。",
        "The unit {parent} stands below this one and cannot be its parent.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitAdditions:
    """Additions to a unit: names as (language, text), codes as (scheme, value); None leaves a field alone."""

    names: tuple[tuple[str, str], ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    parent: UUID | None = None
    level: str | None = None
    region: str | None = None


def unit_key(text: str) -> str:
    """A unit's code in the form in which it is compared: NFC, blanks collapsed, without case. Raises Invalid."""
    return unicodedata.normalize("NFC", clean("unit", text).casefold())


def unit_code(scheme: str, value: str, *, field: str = "code") -> tuple[str, str]:
    """A unit's code as it is recorded: scheme and value. Raises Invalid for one that its scheme does not allow."""
    return codes.valid(clean("scheme", scheme), clean("unit", value), field=field)


def unit_id(ref: UnitRef) -> UUID:
    """The id of the unit that a source names. Raises Invalid as `unit_code` does."""
    scheme, value = unit_code(ref.scheme, ref.value)
    return ids.unit_id(scheme, unit_key(value))
