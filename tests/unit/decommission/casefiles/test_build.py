"""A case file on paper: whole as it is, each kind of tampering named, and garbage told, never raised."""

import copy
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.verify import jianfu_verify
from libs.common.security import signing, tokens
from services.decommission.casefiles import build
from tests.unit.decommission.cases.test_life import standing
from tests.unit.decommission.life import ZONE, Life, rehash
from tests.unit.decommission.papers import (
    PUBLIC,
    File,
    entry_of,
    evidence_of,
    faults,
    line,
    lines,
    papers,
    plan_of,
    receipt_of,
    reseal,
    sha256,
    written,
)


def whole() -> Life:
    """A case that went all the way to its package."""
    life = Life()
    life.reach("answering").morrow()
    life.add("answered", answer="close", reason="", until=None)
    return life.reach("archived")


LIFE = whole()
WHOLE = written(LIFE)


def verify(tmp_path: Path, file: Any, key: str = PUBLIC) -> list[str]:
    """By the way of a file, as everybody else comes by one."""
    path = tmp_path / "case.json"
    path.write_text(json.dumps(file, ensure_ascii=False), "utf-8", "surrogatepass")
    return faults(jianfu_verify.read_file(path), key=key)


def test_a_whole_file_has_no_fault(tmp_path: Path) -> None:
    assert verify(tmp_path, WHOLE) == []


def cut(file: File) -> None:
    del file["log"][-2:]


def cut_and_rehashed(file: File) -> None:
    del file["log"][-2:]
    rehash(file)
    file["head"] = build.head(file)


def swapped(file: File) -> None:
    file["log"][1], file["log"][2] = file["log"][2], file["log"][1]


def dropped(file: File) -> None:
    del file["log"][2]


def altered_and_rehashed(file: File) -> None:
    file["log"][3]["actor"] = "somebody else"
    rehash(file)
    file["head"] = build.head(file)


def signed_by_another(file: File) -> None:
    reseal(file, tokens.new_key("service"))


def other_receipt(file: File) -> None:
    notice = file["notices"][0]
    notice["receipt"] = receipt_of(notice["body"], LIFE.today)
    file["notice"] = notice
    reseal(file)


def forged_receipt(file: File) -> None:
    """By the service's own hand, log and head included: the unit never signed it."""
    notice = file["notices"][0]
    notice["receipt"] = token = receipt_of(notice["body"], LIFE.today, key=tokens.new_key("unit"))
    file["notice"] = notice
    entry_of(file, "noticed")["receipt_sha256"] = sha256(token)
    reseal(file)


def first_notice_lost(file: File, receipts: int = 1) -> None:
    """Another unit takes the asset over and is told in its turn; the file holds the receipts of so many of them."""
    life = Life()
    life.reach("answering")
    life.add("sponsor_changed", unit_id="heir")
    life.morrow()
    life.reach("answering")
    file.update(written(life))
    file["notices"] = file["notices"][-receipts:]
    reseal(file)


def first_receipt_forged(file: File) -> None:
    first_notice_lost(file, 2)
    notice = file["notices"][0]
    notice["receipt"] = token = receipt_of(notice["body"], LIFE.today, key=tokens.new_key("unit"))
    entry_of(file, "noticed")["receipt_sha256"] = sha256(token)
    reseal(file)


def another_shown(file: File) -> None:
    first_notice_lost(file, 2)
    file["notice"] = file["notices"][0]
    reseal(file)


def no_receipt(file: File) -> None:
    file["notice"] = None
    file["notices"] = []
    reseal(file)


def other_notice(file: File) -> None:
    file["notices"][0]["body"] += " "
    file["notice"] = file["notices"][0]
    reseal(file)


def other_plan(file: File) -> None:
    file["plan"]["content"] = file["plan"]["content"].replace("C15", "C16")
    reseal(file)


