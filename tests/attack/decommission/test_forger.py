"""A forger who holds the service's key: every paper fits its log and is signed, and the history cannot have been."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from libs.common.security import signing, tokens
from services.decommission.keys import domain as key_domain
from tests.unit.decommission.cases.test_life import standing
from tests.unit.decommission.life import SHORT, Life
from tests.unit.decommission.papers import (
    UNIT_PUBLIC,
    File,
    Line,
    entry_of,
    evidence_of,
    faults,
    line,
    lines,
    papers,
    plan_of,
    receipt_of,
    report,
    reseal,
    sha256,
    written,
)

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CLOSED = standing("closed")
Log = list[Line]


def at(log: Log, kind: str) -> int:
    return next(number for number, one in enumerate(log) if one["kind"] == kind)


def sooner(log: Log, kind: str, by: timedelta) -> None:
    """Everything from an entry on happens so much earlier."""
    for one in log[at(log, kind) :]:
        one["at"] -= by
        for name in ("day", "until"):
            if one["data"].get(name):
                one["data"][name] = (one["at"]).date().isoformat()


def before(log: Log, kind: str, new: str, **data: Any) -> None:
    place = at(log, kind)
    log.insert(place, line(log[place]["at"], new, **data))


def swapped(one: str, other: str) -> Callable[[Log], None]:
    def swap(log: Log) -> None:
        first, second = log[at(log, one)], log[at(log, other)]
        for name in ("kind", "data", "actor"):
            first[name], second[name] = second[name], first[name]

    swap.__name__ = f"{other}_before_{one}"
    return swap


def keep_then_stop(log: Log) -> None:
    before(log, "stop_started", "answered", answer="keep", reason="we need it", until=None)


def keep_before_the_plan(log: Log) -> None:
    before(log, "planned", "answered", answer="keep", reason="we need it", until=None)


def held_then_stop(log: Log) -> None:
    before(log, "stop_started", "held", reason="a court", until=None)


def held_until_a_later_day_then_announced(log: Log) -> None:
    until = (log[at(log, "announced")]["at"].date() + 3 * DAY).isoformat()
    before(log, "announced", "held", reason="a court", until=until)


def refuted_then_stop(log: Log) -> None:
    before(log, "stop_started", "refuted", request_id=log[at(log, "recheck_asked")]["data"]["request_id"])


def cleared_then_stop(log: Log) -> None:
    before(log, "stop_started", "cleared", finding_id="f", reason="it posted")


def cancelled_then_stop(log: Log) -> None:
    before(log, "stop_started", "cancelled", reason="no")


def a_person_was_looking(log: Log) -> None:
    before(log, "stop_started", "needs_person", why="w")


def announce_days_not_kept(log: Log) -> None:
    sooner(log, "archive_started", DAY)


def answer_days_not_kept(log: Log) -> None:
    sooner(log, "planned", DAY)


def restore_days_not_kept(log: Log) -> None:
    last = max(number for number, one in enumerate(log) if one["kind"] == "probed")
    for one in log[last:]:
        one["at"] -= DAY
        if "day" in one["data"]:
            one["data"]["day"] = one["at"].date().isoformat()


def time_goes_back(log: Log) -> None:
    log[at(log, "approved")]["at"] -= HOUR


def approved_after_the_stop(log: Log) -> None:
    log[at(log, "approved")]["data"]["signed_at"] = log[at(log, "stop_started")]["at"] + HOUR


def approved_before_the_plan(log: Log) -> None:
    log[at(log, "approved")]["data"]["signed_at"] = log[at(log, "planned")]["at"] - HOUR


def an_entry_after_the_end(log: Log) -> None:
    log.append(line(log[-1]["at"], "needs_person", why="w"))


def two_stops(log: Log) -> None:
    place = at(log, "stop_accepted")
    log[place + 1 : place + 1] = [line(log[place]["at"], "stop_accepted", status=200)]


def a_stop_that_nobody_began(log: Log) -> None:
    del log[at(log, "stop_started")]


def one_look_is_not_two(log: Log) -> None:
    del log[at(log, "probed")]


def looks_with_a_day_between(log: Log) -> None:
    for one in log[at(log, "probed") + 1 :]:
        one["at"] += DAY
        if "day" in one["data"]:
            one["data"]["day"] = one["at"].date().isoformat()


def two_looks_on_one_day(log: Log) -> None:
    place = at(log, "probed") + 1
    log[place]["at"], log[place]["data"]["day"] = log[place - 1]["at"], log[place - 1]["data"]["day"]


def a_look_on_the_day_of_the_stop(log: Log) -> None:
    look, stop = log[at(log, "probed")], log[at(log, "stop_accepted")]
    look["at"], look["data"]["day"] = stop["at"], stop["at"].date().isoformat()


def a_look_that_saw_it_alive(log: Log) -> None:
    log[at(log, "probed")]["data"]["status"] = 200


def a_day_that_was_another(log: Log) -> None:
    log[at(log, "probed")]["data"]["day"] = "2025-01-01"


def a_place_of_yesterday(log: Log) -> None:
    for one in log[at(log, "recheck_asked") :]:
        one["at"] += DAY
        if "day" in one["data"]:
            one["data"]["day"] = one["at"].date().isoformat()


def a_yes_of_yesterday(log: Log) -> None:
    for one in log[at(log, "stop_started") :]:
        one["at"] += DAY
        if "day" in one["data"]:
            one["data"]["day"] = one["at"].date().isoformat()


def a_yes_to_another_question(log: Log) -> None:
    log[at(log, "confirmed")]["data"]["request_id"] = "another"


def a_package_that_failed_a_check(log: Log) -> None:
    log[at(log, "archived")]["data"]["checks"] = {"integrity": False}


def disposed_before_it_was_seen_gone(log: Log) -> None:
    del log[at(log, "probed") : at(log, "disposed")]


def one_approver(log: Log) -> None:
    log[at(log, "approved")]["data"]["approvers"] = ["ada"]


def one_approver_under_two_names(log: Log) -> None:
    log[at(log, "approved")]["data"]["approvers"] = ["ada", "ＡDA "]


def mandated(log: Log, **changes: Any) -> None:
    log[at(log, "approved")]["data"].update(approvers=["ada"], mandates=["m"])
    mandate = {"mandate_id": "m", "rule": "C15", "proposed_by": "bo", "approvers": ["cy", "dee"]}
    log[at(log, "planned")]["data"]["mandates"] = [mandate | changes]


def under_a_mandate_that_its_proposer_signed(log: Log) -> None:
    mandated(log, approvers=["cy", "Bo"])


def under_a_mandate_of_another_rule(log: Log) -> None:
    mandated(log, rule="C16")


def under_a_mandate_that_had_ended(log: Log) -> None:
    mandated(log, until=(log[at(log, "stop_started")]["at"].date() - DAY).isoformat())


def under_a_mandate_that_was_revoked(log: Log) -> None:
    mandated(log, revoked_at=(log[at(log, "stop_started")]["at"] - HOUR).isoformat())


def the_unit_said_keep(log: Log) -> None:
    log[at(log, "noticed")]["data"]["receipt"] = {"answer": {"answer": "keep", "reason": "we need it"}}


def approved_by_who_moved_it_by_hand(log: Log) -> None:
    before(log, "planned", "needs_person", why="w")
    before(log, "planned", "resumed", reason="seen")
    log[at(log, "resumed")]["actor"] = "issuer|ada"


def one_approver_with_and_without_an_issuer(log: Log) -> None:
    log[at(log, "approved")]["data"]["approvers"] = ["ada", "issuer|ada"]


def a_receipt_without_a_notice(log: Log) -> None:
    del log[at(log, "notice_started")]


def told_twice(log: Log) -> None:
    place = at(log, "noticed")
    log.insert(place + 1, copy.deepcopy(log[place]))


def an_answer_that_is_none(log: Log) -> None:
    before(log, "planned", "answered", answer="whatever", reason="", until=None)


def a_key_used_twice(log: Log) -> None:
    log[at(log, "stop_started")]["data"]["key"] = log[at(log, "archive_started")]["data"]["key"]


def an_entry_nobody_has_heard_of(log: Log) -> None:
    before(log, "stop_started", "blessed")


# --- whose key, since when


def a_notice_to_another_key(log: Log) -> None:
    log[at(log, "notice_started")]["data"]["unit_key"] = "f" * 64


def a_notice_to_no_key(log: Log) -> None:
    log[at(log, "notice_started")]["data"]["unit_key"] = None


def a_key_in_force_only_after_its_notice(log: Log) -> None:
    place = at(log, "noticed")
    for one in log[place:]:
        one["at"] += 3 * DAY
        if "day" in one["data"]:
            one["data"]["day"] = one["at"].date().isoformat()
    since = (log[place]["at"] - 2 * DAY).isoformat()
    log[place]["data"]["unit_key"] = dict.fromkeys(("set_at", "proved_at", "confirmed_at", "in_force_from"), since)


def a_key_that_the_service_has_set(log: Log) -> None:
    log[at(log, "noticed")]["data"]["unit_key"] = {"set_by": "jianfu"}


def a_key_that_a_unit_has_confirmed(log: Log) -> None:
    log[at(log, "noticed")]["data"]["unit_key"] = {"confirmed_by": "unit:u"}


def announced_with_another_key(log: Log) -> None:
    log[at(log, "announced")]["data"]["notice_key"] = {"thumbprint": "0" * 64}


def announced_with_no_key(log: Log) -> None:
    log[at(log, "announced")]["data"]["notice_key"] = {}


def announced_with_a_key_that_is_older_than_it_is(log: Log) -> None:
    log[at(log, "announced")]["data"]["notice_key_age_days"] = 999


# --- what the unit has signed, all of it


def said(log: Log, signed: dict[str, Any], **noted: Any) -> None:
    """A receipt with an answer, and the answer that the log has noted as the unit's."""
    place = at(log, "noticed")
    log[place]["data"]["receipt"] = {"answer": signed}
    log.insert(place + 1, line(log[place]["at"], "answered", **({"reason": "", "until": None} | noted)))
    log[place + 1]["actor"] = "unit:u"


