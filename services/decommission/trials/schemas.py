"""What tests of addresses look like over HTTP."""

from dataclasses import asdict
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from libs.common.http.paging import Page
from services.decommission.trials.domain import Heard


class Tried(BaseModel):
    """A test of an address, and what was heard: a `status` of HTTP, or a `problem`; neither where it was cut off."""

    test_id: int
    what: Literal["endpoint", "connector"]
    which: str = Field(description="the unit's id, or the platform 单位编号或平台")
    part: Literal["notice", "stop", "restore", "probe"]
    status: int | None
    took_ms: int | None = Field(description="毫秒 milliseconds")
    problem: dict[str, str] | None
    by: str
    at: datetime

    @classmethod
    def of(cls, heard: Heard) -> "Tried":
        """A test as it is shown."""
        return cls(**asdict(heard), by=heard.actor, problem=heard.problem)


class Tests(Page[Tried]):
    """Tests, the newest first; ask again with `cursor=next`."""