def plan_without_the_case(file: File) -> None:
    content = signing.canonical(json.loads(file["plan"]["content"]) | {"members": []}).decode()
    file["plan"]["content"] = content
    for kind in ("planned", "approved"):
        entry_of(file, kind)["plan_sha256"] = sha256(content)
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
    file.update(to_the_end("recheck_asked", "stop_started"))


def to_the_end(*kinds: str) -> File:
    """Go on with the log, as the service itself would sign it; a word in brackets is what the look of a new day saw."""
    log, at = lines(LIFE.log), LIFE.now
    for number, kind in enumerate(kinds):
        if kind[0] == "(":
            at += timedelta(days=1)
        day = at.astimezone(ZONE).date().isoformat()
        seen = kind.strip("()")
        more: dict[str, dict[str, Any]] = {
            "slot_reserved": {"day": day},
            "recheck_asked": {"day": day, "request_id": f"q{day}", "finding_id": "f"},
            "confirmed": {"request_id": f"q{day}", "finding_id": "f"},
            "archive_failed": {"why": "disk"},
            "archived": {"sha256": "a"},
            "stop_failed": {"why": "HTTP 409"},
            "needs_person": {"why": "w"},
            f"({seen})": {"day": day, "result": seen, "status": {"gone": 404, "alive": 200}.get(seen, 503)},
        }
        named = "probed" if kind[0] == "(" else kind
        if kind == "disposed" and log[-1]["data"].get("result") == "gone":
            at += timedelta(days=LIFE.windows.restore_days)
            day = at.astimezone(ZONE).date().isoformat()
            log.append(line(at, "probed", day=day, result="gone", status=404))
        data = more.get(kind, {"key": f"k{number}", "reason": "r", "unit_id": "v"})
        log.append(line(at, named, **data))
        if kind == "archive_failed":
            at += timedelta(days=1)
    return papers(log, LIFE.windows, last_state="any")


ASK = ("slot_reserved", "recheck_asked", "confirmed")
WELL = (*ASK, "stop_started", "stop_accepted")
SEEN = ("(alive)", "(gone)", "(gone)", "(unclear)", "(gone)")
END = ("disposed", "closed")
UNDONE: list[tuple[tuple[str, ...], str]] = [
    ((*ASK, "unplanned", *WELL, *SEEN, *END), "stop_started"),
    ((*ASK, "sponsor_changed", *WELL, *SEEN, *END), "sponsor_changed"),
    (("archive_failed", *WELL, *SEEN, *END), "stop_started"),
    ((*ASK, "finding_refuted", "stop_started"), "stop_started"),
    ((*ASK, "recheck_asked", "stop_started"), "stop_started"),
    ((*WELL[:-1], "stop_failed", "unplanned", "stop_started", "stop_accepted", *SEEN, *END), "stop_started"),
    ((*WELL, "(alive)", *END), "disposed"),
    ((*WELL, *SEEN, "(alive)", *END), "disposed"),
    ((*WELL, *SEEN, "(alive)", "(gone)", *END), "disposed"),
    ((*WELL, "(gone)", "(unclear)", "(gone)", "disposed", "closed"), "disposed"),
    ((*WELL, *SEEN, "restore_asked", *END), "disposed"),
    (("cancelled", *WELL), "stop_started"),
    ((*WELL, *SEEN, *END[1:]), "closed"),
    ((*WELL, *END), "disposed"),
]


@pytest.mark.parametrize(("kinds", "named"), UNDONE, ids=["-".join(kinds) for kinds, _ in UNDONE])
def test_what_was_undone_later_opens_no_gate(tmp_path: Path, kinds: tuple[str, ...], named: str) -> None:
    found = verify(tmp_path, to_the_end(*kinds))
    assert any(f"({named})" in fault for fault in found), found
    assert not any("hash" in fault or "signed" in fault for fault in found), "the service itself has signed it"


