"""The page of the open vocabularies, made from their one place in the code."""

from collections import defaultdict
from typing import Any

from libs.common.events.vocabularies import MOST, NAME, VOCABULARIES, WORD
from tests.contract import published

PAGE = published.ROOT / "docs" / "events" / "vocabularies.md"
ABOUT = f"""# Open vocabularies 开放词表

Some fields of the published events hold a word of a list that will grow. Their type is a string and not an
enumeration: a letter followed by letters, digits, `_` or `-`, at most {MOST} characters (`{WORD}`).

**The rule for a reader.** Keep a word that you do not know: store it, forward it, show it as it is. Do not fail on it,
and never take it for one that you know: an unknown answer agrees to nothing, an unknown outcome ends nothing, an
unknown state is neither running nor closed. **读取方须保留不认识的词:照存、照转、照示;不得报错,也不得当作已知的词。**

Words are added, never removed or given another meaning. In the event schemas and in `/asyncapi.json` a field of a
vocabulary carries `x-jianfu-vocabulary`, its name, and `x-jianfu-known`, the words known so far. All other sets of
values in events are closed: an addition to one of them is a new type of event.

This page is written by `python -m tests.contract.update vocabularies`.
"""


def fields() -> dict[str, list[str]]:
    """Vocabulary → the fields of published events that hold its words, as `type.field`."""
    found: dict[str, set[str]] = defaultdict(set)
    for cls in published.event_classes():
        for name, field in cls.model_json_schema().get("properties", {}).items():
            for part in (field, *field.get("anyOf", ())):
                if NAME in part:
                    found[part[NAME]].add(f"{cls.TYPE}.{name}")
    return {name: sorted(places) for name, places in found.items()}


def page() -> str:
    """The page's text."""
    used = fields()
    parts = [ABOUT]
    for vocabulary in VOCABULARIES:
        rows = "".join(f"| `{word}` | {zh} | {en} |\n" for word, (zh, en) in vocabulary.words.items())
        in_events = ", ".join(f"`{each}`" for each in used.get(vocabulary.name, ()))
        parts.append(
            f"## {vocabulary.name}\n\n{vocabulary.zh} — {vocabulary.en}. In {in_events}.\n\n"
            f"| word | 中文 | meaning |\n|---|---|---|\n{rows}"
        )
    return "\n".join(parts)


def closed_sets(schema: Any) -> list[Any]:
    """Every closed set of values that stands anywhere in a schema."""
    if isinstance(schema, list):
        return [found for each in schema for found in closed_sets(each)]
    if not isinstance(schema, dict):
        return []
    own = [schema["enum"]] if "enum" in schema else [[schema["const"]]] if "const" in schema else []
    return own + [found for each in schema.values() for found in closed_sets(each)]
