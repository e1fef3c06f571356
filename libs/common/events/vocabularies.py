"""Open vocabularies: the words of published events whose lists will grow, each word with its meaning.

A field of such a vocabulary is a bounded string and not an enumeration. A reader keeps a word that it does not know:
it stores, forwards and shows it, and never takes it for one that it knows. Words are added here and only here, and are
never removed; the event schemas, the AsyncAPI document and docs/events/vocabularies.md carry the lists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

MOST = 60  # characters of a word
WORD = "^[A-Za-z][A-Za-z0-9_-]*$"
NAME, KNOWN = "x-jianfu-vocabulary", "x-jianfu-known"  # what a field's JSON schema says of its vocabulary


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vocabulary:
    """Annotates a `str` field: `Annotated[str, ANSWERS]`. `words`: each known word → (Chinese, English)."""

    name: str
    zh: str
    en: str
    words: Mapping[str, tuple[str, str]]

    def __contains__(self, word: object) -> bool:
        return word in self.words

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.str_schema(min_length=1, max_length=MOST, pattern=WORD)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | {NAME: self.name, KNOWN: list(self.words)}


ANSWERS = Vocabulary(
    name="answers",
    zh="单位对通知的答复",
    en="what a unit answers to a notice",
    words={
        "keep": ("保留", "the unit keeps the asset; the case ends"),
        "fix": ("整改", "the unit mends it by a day that it names; the finding is then looked at again"),
        "close": ("同意关停", "the unit agrees to the closure"),
    },
)
OUTCOMES = Vocabulary(
    name="outcomes",
    zh="未关停即结束的个案的结果",
    en="how a case ended without a closure",
    words={
        "kept": ("保留", "the unit keeps the asset"),
        "fixed": ("已整改", "the unit mended it: the finding is no longer true"),
        "refuted": ("不成立", "the finding is no longer true"),
        "cancelled": ("已撤销", "an operator cancelled the case"),
        "exempted": ("已豁免", "an exemption excuses the asset; not told by this version"),
    },
)
VERDICTS = Vocabulary(
    name="verdicts",
    zh="发现所附的判定",
    en="what a finding says of its asset",
    words={
        "IDLE": ("闲置", "hardly used"),
        "ZOMBIE": ("僵尸", "not used at all"),
    },
)
PROPOSALS = Vocabulary(
    name="proposals",
    zh="发现所提议的处置",
    en="what a finding proposes; only closure opens a case",
    words={
        "closure": ("关停", "the asset should close"),
        "correction": ("更正", "the asset should be mended"),
    },
)
LABELS = Vocabulary(
    name="labels",
    zh="规则依据的确立程度",
    en="how well the basis of a rule is established, best first",
    words={
        "FOUND": ("已查到原文", "read in the document itself"),
        "FRAG": ("仅见片段", "read in a fragment of it"),
        "SECOND-HAND": ("转述", "told by another document"),
        "RECALLED": ("凭记忆", "remembered, not read again"),
        "ASSUMED": ("假定", "a local setting, never law"),
    },
)
KINDS = Vocabulary(
    name="kinds",
    zh="对象类别",
    en="kinds of asset",
    words={
        "app": ("应用程序", "an app"),
        "account": ("公众账号", "a public account"),
        "group": ("工作群组", "a work group"),
    },
)
RECORD_STATES = Vocabulary(
    name="record-states",
    zh="登记状态",
    en="where the record of an asset stands",
    words={
        "draft": ("草稿", "being written"),
        "in_review": ("审核中", "submitted, not yet decided"),
        "filed": ("已备案", "filed"),
        "withdrawn": ("已撤回", "withdrawn by its unit"),
        "closed": ("已关停", "closed by a case, for good"),
    },
)
RUNNING_STATES = Vocabulary(
    name="running-states",
    zh="运行状态",
    en="how the asset itself stands",
    words={
        "building": ("建设中", "not yet launched"),
        "online": ("在线", "runs"),
        "suspended": ("已停用", "stopped, can be restored"),
        "offline": ("已下线", "off for good"),
        "gone": ("消失", "its source no longer lists it; no closure"),
    },
)
RULES = Vocabulary(
    name="rules",
    zh="发现的种类:规则代码",
    en="kinds of finding: the codes of rules",
    words={
        "C06": ("超过14天未更新", "No update for more than 14 days"),
        "C15": ("僵尸账号(超过90天未更新)", "Zombie account (no update for more than 90 days)"),
        "C16": ("空壳账号(开通至今未发布任何消息)", "Shell account (nothing was ever posted)"),
    },
)
VOCABULARIES = (ANSWERS, OUTCOMES, VERDICTS, PROPOSALS, LABELS, KINDS, RECORD_STATES, RUNNING_STATES, RULES)

Answer = Annotated[str, ANSWERS]
Outcome = Annotated[str, OUTCOMES]
Verdict = Annotated[str, VERDICTS]
Proposal = Annotated[str, PROPOSALS]
Label = Annotated[str, LABELS]
Kind = Annotated[str, KINDS]
RecordState = Annotated[str, RECORD_STATES]
RunningState = Annotated[str, RUNNING_STATES]
Rule = Annotated[str, RULES]