def test_what_was_done_anew_opens_its_gate(tmp_path: Path) -> None:
    again = ("archive_failed", "archive_started", "archived", *ASK, "finding_refuted", *WELL[1:])
    file = to_the_end(*again, *SEEN[:3], *END)
    file["case"]["state"] = "closed"
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


def keyed(**changes: Any) -> File:
    """A history in which another key of the unit has proved the notice, all else in order."""
    log = lines(LIFE.log)
    next(entry for entry in log if entry["kind"] == "noticed")["data"]["unit_key"] = changes
    return papers(log)


def confirmed_by_its_setter(file: File) -> None:
    file.update(keyed(set_by="issuer|Oscar", confirmed_by="issuer|oscar"))


def by_a_young_key(file: File) -> None:
    file.update(keyed(**dict.fromkeys(("proved_at", "in_force_from"), LIFE.log[0].at.isoformat())))


def by_a_key_never_proved(file: File) -> None:
    file.update(keyed(in_force_from="2025-01-01T00:00:00+00:00"))


def by_a_key_of_another_name(file: File) -> None:
    file.update(keyed(thumbprint="0" * 64))


def by_no_key(file: File) -> None:
    del entry_of(file, "noticed")["key"]
    reseal(file)


def signed_by_its_setter(file: File) -> None:
    file.update(keyed(set_by="ADA"))


def another_key_in_the_plan(file: File) -> None:
    entry_of(file, "noticed")["key"]["confirmed_by"] = "issuer|ruth"
    reseal(file)


def beside_the_log(file: File) -> None:
    file["case"]["state"] = "closed"


def beside_the_log_and_signed(file: File) -> None:
    beside_the_log(file)
    reseal(file)


def of_another_number(file: File) -> None:
    file["case"]["ordinal"] = 2
    reseal(file)


def confirmed_of_another_finding(file: File) -> None:
    file.update(to_the_end("recheck_asked", "confirmed"))
    entry_of(file, "confirmed")["finding_id"] = "another"
    reseal(file)


TAMPERINGS: list[tuple[Callable[[File], None], str]] = [
    (cut, "shortened"),
    (cut_and_rehashed, "shortened"),
    (swapped, "entry 2"),
    (dropped, "entry 3"),
    (altered_and_rehashed, "rewritten after signing"),
    (signed_by_another, "not signed by this key"),
    (other_receipt, "no receipt of that hash"),
    (forged_receipt, "not signed with the unit's key"),
    (first_notice_lost, "holds no receipt"),
    (first_receipt_forged, "not signed with the unit's key"),
    (another_shown, "not the last of the notices"),
    (no_receipt, "holds no receipt"),
    (other_notice, "notice is not the one"),
    (other_plan, "plan is not the one"),
    (plan_without_the_case, "does not hold this case"),
    (approval_of_another, "approval is for another plan"),
    (approval_missing, "lacks an approval"),
    (approver_renamed, "lacks an approval"),
    (no_plan, "the file holds none"),
    (one_approver, "one person approved"),
    (one_approver_under_her_own_mandate, "one person approved"),
    (stopped_without_a_yes, "(stop_started): it was not the next move"),
    (confirmed_by_its_setter, "who set the unit's key has confirmed it"),
    (by_a_young_key, "too young"),
    (by_a_key_never_proved, "had been proved and confirmed"),
    (by_a_key_of_another_name, "another key than the log"),
    (by_no_key, "does not name the unit's key"),
    (signed_by_its_setter, "has approved the plan"),
    (another_key_in_the_plan, "names another key of the unit"),
    (other_evidence, "the evidence of finding f"),
    (other_archive, "archive package"),
    (beside_the_log, "beside the log"),
    (beside_the_log_and_signed, "its log says archived"),
    (of_another_number, "case of this number"),
    (confirmed_of_another_finding, "another finding than was asked about"),
]


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
    assert "twice" in faults(('{"case": {"state": "kept"}, ' + text[1:]).encode())[0]


