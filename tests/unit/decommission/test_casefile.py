"""A case file on paper: whole as it is, each kind of tampering named, and garbage told, never raised."""

import copy
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.common import auth, signing
from services.decommission import casefile
from tests.unit.decommission.life import START, Life, exported, rehash

SERVICE = auth.new_key("service")
UNIT = auth.new_key("unit")
PUBLIC = json.dumps(auth.public_key(SERVICE))
ASSET, CASE = UUID(int=1), UUID(int=2)
File = dict[str, Any]

EVIDENCE = {"rule": "C15", "signals": [{"name": "days_since_post", "value": 120}]}
NOTICE = signing.canonical({"type": "notice", "asset_id": str(ASSET)}).decode()
CONTENT = signing.canonical({"members": [{"case_id": str(CASE), "rule": "C15"}]}).decode()


def sha256(text: str) -> str:
    return signing.sha256(text.encode())


def receipt(key: dict[str, Any] = UNIT, **changes: Any) -> str:
    claims = {"notice_sha256": sha256(NOTICE), "asset_id": str(ASSET), "received_on": "2025-06-02"}
    return signing.sign(key, claims | changes)


def whole() -> File:
    """A file of a case that went all the way to its package."""
    life = Life()
    life.log.clear()
    life.add("opened", finding_id="f", rule="C15", evidence_sha256=signing.sha256(signing.canonical(EVIDENCE)))
    token = receipt()
    life.begin("notice")
    life.add("noticed", notice_sha256=sha256(NOTICE), unit_id="u", received_on="d", receipt_sha256=sha256(token))
    life.add("answered", answer="close", reason="", until=None)
    life.add("planned", plan_id="p", plan_sha256=sha256(CONTENT))
    life.add("approved", plan_id="p", plan_sha256=sha256(CONTENT), approvers=["ada", "bo"])
    life.add("announced")
    life.begin("archive")
    life.add("archived", sha256="a" * 64)
    approvals = [
        {"approver": who, "sha256": sha256(CONTENT), "at": "2025-06-04T04:00:00+00:00"} for who in ("ada", "bo")
    ]
    return casefile.build(
        {"case_id": str(CASE), "asset_id": str(ASSET), "state": "archived"}, exported(life.log), SERVICE,
        findings=[{"finding_id": "f", "evidence": EVIDENCE}],
        notice={"body": NOTICE, "receipt": token, "unit_id": "u", "public_key": auth.public_key(UNIT)},
        plan={"content": CONTENT, "approvals": approvals}, archive={"sha256": "a" * 64, "files": 7, "checks": {}},
        exported_at=START,
    )  # fmt: skip


WHOLE = whole()


def verify(tmp_path: Path, file: Any, key: str = PUBLIC) -> list[str]:
    path = tmp_path / "case.json"
    path.write_text(json.dumps(file, ensure_ascii=False))
    return casefile.verify(path, key)


def reseal(file: File, key: dict[str, Any] = SERVICE) -> None:
    """What only the service itself can do: sign anew. It must not help against what others signed."""
    rehash(file)
    file["head"] = casefile.head(file)
    file["signature"] = signing.sign(key, file["head"])


def test_a_whole_file_has_no_fault(tmp_path: Path) -> None:
    assert verify(tmp_path, WHOLE) == []


def entry_of(file: File, kind: str) -> dict[str, Any]:
    return next(entry["data"] for entry in file["log"] if entry["kind"] == kind)


def cut(file: File) -> None:
    del file["log"][-2:]


def cut_and_rehashed(file: File) -> None:
    del file["log"][-2:]
    rehash(file)
    file["head"] = casefile.head(file)


def swapped(file: File) -> None:
    file["log"][1], file["log"][2] = file["log"][2], file["log"][1]


def dropped(file: File) -> None:
    del file["log"][2]


def altered_and_rehashed(file: File) -> None:
    file["log"][3]["actor"] = "somebody else"
    rehash(file)
    file["head"] = casefile.head(file)


def signed_by_another(file: File) -> None:
    reseal(file, auth.new_key("service"))


def other_receipt(file: File) -> None:
    file["notice"]["receipt"] = receipt(received_on="2025-06-03")


def forged_receipt(file: File) -> None:
    """By the service's own hand, log and head included: the unit never signed it."""
    file["notice"]["receipt"] = token = receipt(auth.new_key("unit"))
    entry_of(file, "noticed")["receipt_sha256"] = sha256(token)
    reseal(file)


