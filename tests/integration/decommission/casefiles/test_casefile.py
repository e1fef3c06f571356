"""The exported file of a real case: whole as it is, and refused after any change, offline, with the key alone."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from deploy.verify import jianfu_verify
from libs.common.security import signing, tokens
from services.decommission.cases import chain
from tests.integration.decommission.conftest import SERVICE_KEY, Make, Story

PUBLIC = json.dumps(tokens.public_key(SERVICE_KEY))
File = dict[str, Any]


_played: list[File] = []


@pytest.fixture
async def closed(make_story: Make) -> File:
    """The file of a case that went all the way, played once for all tests here; each has a copy of its own."""
    if not _played:
        story = await make_story()
        asset, case = await story.flagged("whole", await story.unit("alpha"))
        await story.flag(asset, "C16")
        await story.until(case, "closed")
        _played.append(await story.call("GET", f"/cases/{case}/file", role="auditor"))
    return copy.deepcopy(_played[0])


def faults(tmp_path: Path, file: Any, key: str = PUBLIC) -> list[str]:
    path = tmp_path / "case.json"
    path.write_text(json.dumps(file, ensure_ascii=False))
    return jianfu_verify.check(jianfu_verify.read_file(path), jianfu_verify.read_keys(key)).faults


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every leaf of a JSON value."""
    if isinstance(value, dict | list) and value:
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from leaves(value[key], (*path, key))
    else:
        yield path


def altered(value: Any) -> Any:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            # of the last letter of base64 some bits may say nothing: "w" and "x" may be the same bytes
            return value[:-1] + ("x" if value[-1:] not in ("w", "x") else "A") if value else "x"
        case None:
            return "x"
        case _:
            return ["x"] if isinstance(value, list) else {"x": 1}


async def test_a_whole_file_has_no_fault(closed: File, tmp_path: Path) -> None:
    assert faults(tmp_path, closed) == []
    assert faults(tmp_path, closed, json.dumps({"keys": [json.loads(PUBLIC)]})) == [], "as the service publishes them"


async def test_after_a_rotation_an_older_file_is_verified_with_what_is_published(
    closed: File, make_story: Make, tmp_path: Path
) -> None:
    story = await make_story()
    story.deps = replace(story.deps, signing_key=tokens.new_key("new"), retired_keys=(tokens.public_key(SERVICE_KEY),))
    story.start()
    now, before = (await story.call("GET", "/keys", role="public"))["keys"]
    assert faults(tmp_path, closed, json.dumps(before)) == []
    assert faults(tmp_path, closed, json.dumps(now)) == ["the head is not signed by this key"]


async def test_a_case_under_way_can_be_exported_too(story: Story, unit: UUID, tmp_path: Path) -> None:
    _, case = await story.flagged("early", unit)
    for state in ("noticing", "answering", "planned", "announced", "verifying"):
        await story.until(case, state)
        assert faults(tmp_path, await story.call("GET", f"/cases/{case}/file", role="auditor")) == []


async def test_each_altered_value_is_noticed(closed: File, tmp_path: Path) -> None:
    unseen = []
    for path in list(leaves(closed)):
        file = copy.deepcopy(closed)
        place = file
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = altered(place[path[-1]])
        if not faults(tmp_path, file):
            unseen.append(path)
    assert unseen == []


async def test_each_field_added_or_taken_away_is_noticed(closed: File, tmp_path: Path) -> None:
    unseen = []
    for path in {path[:-1] for path in leaves(closed) if isinstance(path[-1], str)}:
        for key in [*_at(closed, path), "added"]:
            file = copy.deepcopy(closed)
            if key == "added":
                _at(file, path)["added"] = 1
            else:
                del _at(file, path)[key]
            if not faults(tmp_path, file):
                unseen.append((*path, key))
    assert unseen == []


