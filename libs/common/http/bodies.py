"""Bodies of requests: none ignores what it does not know, and the faults of one are told together, in two languages."""

from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from libs.common.strings import quoted
from libs.common.text import Text, joined

TOLD = 10  # faults of one body: who sent more reads no more of them, and they are not made up at our cost


class Body(BaseModel):
    """What a caller sends. A field that nobody knows is refused by its name: ignored, it would seem to be obeyed."""

    model_config = ConfigDict(extra="forbid")


class Fault(NamedTuple):
    """One field of a body, and what would be accepted there."""

    field: str
    text: Text


# What pydantic finds, by its own names and by those of `text` and `exact`; English is its own message.
ZH = {
    "missing": "缺少此字段",
    "string_type": "须为文本",
    "string_pattern_mismatch": "须符合 {pattern}",
    "string_unfit": "文本中不能有 U+{code}",
    "literal_error": "须为以下之一:{expected}",
    "int_type": "须为整数",
    "int_parsing": "须为整数",
    "int_from_float": "须为整数",
    "whole": "须为以数字书写的整数",
    "float_type": "须为数字",
    "float_parsing": "须为数字",
    "finite_number": "须为有限的数字",
    "bool_type": "须为 true 或 false",
    "bool_parsing": "须为 true 或 false",
    "switch": "须为 true 或 false",
    "greater_than": "须大于 {gt}",
    "greater_than_equal": "不得小于 {ge}",
    "less_than": "须小于 {lt}",
    "less_than_equal": "不得大于 {le}",
    "uuid_type": "须为 UUID",
    "uuid_parsing": "须为 UUID",
    "uuid_version": "须为 UUID",
    "list_type": "须为列表",
    "tuple_type": "须为列表",
    "too_long": "最多 {max_length} 项",
    "too_short": "至少 {min_length} 项",
    "dict_type": "须为以花括号书写的 JSON",
    "model_type": "须为以花括号书写的 JSON",
    "model_attributes_type": "须为以花括号书写的 JSON",
    "json_type": "须为 JSON 文本",
    "none_required": "须为 null",
    "day": "须为日期文本,如 2026-01-31",
    "instant": "须为带时区偏移的时间文本,如 2026-01-31T08:00:00Z",
    "date": "须为 2000 年至 2099 年间存在的日期,如 2026-01-31;时间须带时区偏移,如 2026-01-31T08:00:00Z",
}
UNFIT = "不符合要求"  # what a validator of ours says only in English


def faults(found: Sequence[Any], model: Any = None) -> list[Fault]:
    """The first ten faults that pydantic found; `model` is what was read, to name the fields that it knows."""
    return [Fault(_place(fault), _said(fault, model)) for fault in found[:TOLD]]


def listed(faults: Sequence[Fault]) -> Text:
    """Several faults as one text, each with its field."""
    return joined(Text(f"{fault.field}:{fault.text.zh}", f"{fault.field}: {fault.text.en}") for fault in faults)


def in_words(error: ValidationError, model: Any = None) -> Text:
    """All that is wrong with a body, each fault with its field, as one text."""
    found = error.errors(include_url=False, include_input=False)
    text = listed(faults(found, model))
    if (total := len(found)) > TOLD:
        return Text("{listed};共 {total} 处", "{listed}; {total} faults in all").format(listed=text, total=total)
    return text


def _place(fault: Any) -> str:
    if fault["type"] == "json_invalid":  # its place is a number of characters
        return "body"
    return quoted(".".join(map(str, fault["loc"])), 200) or "body"


def _said(fault: Any, model: Any) -> Text:
    kind, given = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        known = ", ".join(sorted(_known(model, fault["loc"][:-1])))
        if not known:
            return Text("没有这个字段", "there is no such field")
        return Text(f"没有这个字段,可用:{known}", f"there is no such field; expected one of {known}")
    if kind == "json_invalid":
        at = "".join(str(part) for part in fault["loc"] if isinstance(part, int))
        where = (f",第 {at} 个字符有误", f" at character {at}") if at else ("", "")
        return Text(f"须为有效的 JSON{where[0]}", f"expected JSON{where[1]}: {given.get('error', '')}")
    if isinstance(text := getattr(given.get("error"), "text", None), Text):
        return text
    return Text(_zh(kind, given), str(fault["msg"]))


def _zh(kind: str, given: dict[str, Any]) -> str:
    if kind == "string_too_long":
        return f"最多 {given.get('most', given.get('max_length'))} 个字符"
    if kind == "string_too_short":
        return f"至少 {given.get('least', given.get('min_length'))} 个字符"
    template = ZH.get(kind, UNFIT)
    return template.format_map({name: str(value).replace(" or ", ", ") for name, value in given.items()})


def _known(model: Any, loc: Sequence[Any]) -> set[str]:
    """The fields that a model knows at a place within it."""
    kinds = list(_models(model))
    for part in loc:
        if isinstance(part, str):  # a number is a place in a list of these very models
            fields = [kind.model_fields[part] for kind in kinds if part in kind.model_fields]
            kinds = [inner for field in fields for inner in _models(field.annotation)]
    return {name for kind in kinds for name in kind.model_fields}


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation allows: itself, or within a list, a union or an annotation."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    elif get_origin(kind) in (Annotated, Union, UnionType, list, tuple):
        for part in get_args(kind):
            yield from _models(part)
