"""The root of every error that a caller may see: a stable code, a kind, and its text in two languages."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from libs.common.text import Text

Kind = Literal["invalid", "refused", "conflict", "missing", "forbidden", "unauthenticated", "busy", "unavailable"]


Param = Text | str | float | date | UUID | None  # a date is also an instant, a float also an int


class Unfit(ValueError):
    """A value is not what its field takes."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(text.en)


class DomainError(Exception):
    """A rule was broken; subclasses name the rule and carry its text.

    `says` is a template filled from the keyword arguments. `field` names the input at fault and `accepted` says what
    would have been accepted. The kind, not the class, decides the HTTP status. An argument that is itself a text is a
    Text; one that is a word of ours, such as a state, stands in `words` with what it is called in Chinese.
    """

    code: ClassVar[str] = "refused"
    kind: ClassVar[Kind] = "refused"
    says: ClassVar[Text] = Text("请求被规则拒绝。", "A rule refused the request.")
    words: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *, field: str | None = None, accepted: str | None = None, **params: Param) -> None:
        self.field = field
        self.accepted = accepted
        self.params: Mapping[str, Param] = params
        super().__init__(self.text.en)

    @property
    def text(self) -> Text:
        """What happened, with the error's code and what it was filled with."""
        given = {name: self._worded(value) for name, value in self.params.items()}
        return replace(self.says.format(**given), code=self.code, params=self.params)

    def _worded(self, value: Param) -> Param:
        known = self.words.get(str(value))
        return value if known is None else Text(known, str(value))


class Invalid(DomainError):
    """The input cannot be read as what it claims to be."""

    code = "invalid"
    kind = "invalid"
    says = Text("输入无效:{why}", "The input is invalid: {why}")


class Unknown(Invalid):
    """What is set up names something that is not known here; `accepted` says what is."""

    code = "unknown"
    says = Text("此处没有{what}", "There is no {what} here")


class Missing(DomainError):
    """What was asked for does not exist here."""

    code = "missing"
    kind = "missing"
    says = Text("未找到:{what}", "Not found: {what}")


class Forbidden(DomainError):
    """The principal is known but may not do this."""

    code = "forbidden"
    kind = "forbidden"
    says = Text("没有权限:{why}", "Not allowed: {why}")


class Unauthenticated(DomainError):
    """No valid token came with the request."""

    code = "unauthenticated"
    kind = "unauthenticated"
    says = Text("需要有效的令牌:{why}", "A valid bearer token is needed: {why}")


class VersionConflict(DomainError):
    """Somebody else changed the record since the caller read it."""

    code = "version_conflict"
    kind = "conflict"
    says = Text(
        "记录已被修改:当前版本为 {current}。请重新读取后再试。",
        "The record has changed: its version is {current}. Read it again and retry.",
    )