def first_notice_lost(file: File, receipts: int = 1) -> None:
    """Another unit takes the asset over and is told in its turn; the file holds the receipts of so many of them."""
    del file["log"][5:]
    told = copy.deepcopy(file["log"][2])
    token = receipt(received_on="2025-06-20")
    told["data"]["receipt_sha256"] = sha256(token)
    file["log"][4:] = [{**file["log"][3], "kind": "sponsor_changed", "data": {"unit_id": "heir"}}, told]
    file["plan"] = file["archive"] = None
    file["notices"] = [file["notice"], file["notice"] | {"receipt": token, "unit_id": "heir"}][-receipts:]
    file["notice"] = file["notices"][-1]
    reseal(file)


def first_receipt_forged(file: File) -> None:
    first_notice_lost(file, 2)
    file["notices"][0]["receipt"] = token = receipt(auth.new_key("unit"))
    file["log"][2]["data"]["receipt_sha256"] = sha256(token)
    reseal(file)


def another_shown(file: File) -> None:
    first_notice_lost(file, 2)
    file["notice"] = file["notices"][0]
    reseal(file)


def no_receipt(file: File) -> None:
    file["notice"] = None
    reseal(file)


def other_notice(file: File) -> None:
    file["notice"]["body"] += " "
    reseal(file)


def other_plan(file: File) -> None:
    file["plan"]["content"] = file["plan"]["content"].replace("C15", "C16")
    reseal(file)


def plan_without_the_case(file: File) -> None:
    content = signing.canonical({"members": []}).decode()
    file["plan"]["content"] = content
    entry_of(file, "approved")["plan_sha256"] = sha256(content)
    for approval in file["plan"]["approvals"]:
        approval["sha256"] = sha256(content)
    reseal(file)


def approval_of_another(file: File) -> None:
    file["plan"]["approvals"][1]["sha256"] = "0" * 64
    reseal(file)


def approval_missing(file: File) -> None:
    del file["plan"]["approvals"][1]
    reseal(file)


def approver_renamed(file: File) -> None:
    file["plan"]["approvals"][1]["approver"] = "ada"
    reseal(file)


def one_approver(file: File) -> None:
    """Four eyes are two people, or one under what two others signed; the service's word is not enough."""
    entry_of(file, "approved")["approvers"] = ["ada"]
    reseal(file)


def one_approver_under_her_own_mandate(file: File) -> None:
    entry_of(file, "approved").update(approvers=["ada"], mandates=["m"])
    mandate = {"mandate_id": "m", "rule": "C15", "proposed_by": "bo", "approvers": ["ada", "bo"]}
    file["plan"]["mandates"] = [mandate]
    reseal(file)


def stopped_without_a_yes(file: File) -> None:
    file["log"].append({"at": START.isoformat(), "actor": "x", "kind": "stop_started", "data": {"key": "k"}})
    reseal(file)


ONE_DAY = timedelta(days=1)


def to_the_end(*kinds: str, days: int = 2) -> Callable[[File], None]:
    """Go on with the log, as the service itself would sign it, a day each; a word in brackets is what a look saw."""

    def go_on(file: File) -> None:
        day = START.date()
        for kind in kinds:
            day += ONE_DAY
            data = {"day": day.isoformat(), "result": kind.strip("()")} if kind[0] == "(" else {"key": "k"}
            name = "probed" if kind[0] == "(" else kind
            file["log"].append({"at": START.isoformat(), "actor": "x", "kind": name, "data": data})
        file["windows"] = {"verify_days": days}
        reseal(file)

    return go_on


WELL = ("recheck_asked", "confirmed", "stop_started", "stop_accepted")
SEEN = ("(alive)", "(gone)", "(gone)", "(unclear)", "(gone)")
END = ("disposed", "closed")
UNDONE: list[tuple[tuple[str, ...], str]] = [
    (("confirmed", "unplanned", *WELL, *SEEN, *END), "stop_started without approved"),
    (("confirmed", "sponsor_changed", *WELL, *SEEN, *END), "stop_started without noticed"),
    (("archive_failed", *WELL, *SEEN, *END), "stop_started without archived"),
    (("confirmed", "finding_refuted", "stop_started"), "stop_started without confirmed"),
    (("confirmed", "recheck_asked", "stop_started"), "stop_started without confirmed"),
    ((*WELL[:3], "stop_failed", "unplanned", "stop_started", "stop_accepted", *SEEN, *END), "without approved"),
    (("confirmed", "unplanned", "sponsor_changed", *WELL, "(alive)", *END), "last look at it before said alive"),
    ((*WELL, *SEEN, "(alive)", *END), "last look at it before said alive"),
    ((*WELL, *SEEN, "(unclear)", *END), "last look at it before said unclear"),
    ((*WELL, *SEEN, "(alive)", "(gone)", *END), "not seen gone 2 days in a row"),
    ((*WELL, "(gone)", "recheck_asked", "(gone)", *END), "not seen gone 2 days in a row"),
    ((*WELL, *SEEN, "restore_asked", *END), "closed without stop_accepted"),
    (("cancelled", *WELL), "stop_started without noticed"),
    ((*WELL, *SEEN, *END[1:]), "closed without disposed"),
    ((*WELL, *END), "closed without probed"),
]


