"""Dependencies of the service, handed to every use case, step, handler and API."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, cached_property
from typing import Any
from zoneinfo import ZoneInfo

from libs.common.clock import Clock
from libs.common.db.pool import Database
from libs.common.outbound.egress import Egress
from libs.common.security import tokens
from services.decommission.archives.store import Archive
from services.decommission.heads.domain import Notary
from services.decommission.limits.domain import Limits, Windows

CONSUMER = "decommission"  # under which the inbox remembers what this service has read
SYSTEM = "jianfu"  # the actor of what the service does by itself


@cache
def _notary(keys: str) -> Notary:
    """One for all dependencies with the same keys, so that a checkpoint is verified once."""
    return Notary(tuple(json.loads(keys)))


@dataclass(frozen=True, kw_only=True)
class Deps:
    """`kill_switch` is the start-up setting; the run-time switch is the row in `controls`.

    `windows` are those of cases that open from now on; `retired_keys` the public halves of earlier values of
    `signing_key`.
    """

    database: Database
    clock: Clock
    egress: Egress
    signing_key: dict[str, Any]
    limits: Limits
    archive: Archive
    kill_switch: bool = False
    windows: Windows = field(default_factory=Windows)
    retired_keys: tuple[dict[str, Any], ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        return self.clock.zone

    @property
    def public_keys(self) -> list[dict[str, Any]]:
        """The key that signs now, then those that signed before."""
        return [tokens.public_key(self.signing_key), *self.retired_keys]

    @cached_property
    def notary(self) -> Notary:
        """Verifies checkpoints with the present and the earlier keys."""
        return _notary(json.dumps(self.public_keys))

    def now(self) -> datetime:
        return self.clock.now()

    def today(self) -> date:
        return self.clock.today()