def another_reason_than_the_unit_gave(log: Log) -> None:
    said(log, {"answer": "close", "reason": "not before the election"}, answer="close")


def another_day_than_the_unit_gave(log: Log) -> None:
    said(log, {"answer": "close", "until": "2025-09-01"}, answer="close", until="2025-06-03")


def an_answer_given_for_the_unit_that_gave_it(log: Log) -> None:
    said(log, {"answer": "close"}, answer="close", on_behalf=True)


def an_answer_that_the_unit_has_not_signed(log: Log) -> None:
    said(log, {"answer": "close"}, answer="close")
    log[at(log, "noticed")]["data"]["receipt"] = {}


def an_answer_of_the_unit_without_its_receipt(log: Log) -> None:
    before(log, "planned", "finding_attached", finding_id="g")
    before(log, "planned", "answered", answer="close", reason="", until=None)
    log[at(log, "answered")]["actor"] = "unit:u"


def an_answer_of_another_unit(log: Log) -> None:
    said(log, {"answer": "close"}, answer="close")
    log[at(log, "answered")]["actor"] = "unit:v"


def an_answer_of_the_unit_by_the_service(log: Log) -> None:
    said(log, {"answer": "close"}, answer="close")
    log[at(log, "answered")]["actor"] = "jianfu"