@pytest.mark.parametrize(("kinds", "named"), UNDONE, ids=["-".join(kinds) for kinds, _ in UNDONE])
def test_what_was_undone_later_opens_no_gate(tmp_path: Path, kinds: tuple[str, ...], named: str) -> None:
    file = copy.deepcopy(WHOLE)
    to_the_end(*kinds)(file)
    found = verify(tmp_path, file)
    assert any(named in fault for fault in found), found
    assert not any("entry" in fault or "signed" in fault for fault in found), "the service itself has signed it"


def test_what_was_done_anew_opens_its_gate(tmp_path: Path) -> None:
    file = copy.deepcopy(WHOLE)
    to_the_end("archive_failed", "archived", "confirmed", "finding_refuted", *WELL, *SEEN, *END)(file)
    file["log"][10]["data"] = {"sha256": "a" * 64}
    reseal(file)
    assert file["log"][10]["kind"] == "archived"
    assert verify(tmp_path, file) == []
    del file["windows"]  # as an older file has none
    reseal(file)
    assert verify(tmp_path, file) == []


def test_a_file_with_the_receipts_of_both_units_has_no_fault(tmp_path: Path) -> None:
    file = copy.deepcopy(WHOLE)
    first_notice_lost(file, 2)
    assert verify(tmp_path, file) == []


def no_plan(file: File) -> None:
    file["plan"] = None
    reseal(file)


def other_evidence(file: File) -> None:
    file["findings"][0]["evidence"]["signals"][0]["value"] = 3
    reseal(file)


def other_archive(file: File) -> None:
    file["archive"]["sha256"] = "b" * 64
    reseal(file)


def beside_the_log(file: File) -> None:
    file["case"]["state"] = "closed"


TAMPERINGS: list[tuple[Callable[[File], None], str]] = [
    (cut, "shortened"), (cut_and_rehashed, "shortened"), (swapped, "entry 2"), (dropped, "entry 3"),
    (altered_and_rehashed, "rewritten after signing"), (signed_by_another, "not signed by this key"),
    (other_receipt, "receipt is not the one"), (forged_receipt, "not signed with the unit's key"),
    (first_notice_lost, "holds no receipt"), (first_receipt_forged, "not signed with the unit's key"),
    (another_shown, "not the last of the notices"),
    (no_receipt, "holds no receipt"), (other_notice, "notice is not the one"), (other_plan, "plan is not the one"),
    (plan_without_the_case, "does not hold this case"), (approval_of_another, "approval is for another plan"),
    (approval_missing, "lacks an approval"), (approver_renamed, "lacks an approval"), (no_plan, "the file holds none"),
    (one_approver, "one person approved"), (one_approver_under_her_own_mandate, "one person approved"),
    (stopped_without_a_yes, "stop_started without confirmed"),
    (other_evidence, "the evidence of finding f"), (other_archive, "archive package"),
    (beside_the_log, "beside the log"),
]  # fmt: skip


@pytest.mark.parametrize(("tamper", "named"), TAMPERINGS, ids=[f.__name__ for f, _ in TAMPERINGS])
def test_each_tampering_is_named(tmp_path: Path, tamper: Callable[[File], None], named: str) -> None:
    file = copy.deepcopy(WHOLE)
    tamper(file)
    found = verify(tmp_path, file)
    assert any(named in fault for fault in found), found


@pytest.mark.parametrize("position", range(len(WHOLE["log"])))
@pytest.mark.parametrize("field", ["seq", "at", "actor", "kind", "data", "previous", "sha256"])
def test_an_altered_field_of_any_entry_is_named_with_its_entry(tmp_path: Path, position: int, field: str) -> None:
    file = copy.deepcopy(WHOLE)
    entry = file["log"][position]
    entry[field] = {"x": 1} if field == "data" else 99 if field == "seq" else f"{entry[field]}x"
    found = verify(tmp_path, file)
    assert found[0].startswith(f"entry {position + 1}"), found


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_no_part_can_be_left_out_or_emptied(tmp_path: Path, name: str) -> None:
    assert verify(tmp_path, {key: part for key, part in WHOLE.items() if key != name})
    for odd in (None, [], {}, "x", 7):
        assert verify(tmp_path, WHOLE | {name: odd}), odd