def test_a_case_taken_out_of_its_plan_needs_none_until_the_next(tmp_path: Path) -> None:
    life = whole()
    life.add("unplanned", plan_id="p", why="its record changed")
    file = written(life)
    assert file["plan"] is None
    assert verify(tmp_path, file) == []


@pytest.mark.parametrize(("signed", "count"), [(signing.sha256(signing.canonical(evidence_of("f"))), 0), ("e" * 64, 1)])
def test_what_was_confirmed_before_the_stop_must_have_been_signed(tmp_path: Path, signed: str, count: int) -> None:
    file = to_the_end(*WELL[:-1])
    sealed = json.loads(file["plan"]["content"])
    notice, key = (sealed["members"][0][name] for name in ("notice_sha256", "notice_key"))
    planned = next(entry for entry in LIFE.log if entry.kind == "planned")
    content = plan_of("p", planned.at.astimezone(ZONE).date(), notice, [signed], notice_key=key)
    file["plan"]["content"] = content
    for approval in file["plan"]["approvals"]:
        approval["sha256"] = sha256(content)
    for kind in ("planned", "approved"):
        entry_of(file, kind)["plan_sha256"] = sha256(content)
    file["case"]["state"] = "stopping"
    reseal(file)
    found = verify(tmp_path, file)
    assert len(found) == count, found
    assert all("signed" in fault for fault in found)


def test_another_key_finds_no_signature(tmp_path: Path) -> None:
    other = json.dumps(tokens.public_key(tokens.new_key("other")))
    assert verify(tmp_path, WHOLE, other) == ["the head is not signed by this key"]


names = st.sampled_from(sorted(WHOLE)) | st.text()
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
quiet = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quiet
@given(st.binary(max_size=200))
def test_no_bytes_at_all_raise(content: bytes) -> None:
    assert faults(content)


@quiet
@given(st.text(max_size=60) | json_values.map(repr))
def test_no_key_at_all_raises_anything_but_why(key: str) -> None:
    with pytest.raises(jianfu_verify.Refused):
        jianfu_verify.read_keys(key)


@quiet
@given(
    json_values,
    st.lists(
        st.sampled_from(
            [
                "log",
                "case",
                "notice",
                "notices",
                "plan",
                "findings",
                "archive",
                "head",
                "windows",
                0,
                1,
                3,
                -1,
                "data",
                "at",
                "kind",
                "approvals",
                "content",
                "receipt",
                "public_key",
                "zone",
                "until",
            ]
        ),
        min_size=1,
    ),
    st.booleans(),
)
def test_no_json_in_place_of_any_part_raises(odd: Any, path: list[Any], signed: bool) -> None:
    """Nor where the service itself has signed it."""
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
    if signed:
        try:
            reseal(file)
        except (LookupError, TypeError, ValueError, AttributeError):
            signed = False
    assert faults(file) or not changed or signed


@pytest.mark.parametrize(
    "key", ["", "{}", "[]", "null", '{"kty": "RSA"}', '{"kty": "OKP"}', "/no/such/file", "\x00", "{", '{"keys": []}']
)
def test_a_key_that_is_none_is_told(key: str) -> None:
    with pytest.raises(jianfu_verify.Refused):
        faults(WHOLE, key=key)


def test_a_file_nested_beyond_reason_is_told() -> None:
    assert faults(b"[" * 200_000)
    assert "deeper" in faults(b"[" * 100 + b"]" * 100)[0]


def test_a_case_that_opened_before_its_log_pinned_its_windows_has_a_file_of_the_older_format(tmp_path: Path) -> None:
    """An upgrade strands no case: what began before is taken out after it, and says what it is."""
    log = lines(standing("closed").log)
    file = papers(log, LIFE.windows, pinned=False)
    assert file["format"] == build.OLDER
    assert verify(tmp_path, file) == []
    assert papers(log, LIFE.windows)["format"] == build.FORMAT
