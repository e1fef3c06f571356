"""The bodies of the routes about units."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from libs.common.events.registry import UnitName
from libs.common.http.bodies import Body
from libs.common.http.paging import Page
from libs.common.strings import Plain


class Code(Body):
    """A unit's code under a scheme, such as cn-uscc 统一社会信用代码."""

    scheme: Annotated[str, Plain(40)] = Field(examples=["cn-uscc"])
    value: Annotated[str, Plain(400)] = Field(examples=["11510000008282516L"])


class Name(Body):
    """One name of a unit in one language (BCP 47, `und` where unknown)."""

    language: Annotated[str, Plain(20, least=0)]
    text: Annotated[str, Plain(400)]


class UnitIn(Code):
    """A unit to record, or more of what is known of one."""

    names: list[Name] = Field(min_length=1, max_length=20)
    parent: Code | None = None
    level: Annotated[str, Plain(40, least=0)] | None = Field(None, examples=["county"])
    region: Annotated[str, Plain(20, least=0)] | None = Field(None, examples=["510104"])
    aliases: list[Code] = Field(
        default_factory=list, max_length=20, description="该单位的其他代码 other codes under which the unit is known"
    )


class HeldCode(BaseModel):
    """A code as it is held; whatever is held is shown."""

    scheme: str
    value: str


class Unit(BaseModel):
    """A recorded unit."""

    unit_id: UUID
    version: int
    scheme: str
    value: str
    names: list[UnitName]
    parent_id: UUID | None
    level: str | None
    region: str | None
    aliases: list[HeldCode] = Field(description="小写,合并空格 as they are compared, the unit's own code included")


class Units(Page[Unit]):
    """A page of units; ask again with `cursor=next`."""