def received(on: str) -> Callable[[Log], None]:
    def forge(log: Log) -> None:
        log[at(log, "noticed")]["data"]["receipt"] = {"received_on": on}

    forge.__name__ = f"received_on_{on}"
    return forge


# --- who may write what


def written_by(kind: str, actor: str, **data: Any) -> Callable[[Log], None]:
    """One entry by somebody whose it is not; where the life has none of it, a fitting one before the plan."""

    def forge(log: Log) -> None:
        if kind not in [one["kind"] for one in log]:
            if kind in ("released", "resumed"):
                cause = {
                    "released": ("held", {"reason": "r", "until": None}),
                    "resumed": ("needs_person", {"why": "w"}),
                }
                before(log, "stop_started", cause[kind][0], **cause[kind][1])
            before(log, "stop_started", kind, **data)
        log[at(log, kind)]["actor"] = actor

    forge.__name__ = f"{kind}_by_{actor}"
    return forge


def released_by_the_service_before_its_day(log: Log) -> None:
    until = (log[at(log, "announced")]["at"].date() + 30 * DAY).isoformat()
    before(log, "announced", "held", reason="a court", until=until)
    before(log, "announced", "released", reason="the hold has ended")
    log[at(log, "released")]["actor"] = "jianfu"


MACHINE = {one["kind"] for one in lines(CLOSED.log)}  # all that a life without trouble holds time or a machine has done