def test_one_approver_under_a_mandate_that_two_others_signed_is_enough(tmp_path: Path) -> None:
    file = copy.deepcopy(WHOLE)
    one_approver_under_her_own_mandate(file)
    file["plan"]["mandates"][0]["approvers"].append("cy")
    reseal(file)
    assert verify(tmp_path, file) == []


def test_what_is_said_twice_is_told(tmp_path: Path) -> None:
    """A reader that takes the first of two values would see another file than the one that was checked."""
    text = json.dumps(WHOLE, ensure_ascii=False)
    (tmp_path / "twice.json").write_text('{"case": {"state": "kept"}, ' + text[1:])
    assert "twice" in casefile.verify(tmp_path / "twice.json", PUBLIC)[0]


def test_a_case_taken_out_of_its_plan_needs_none_until_the_next(tmp_path: Path) -> None:
    file = copy.deepcopy(WHOLE)
    file["log"][-1]["kind"], file["log"][-1]["data"] = "unplanned", {"why": "its record changed"}
    file["plan"] = None
    reseal(file)
    assert verify(tmp_path, file) == []


@pytest.mark.parametrize(("signed", "faults"), [([signing.sha256(signing.canonical(EVIDENCE))], 0), (["e" * 64], 1)])
def test_what_was_confirmed_before_the_stop_must_have_been_signed(
    tmp_path: Path, signed: list[str], faults: int
) -> None:
    file = copy.deepcopy(WHOLE)
    members = [{"case_id": str(CASE), "rule": "C15", "evidence_sha256": signed}]
    content = signing.canonical({"members": members}).decode()
    file["plan"] = {
        "content": content,
        "approvals": [{"approver": a, "sha256": sha256(content)} for a in ("ada", "bo")],
    }
    for kind in ("planned", "approved"):
        entry_of(file, kind)["plan_sha256"] = sha256(content)
    for kind, data in (("confirmed", {"finding_id": "f"}), ("stop_started", {"key": "k"})):
        last = file["log"][-1]
        file["log"].append(last | {"seq": last["seq"] + 1, "kind": kind, "data": data})
    reseal(file)
    found = verify(tmp_path, file)
    assert len(found) == faults, found
    assert all("signed" in fault for fault in found)


def test_another_key_finds_no_signature(tmp_path: Path) -> None:
    other = json.dumps(auth.public_key(auth.new_key("other")))
    assert verify(tmp_path, WHOLE, other) == ["the head is not signed by this key"]


names = st.sampled_from(sorted(WHOLE)) | st.text()
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
quiet = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quiet
@given(st.binary(max_size=200), st.text(max_size=60))
def test_no_bytes_at_all_raise(tmp_path: Path, content: bytes, key: str) -> None:
    (tmp_path / "garbage").write_bytes(content)
    assert casefile.verify(tmp_path / "garbage", PUBLIC)
    assert casefile.verify(tmp_path / "garbage", key)
    assert casefile.verify(tmp_path / "absent", key)


@quiet
@given(
    json_values,
    st.lists(st.sampled_from(["log", "case", "notice", "plan", "findings", "archive", "head", 0, 1, "data"])),
)
def test_no_json_in_place_of_any_part_raises(tmp_path: Path, odd: Any, path: list[Any]) -> None:
    file = copy.deepcopy(WHOLE)
    place: Any = file
    for step in path[:-1]:
        try:
            place = place[step]
        except (LookupError, TypeError):
            break
    try:
        changed = place[path[-1]] != odd
        place[path[-1]] = odd
    except (LookupError, TypeError):
        changed, file = True, odd
    text = json.dumps(file)
    (tmp_path / "odd.json").write_text(text)
    assert casefile.verify(tmp_path / "odd.json", PUBLIC) or not changed


@pytest.mark.parametrize(
    "key", ["", "{}", "[]", "null", '{"kty": "RSA"}', '{"kty": "OKP"}', "/no/such/file", "\x00", "{"]
)
def test_a_key_that_is_none_is_told(tmp_path: Path, key: str) -> None:
    assert verify(tmp_path, WHOLE, key)


def test_a_file_nested_beyond_reason_is_told(tmp_path: Path) -> None:
    (tmp_path / "deep").write_text("[" * 200_000)
    assert casefile.verify(tmp_path / "deep", PUBLIC)
