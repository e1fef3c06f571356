"""What a probe is, and what it sees: an asset that is gone, alive, or neither for certain. Pure."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol
from urllib.parse import quote

from services.decommission.assets.domain import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The asset is not there any more."""

    result: ClassVar[Literal["gone"]] = "gone"
    status: int | None = None
    error: str | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """The asset answers; `body` is what it showed."""

    result: ClassVar[Literal["alive"]] = "alive"
    status: int | None = None
    error: str | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """Nobody can say: `status` or `error` tell why. `gave_way`: the look was broken off for an urgent order."""

    result: ClassVar[Literal["unclear"]] = "unclear"
    gave_way: bool = False
    status: int | None = None
    error: str | None = None
    body: bytes = b""


Look = Gone | Alive | Unclear


class Probe(Protocol):
    """Looks from outside whether an asset is there."""

    def target(self) -> str | None:
        """Whom a look calls, as `host:port`; None where that is nobody."""

    async def look(self, tools: Any) -> Look:
        """One look. Never raises: a failure is unclear. `tools` are the dependencies of the service."""


def probe_result(status: int | None) -> Literal["gone", "alive", "unclear"]:
    """What a status of HTTP says: only 404 and 410 are gone, only 2xx is alive."""
    if status in (404, 410):
        return "gone"
    return "alive" if status is not None and 200 <= status < 300 else "unclear"


def address_of(template: str | None, subject: Subject) -> str:
    """Where an asset is looked for: the platform's template filled, else the address on record."""
    if template is None:
        return subject.address
    parts = {"platform": subject.platform, "identity": quote(subject.identity), "asset_id": str(subject.asset_id)}
    return template.format(**parts)