# --- who signs


def approved_by(*names: str) -> Callable[[Log], None]:
    def forge(log: Log) -> None:
        log[at(log, "approved")]["data"]["approvers"] = list(names)

    forge.__name__ = "approved_by_" + "_".join(name.encode("unicode_escape").decode() for name in names)
    return forge


def under_a_mandate_that_the_holders_of_the_key_signed(log: Log) -> None:
    mandated(log, approvers=["issuer|oscar", "issuer|rita"])


def under_a_mandate_that_one_holder_of_the_key_signed(log: Log) -> None:
    mandated(log, approvers=["cy", "dee", "Rita"])


def under_a_mandate_that_who_moved_it_by_hand_signed(log: Log) -> None:
    before(log, "planned", "needs_person", why="w")
    before(log, "planned", "resumed", reason="seen")
    log[at(log, "resumed")]["actor"] = "issuer|cy"
    mandated(log)


def under_a_mandate_that_the_service_signed(log: Log) -> None:
    mandated(log, approvers=["cy", "dee", "jianfu"])


FORGERIES = [
    a_notice_to_another_key,
    a_notice_to_no_key,
    a_key_in_force_only_after_its_notice,
    a_key_that_the_service_has_set,
    a_key_that_a_unit_has_confirmed,
    announced_with_another_key,
    announced_with_no_key,
    announced_with_a_key_that_is_older_than_it_is,
    another_reason_than_the_unit_gave,
    another_day_than_the_unit_gave,
    an_answer_given_for_the_unit_that_gave_it,
    an_answer_that_the_unit_has_not_signed,
    an_answer_of_the_unit_without_its_receipt,
    an_answer_of_another_unit,
    an_answer_of_the_unit_by_the_service,
    *map(received, ("1999-01-01", "2025-06-01", "2025-06-03", "2025-06-02T00", "yesterday")),
    released_by_the_service_before_its_day,
    *(written_by(kind, actor) for kind in sorted(MACHINE) for actor in ("issuer|ada", "unit:u", "")),
    *(written_by("answered", actor, answer="close", reason="", until=None) for actor in ("jianfu", "JianFu", "unit:u")),
    *(written_by(kind, actor, reason="r") for kind in ("released", "resumed") for actor in ("jianfu", "unit:u", " ")),
    *(written_by("unplanned", actor, plan_id="p", why="w") for actor in ("unit:u", "")),
    approved_by("jianfu", "unit:u"),
    approved_by("ada", "unit:u"),
    approved_by("ada", "\uff2aianfu"),
    approved_by("ada", "issuer|jianfu"),
    approved_by("ada", "\ufe0f"),
    *(approved_by("iss|ada", f"iss|a{sign}da") for sign in "\u00ad\u034f\u115f\u1160\u17b4\u180b\u200d\u2065\u3164"),
    *(
        approved_by("iss|ada", f"iss|ada{sign}")
        for sign in "\ufe0f\uffa0\ufff0\U0001d173\U000e0001\U000e0100\U000e0fff"
    ),
    approved_by("\u00e9va", "e\u034f\u0301va"),
    under_a_mandate_that_the_holders_of_the_key_signed,
    under_a_mandate_that_one_holder_of_the_key_signed,
    under_a_mandate_that_who_moved_it_by_hand_signed,
    under_a_mandate_that_the_service_signed,
    swapped("noticed", "planned"),
    swapped("planned", "approved"),
    swapped("approved", "announced"),
    swapped("announced", "archived"),
    swapped("archived", "stop_started"),
    swapped("confirmed", "stop_started"),
    swapped("stop_accepted", "disposed"),
    keep_then_stop,
    keep_before_the_plan,
    held_then_stop,
    held_until_a_later_day_then_announced,
    refuted_then_stop,
    cleared_then_stop,
    cancelled_then_stop,
    a_person_was_looking,
    announce_days_not_kept,
    answer_days_not_kept,
    restore_days_not_kept,
    time_goes_back,
    approved_after_the_stop,
    approved_before_the_plan,
    an_entry_after_the_end,
    two_stops,
    a_stop_that_nobody_began,
    one_look_is_not_two,
    looks_with_a_day_between,
    two_looks_on_one_day,
    a_look_on_the_day_of_the_stop,
    a_look_that_saw_it_alive,
    a_day_that_was_another,
    a_place_of_yesterday,
    a_yes_of_yesterday,
    a_yes_to_another_question,
    a_package_that_failed_a_check,
    disposed_before_it_was_seen_gone,
    one_approver,
    one_approver_under_two_names,
    under_a_mandate_that_its_proposer_signed,
    under_a_mandate_of_another_rule,
    under_a_mandate_that_had_ended,
    under_a_mandate_that_was_revoked,
    the_unit_said_keep,
    approved_by_who_moved_it_by_hand,
    one_approver_with_and_without_an_issuer,
    a_receipt_without_a_notice,
    told_twice,
    an_answer_that_is_none,
    a_key_used_twice,
    an_entry_nobody_has_heard_of,
]


