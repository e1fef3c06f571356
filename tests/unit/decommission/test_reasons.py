"""Every reason that people are refused or called with is told to a Chinese reader in Chinese."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services import decommission
from services.decommission import reasons
from services.decommission.calls import client
from services.decommission.notices.answers import BadReceipt, InvalidAnswer, read_answer
from services.decommission.plans.domain import PlanAltered

ROOT = Path(decommission.__file__).parent
REFUSALS = {"BadReceipt", "InvalidAnswer", "BadProof", "PlanAltered", "Undelivered", "Shut"}
# Functions that return a reason or None, and what is called with one.
RETURN = {("plans/domain.py", "problem")} | {
    ("gates/domain.py", node.name)
    for node in ast.parse((ROOT / "gates/domain.py").read_text()).body
    if isinstance(node, ast.FunctionDef) and node.returns is not None and ast.unparse(node.returns) == "str | None"
}
TOLD = {"failed"}


def written() -> Iterator[str]:
    """Every reason written out in the code, as it is written there."""
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func).rpartition(".")[2]
                named = [k.value for k in node.keywords if k.arg == "why"] if called in REFUSALS else []
                last = [arg for arg in node.args if isinstance(arg, ast.Constant) and " " in str(arg.value)]
                yield from _texts([*named, *(last if called in TOLD else [])])
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and (f"{path.parent.name}/{path.name}", node.name) in RETURN
            ):
                yield from _texts([n.value for n in ast.walk(node) if isinstance(n, ast.Return) and n.value])


def _texts(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.IfExp):
            yield from _texts([node.body, node.orelse])
        elif isinstance(node, ast.Constant) and node.value is not None:
            yield str(node.value)
        elif isinstance(node, ast.JoinedStr):
            yield ast.unparse(node)


def test_every_reason_stands_in_the_catalogue() -> None:
    found = sorted(set(written()))
    assert len(found) >= 16
    assert [why for why in found if why not in reasons.CATALOGUE] == []


def test_why_there_was_no_answer_stands_in_the_catalogue() -> None:
    assert [why for _, why in client.SAID if why not in reasons.CATALOGUE] == []


@pytest.mark.parametrize("why", sorted(reasons.CATALOGUE))
def test_no_english_word_stands_in_a_chinese_reason(why: str) -> None:
    assert not set(re.findall(r"[A-Za-z]{3,}", reasons.zh(why))) - {"until", "JSON"}


def test_a_reason_with_a_name_or_a_number_keeps_them() -> None:
    assert reasons.zh("checks failed: bag, hashes") == "未通过的检查:bag, hashes"
    assert reasons.zh("The receipt proves nothing: there is none") == "回执无效:没有回执"
    assert reasons.zh("HTTP 500") == "HTTP 500"


def test_a_fix_without_its_day_is_no_answer() -> None:
    """It is the answer that is wrong, not the receipt: over HTTP there is none. What was wrong in it is named."""
    for given in ({"answer": "fix"}, {"answer": "fix", "until": None}, {"answer": "fix", "until": ""}):
        with pytest.raises(InvalidAnswer) as refused:
            read_answer(given)
        assert (refused.value.code, refused.value.field) == ("invalid_answer", "until")
        assert refused.value.text.zh == "答复无效:整改须写明完成日期"
    with pytest.raises(InvalidAnswer) as unfit:
        read_answer({"answer": "keep", "reason": "\0"})
    assert unfit.value.field == "reason"
    assert reasons.zh(str(unfit.value)) == "答复无效:含有无法保存的文字"


def test_a_refusal_is_told_in_the_reader_s_language() -> None:
    with pytest.raises(BadReceipt) as refused:
        read_answer("keep")
    assert refused.value.text.zh == "答复无效:答复不是一个 JSON 对象"
    assert refused.value.text.en == "The answer is not valid: answer is no object"
    assert "所签哈希" in PlanAltered(why="the hash signed is not this plan's").text.zh