def _at(file: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        file = file[key]
    return file


async def test_the_first_bad_entry_is_named(closed: File, tmp_path: Path) -> None:
    for position in range(1, len(closed["log"]) + 1):
        file = copy.deepcopy(closed)
        file["log"][position - 1]["actor"] = "somebody else"
        assert f"entry {position} " in faults(tmp_path, file)[0]


def rehashed(file: File, change: Callable[[list[dict[str, Any]]], None]) -> File:
    """A forger's file: changed, every hash made anew, the head rewritten; only the signature cannot be."""
    file = copy.deepcopy(file)
    change(file["log"])
    previous = chain.GENESIS
    for seq, entry in enumerate(file["log"], start=1):
        entry["seq"], entry["previous"] = seq, previous
        content = {key: entry[key] for key in ("seq", "at", "actor", "kind", "data", "previous")}
        entry["sha256"] = previous = signing.sha256(signing.canonical(content))
    unsigned = {name: part for name, part in file.items() if name not in ("head", "signature")}
    file["head"] = file["head"] | {
        "entries": len(file["log"]),
        "last": previous,
        "content": signing.sha256(signing.canonical(unsigned)),
    }
    return file


def _alter(log: list[dict[str, Any]]) -> None:
    log[3]["actor"] = "somebody else"


def _drop_middle(log: list[dict[str, Any]]) -> None:
    del log[4]


def _drop_last(log: list[dict[str, Any]]) -> None:
    del log[-1]


def _swap(log: list[dict[str, Any]]) -> None:
    log[3], log[4] = log[4], log[3]


FORGERIES = [_alter, _drop_middle, _drop_last, _swap]


@pytest.mark.parametrize("change", FORGERIES, ids=lambda f: f.__name__.strip("_"))
async def test_a_chain_hashed_anew_is_not_signed(
    closed: File, tmp_path: Path, change: Callable[[list[dict[str, Any]]], None]
) -> None:
    forged = rehashed(closed, change)
    assert chain.problems(forged["log"]) == []
    assert faults(tmp_path, forged)
    other = tokens.new_key("decommission")
    forged["signature"] = signing.sign(other, forged["head"])
    assert faults(tmp_path, forged)


@pytest.mark.parametrize("change", FORGERIES, ids=lambda f: f.__name__.strip("_"))
async def test_a_changed_chain_is_noticed(
    closed: File, tmp_path: Path, change: Callable[[list[dict[str, Any]]], None]
) -> None:
    file = copy.deepcopy(closed)
    change(file["log"])
    assert faults(tmp_path, file)


async def test_every_shortening_is_noticed(closed: File, tmp_path: Path) -> None:
    for length in range(len(closed["log"])):
        file = copy.deepcopy(closed)
        file["log"] = file["log"][:length]
        assert any("short" in fault for fault in faults(tmp_path, file)), length


async def test_another_case_s_signature_does_not_fit(closed: File, story: Story, unit: UUID, tmp_path: Path) -> None:
    _, case = await story.flagged("other", unit)
    await story.until(case, "closed")
    other = await story.call("GET", f"/cases/{case}/file", role="auditor")
    assert faults(tmp_path, closed | {"head": other["head"], "signature": other["signature"]})


async def test_the_service_s_own_key_cannot_make_a_receipt(closed: File, tmp_path: Path) -> None:
    """Signed by the service, and still false: the unit never signed this notice."""
    file = copy.deepcopy(closed)
    own = tokens.new_key("unit")
    claims = {"notice_sha256": signing.sha256(file["notice"]["body"].encode()), "asset_id": file["case"]["asset_id"]}
    file["notices"][0]["receipt"] = signing.sign(own, claims)
    file["notice"] = file["notices"][0]
    resigned = rehashed(file, lambda _: None)
    resigned["signature"] = signing.sign(SERVICE_KEY, resigned["head"])
    assert any("receipt" in fault for fault in faults(tmp_path, resigned))


async def test_a_plan_other_than_the_approved_one_is_named(closed: File, tmp_path: Path) -> None:
    file = copy.deepcopy(closed)
    file["plan"]["content"] = file["plan"]["content"].replace("C15", "C16")
    assert any("plan" in fault for fault in faults(tmp_path, file))


NONSENSE: list[Any] = [
    None,
    [],
    {},
    "text",
    {"format": "jianfu-case-file/1"},
    {"format": "jianfu-case-file/1", "log": 7},
    {"format": "jianfu-case-file/2", "log": [{}], "case": {}, "head": {}, "signature": ""},
]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_told_not_raised(tmp_path: Path, nonsense: Any) -> None:
    assert faults(tmp_path, nonsense)


@pytest.mark.parametrize("text", ["", "{", '{"format": NaN}', '"\\ud800"', "\x00"])
def test_text_that_is_no_file_is_told_not_raised(tmp_path: Path, text: str) -> None:
    path = tmp_path / "case.json"
    path.write_text(text)
    assert jianfu_verify.check(jianfu_verify.read_file(path), jianfu_verify.read_keys(PUBLIC)).faults


@pytest.mark.parametrize("key", ["", "{}", '{"kty": "RSA"}', "/no/such/file", "[]"])
async def test_a_key_that_is_none_is_told(closed: File, tmp_path: Path, key: str) -> None:
    with pytest.raises(jianfu_verify.Refused):
        faults(tmp_path, closed, key)


async def test_values_json_cannot_say_are_told(closed: File, tmp_path: Path) -> None:
    for odd in (float("nan"), "\ud800"):
        file = copy.deepcopy(closed)
        file["log"][2]["data"]["odd"] = odd
        assert jianfu_verify.check(json.dumps(file).encode(), jianfu_verify.read_keys(PUBLIC)).faults