@pytest.mark.parametrize("forge", FORGERIES, ids=[forge.__name__ for forge in FORGERIES])
def test_a_history_that_cannot_have_been_is_refused(forge: Callable[[Log], None]) -> None:
    log = lines(CLOSED.log)
    forge(log)
    found = faults(papers(log, CLOSED.windows, last_state="closed"))
    assert found
    assert not any("not what a case file holds" in fault for fault in found), "it is told what is wrong"
    assert not any("hash covers" in fault or "not signed by this key" in fault for fault in found), "he has the key"


def fixing(promised: int, noted: int) -> tuple[Log, Life]:
    """A life in which the unit promises to fix until one day, and its log holds another."""
    life = Life()
    life.reach("answering")
    first = life.today
    life.add("answered", answer="fix", reason="", until=(first + noted * DAY).isoformat())
    life.days("closed")
    log = lines(life.log)
    log[at(log, "answered")]["actor"] = "unit:u"
    until = (first + promised * DAY).isoformat()
    log[at(log, "noticed")]["data"]["receipt"] = {"answer": {"answer": "fix", "reason": "", "until": until}}
    return log, life


def test_a_promise_ends_on_the_day_that_the_unit_has_signed() -> None:
    log, life = fixing(2, 2)
    assert faults(papers(log, life.windows)) == []
    log, life = fixing(80, 2)
    assert any("the unit's receipt answers fix" in fault for fault in faults(papers(log, life.windows)))


def test_what_people_decide_is_theirs_and_the_end_of_a_hold_the_service_s_too() -> None:
    for actor, until in (("ada", 30), ("jianfu", -1)):
        life = Life()
        life.reach("approved")
        life.add("held", reason="r", until=(life.today + until * DAY).isoformat())
        life.add("released", reason="r")
        life.days("closed")
        log = lines(life.log)
        log[at(log, "released")]["actor"] = actor if actor == "jianfu" else "issuer|zoe"
        assert faults(papers(log, life.windows)) == [], actor


