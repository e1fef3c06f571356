"""The root of every error that a caller may see: a stable code, a kind, and its text in two languages."""

from collections.abc import Mapping
from typing import ClassVar, Literal

Kind = Literal["invalid", "refused", "conflict", "missing", "forbidden", "unauthenticated", "busy", "unavailable"]


class Unfit(ValueError):
    """A value is not what its field takes; `why` says so in Chinese and in English."""

    def __init__(self, zh: str, en: str) -> None:
        self.why = (zh, en)
        super().__init__(en)


class DomainError(Exception):
    """A rule was broken; subclasses name the rule and carry its text.

    `zh` and `en` are templates filled from the keyword arguments. `field` names the input at fault and
    `accepted` says what would have been accepted. The kind, not the class, decides the HTTP status. An argument that
    is itself text is a pair, Chinese and English; one that is a word of ours, such as a state, stands in `words` with
    what it is called in Chinese.
    """

    code: ClassVar[str] = "refused"
    kind: ClassVar[Kind] = "refused"
    zh: ClassVar[str] = "请求被规则拒绝。"
    en: ClassVar[str] = "A rule refused the request."
    words: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *, field: str | None = None, accepted: str | None = None, **params: object) -> None:
        self.field = field
        self.accepted = accepted
        self.params = params
        super().__init__(self.text("en"))

    def text(self, language: Literal["zh", "en"]) -> str:
        """The message in one language, with what would be accepted where that is known."""
        template, which = (self.zh, 0) if language == "zh" else (self.en, 1)
        said = {name: given[which] if isinstance(given, tuple) else given for name, given in self.params.items()}
        if language == "zh":
            said = {name: self.words.get(str(given), given) for name, given in said.items()}
        return template.format(**said)


class Invalid(DomainError):
    """The input cannot be read as what it claims to be."""

    code = "invalid"
    kind = "invalid"
    zh = "输入无效:{why}"
    en = "The input is invalid: {why}"


class Unknown(Invalid):
    """What is set up names something that is not known here; `accepted` says what is."""

    code = "unknown"
    zh = "此处没有{what}"
    en = "There is no {what} here"


class Missing(DomainError):
    """What was asked for does not exist here."""

    code = "missing"
    kind = "missing"
    zh = "未找到:{what}"
    en = "Not found: {what}"


class Forbidden(DomainError):
    """The principal is known but may not do this."""

    code = "forbidden"
    kind = "forbidden"
    zh = "没有权限:{why}"
    en = "Not allowed: {why}"


class Unauthenticated(DomainError):
    """No valid token came with the request."""

    code = "unauthenticated"
    kind = "unauthenticated"
    zh = "需要有效的令牌:{why}"
    en = "A valid bearer token is needed: {why}"


class VersionConflict(DomainError):
    """Somebody else changed the record since the caller read it."""

    code = "version_conflict"
    kind = "conflict"
    zh = "记录已被修改:当前版本为 {current}。请重新读取后再试。"
    en = "The record has changed: its version is {current}. Read it again and retry."
