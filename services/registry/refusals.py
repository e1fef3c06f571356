"""What the registry refuses, each named after the rule that was broken."""

from collections.abc import Mapping
from typing import ClassVar

from libs.common.errors import DomainError


class DuplicateAsset(DomainError):
    """The same thing is recorded once; its twin is shown."""

    code = "duplicate_asset"
    kind = "conflict"
    zh = "该对象已登记:{twin}(来源 {source})。"
    en = "This asset is recorded already: {twin} (by the source {source})."


class EventReused(DomainError):
    """An event's source and id name one event; what came second under them is another one and must not be lost."""

    code = "event_reused"
    kind = "conflict"
    zh = "来源 {source} 已用编号 {event_id} 报送过内容不同的事件。"
    en = "The source {source} has sent another event under the id {event_id}."


class UnknownPlatform(DomainError):
    """A list names a platform that nobody knows: a slip, or one that a person should look at."""

    code = "unknown_platform"
    kind = "refused"
    zh = "平台 {platform} 无人知晓;确认无误的,请带 allow_unknown_platforms=true 再次导入。"
    en = "Nobody knows the platform {platform}; if it is right, import with allow_unknown_platforms=true."


class UnknownAsset(DomainError):
    """A source delists what the register does not hold."""

    code = "unknown_asset"
    kind = "refused"
    zh = "登记中没有该对象:{platform} {identity}。"
    en = "The register holds no such asset: {platform} {identity}."


class AnotherSource(DomainError):
    """Only the source that lists an asset may say that it is gone."""

    code = "another_source"
    kind = "refused"
    zh = "该对象由来源 {owner} 登记,来源 {source} 不能将其移除。"
    en = "The asset is listed by the source {owner}; {source} cannot delist it."


class ReopenTooEarly(DomainError):
    """A closed asset may come back only as a new record, after a cooldown (rules A-09, by analogy)."""

    code = "reopen_cooldown"
    kind = "refused"
    zh = "该对象已于 {closed_on} 关停,{until} 之前不得重新登记;确有必要的,由管理人员说明理由后准予。"
    en = "The asset was closed on {closed_on}; not to be recorded again before {until}, unless an operator permits."


class NotClosed(DomainError):
    """Only a closed asset can be reopened."""

    code = "not_closed"
    kind = "refused"
    zh = "对象 {asset_id} 未关停,无需重新登记许可。"
    en = "The asset {asset_id} is not closed: there is nothing to reopen."


class OutOfScope(DomainError):
    """A unit speaks only for itself and the units below it."""

    code = "out_of_scope"
    kind = "forbidden"
    zh = "令牌只能代表单位 {scope} 及其下属单位。"
    en = "The token speaks only for the unit {scope} and those below it."


class UnitCodeTaken(DomainError):
    """A code names one unit."""

    code = "unit_code_taken"
    kind = "conflict"
    zh = "代码 {value} 已属于单位 {unit_id}。"
    en = "The code {value} belongs to the unit {unit_id} already."


class UnitCycle(DomainError):
    """A unit cannot stand above itself."""

    code = "unit_cycle"
    kind = "conflict"
    zh = "单位 {parent} 是该单位的下属单位,不能作为其上级。"
    en = "The unit {parent} stands below this one and cannot be its parent."


class AlreadyDecided(DomainError):
    """A held disappearance is decided once."""

    code = "already_decided"
    kind = "conflict"
    zh = "该项已处理:{state}。"
    en = "This was decided already: {state}."
    words: ClassVar[Mapping[str, str]] = {"applied": "已确认消失", "dropped": "已忽略"}