def test_the_same_pen_writes_what_was_and_it_verifies() -> None:
    """Else the forgeries above may be refused for the pen's sake."""
    assert faults(papers(lines(CLOSED.log), CLOSED.windows)) == []
    log = lines(CLOSED.log)
    mandated(log, until="2030-01-01", revoked_at=None)
    assert faults(papers(log, CLOSED.windows)) == []
    log = lines(CLOSED.log)
    place = at(log, "noticed")
    log[place]["data"]["receipt"] = {"answer": {"answer": "close"}}
    log.insert(place + 1, line(log[place]["at"], "answered", answer="close", reason="", until=None))
    log[place + 1]["actor"] = "unit:u"
    assert faults(papers(log, CLOSED.windows)) == []


# --- what stands beside the log, signed as it is


def windows_lowered_beside_the_log(file: File) -> None:
    file["windows"]["restore_days"] = 1


def windows_lowered_in_the_log_too(file: File) -> None:
    """The unit has signed a notice that names the days it was given."""
    file["windows"]["answer_days"] = entry_of(file, "opened")["windows"]["answer_days"] = 1


def windows_left_out_of_the_log(file: File) -> None:
    del entry_of(file, "opened")["windows"]


def a_window_that_is_no_number(file: File) -> None:
    file["windows"]["answer_days"] = entry_of(file, "opened")["windows"]["answer_days"] = True


def left_out(*names: str) -> Callable[[File], None]:
    """Windows that the format always names; with them goes the age that the unit's key must have."""

    def forge(file: File) -> None:
        for name in names:
            del file["windows"][name]
            entry_of(file, "opened")["windows"].pop(name)

    forge.__name__ = "without_" + "_".join(names)
    return forge


def windows_that_are_none(file: File) -> None:
    file["windows"]["key_age_days"] = entry_of(file, "opened")["windows"]["key_age_days"] = 0


def the_older_format_with_windows(file: File) -> None:
    left_out("min_answer_days", "key_age_days")(file)
    file["format"] = "jianfu-case-file/1"


def announced_with_the_key_of_other_people(file: File) -> None:
    announced = entry_of(file, "announced")
    announced["notice_key"] = announced["notice_key"] | {"confirmed_by": "issuer|zoe"}


def another_key_beside_the_notice(file: File) -> None:
    file["notices"][0]["key"] = entry_of(file, "noticed")["key"] | {"confirmed_by": "issuer|zoe"}
    file["notice"] = file["notices"][0]


def a_state_that_it_never_reached(file: File) -> None:
    file["case"]["state"] = "restored"


def a_rule_that_opened_nothing(file: File) -> None:
    file["case"]["rule"] = "A01"


def taken_out_before_it_ended(file: File) -> None:
    file["exported_at"] = file["log"][3]["at"]


def a_notice_of_another_case(file: File) -> None:
    _another_notice(file, case_id="00000000-0000-0000-0000-000000000009")


def a_notice_sent_after_it_was_received(file: File) -> None:
    _another_notice(file, sent_on="2025-06-09", answer_by="2025-06-11", stop_not_before="2025-06-14")


def _another_notice(file: File, **changes: Any) -> None:
    notice = file["notices"][0]
    notice["body"] = signing.canonical(json.loads(notice["body"]) | changes).decode()
    notice["receipt"] = receipt_of(notice["body"], CLOSED.today)
    file["notice"] = notice
    proved = entry_of(file, "noticed")
    proved.update(notice_sha256=sha256(notice["body"]), receipt_sha256=sha256(notice["receipt"]))


def a_plan_that_rests_on_another_notice(file: File) -> None:
    evidence = [signing.sha256(signing.canonical(evidence_of("f")))]
    planned = next(entry for entry in CLOSED.log if entry.kind == "planned")
    content = plan_of("p", planned.at.date(), "0" * 64, evidence)
    file["plan"]["content"] = content
    for approval in (*file["plan"]["approvals"], entry_of(file, "planned"), entry_of(file, "approved")):
        approval["sha256" if "approver" in approval else "plan_sha256"] = sha256(content)


