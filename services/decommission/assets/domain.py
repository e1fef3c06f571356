"""An asset as this service knows it. Pure."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.events import ids

MOST_LIVES = 100  # of one account: each reopening is another; an id of a later one is not recognised


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The asset as this service knows it, from the registry's events."""

    asset_id: UUID
    version: int
    kind: str
    platform: str
    identity: str
    address: str
    name: str
    sponsor_id: UUID
    record: str
    running: str

    @property
    def is_itself(self) -> bool:
        """Whether kind, platform and identity are those that the asset's id is made of, in one of its lives."""
        lives = range(1, MOST_LIVES + 1)
        return any(ids.asset_id(self.kind, self.platform, self.identity, n) == self.asset_id for n in lives)
