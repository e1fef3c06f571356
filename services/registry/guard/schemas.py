"""The bodies of the routes about disappearances that wait for a person."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.common.events.intake import Kind
from libs.common.exact import Day
from libs.common.http.bodies import Body
from libs.common.http.paging import Page
from libs.common.strings import Plain


class Held(BaseModel):
    """A disappearance that waits for a person."""

    disappearance_id: UUID
    source: str
    asset_id: UUID
    kind: Kind
    platform: str
    identity: str
    name: str
    at: datetime
    cause: str


class HeldPage(Page[Held]):
    """Disappearances that wait for a person; ask again with `cursor=next`."""


class Decision(Body):
    """What a person decides on a held disappearance: `apply` lets it happen, `drop` keeps the asset listed."""

    decision: Literal["apply", "drop"]
    reason: Annotated[str, Plain(1000, lines=True)] = Field(examples=["来源已确认 confirmed by the source"])


class DayDecision(Decision):
    """What a person decides on all that is held of one source since one day."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "source": "city-list",
                "day": "2025-06-01",
                "decision": "apply",
                "reason": "来源已确认 confirmed by the source",
            }
        }
    )

    source: Annotated[str, Plain(100)]
    day: Day = Field(description="被暂存之日(业务时区) the business day since which they are held")


class DayDecided(BaseModel):
    """How many were decided by this call, what became of their assets, and how many of the day still wait."""

    decided: int
    gone: int
    unchanged: int
    left: int = Field(description="尚待处理,可再次提交 still waiting: send the same again")