def a_plan_sealed_with_another_log(file: File) -> None:
    content = json.loads(file["plan"]["content"])
    content["members"][0].update(log_entries=2, log_sha256="0" * 64)
    file["plan"]["content"] = signing.canonical(content).decode()
    for approval in (*file["plan"]["approvals"], entry_of(file, "planned"), entry_of(file, "approved")):
        approval["sha256" if "approver" in approval else "plan_sha256"] = sha256(file["plan"]["content"])


def a_receipt_by_the_service(file: File) -> None:
    """Its own key beside the receipt: without the unit's key from outside nobody would notice."""
    own, notice = tokens.new_key("unit"), file["notices"][0]
    day = date.fromisoformat(entry_of(file, "noticed")["received_on"])
    notice["receipt"] = receipt_of(notice["body"], day, key=own)
    notice["public_key"] = tokens.public_key(own)
    file["notice"] = notice
    entry_of(file, "noticed")["receipt_sha256"] = sha256(notice["receipt"])
    entry_of(file, "notice_started")["unit_key"] = key_domain.thumbprint(notice["public_key"])
    content = json.loads(file["plan"]["content"])
    announced = entry_of(file, "announced")["notice_key"]
    for key in (entry_of(file, "noticed")["key"], announced, content["members"][0]["notice_key"]):
        key["thumbprint"] = key_domain.thumbprint(notice["public_key"])
    file["plan"]["content"] = signing.canonical(content).decode()
    signed = [entry_of(file, kind) for kind in ("planned", "approved")]
    for each in signed:
        each["plan_sha256"] = sha256(file["plan"]["content"])
    for approval in file["plan"]["approvals"]:
        approval["sha256"] = signed[0]["plan_sha256"]


def a_receipt_that_any_key_signs(file: File) -> None:
    file["notices"][0]["public_key"]["x"] = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    file["notice"] = file["notices"][0]


BESIDE = [
    windows_lowered_beside_the_log,
    windows_lowered_in_the_log_too,
    windows_left_out_of_the_log,
    a_window_that_is_no_number,
    left_out("min_answer_days", "key_age_days"),
    left_out("reopen_days"),
    windows_that_are_none,
    the_older_format_with_windows,
    another_key_beside_the_notice,
    announced_with_the_key_of_other_people,
    a_state_that_it_never_reached,
    a_rule_that_opened_nothing,
    taken_out_before_it_ended,
    a_notice_of_another_case,
    a_notice_sent_after_it_was_received,
    a_plan_that_rests_on_another_notice,
    a_plan_sealed_with_another_log,
    a_receipt_by_the_service,
    a_receipt_that_any_key_signs,
]


@pytest.mark.parametrize("forge", BESIDE, ids=[forge.__name__ for forge in BESIDE])
def test_what_stands_beside_the_log_is_refused_where_it_cannot_be(forge: Callable[[File], None]) -> None:
    file = written(CLOSED)
    forge(file)
    reseal(file)
    found = faults(file)
    assert found
    assert not any("not what a case file holds" in fault for fault in found), "it is told what is wrong"
    assert not any("signed by this key" in fault or "altered after" in fault for fault in found), "he has the key"


def test_without_the_unit_s_key_it_is_said_that_the_receipt_proves_less() -> None:
    file = written(CLOSED)
    a_receipt_by_the_service(file)
    reseal(file)
    told = report(file, unit=None)
    assert told.faults == []
    assert any("only against the key in the file" in text for text in told.not_proved)
    assert not any("only against" in text for text in report(written(CLOSED), unit=UNIT_PUBLIC).not_proved)


def test_holds_that_prolong_a_window_are_counted_as_the_product_counts_them() -> None:
    life = Life(replace(SHORT, announce_days=3))
    life.reach("announced")
    life.add("held", reason="r", until=None)
    life.now += 2 * DAY
    life.add("released", reason="r")
    life.days("closed")
    assert faults(written(life)) == []
    log = lines(life.log)
    sooner(log, "archive_started", DAY)
    assert faults(papers(log, life.windows, last_state="closed"))
