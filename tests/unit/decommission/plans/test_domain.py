"""Limits, plans, receipts, answers and probes: each rule alone, over every shape of input."""

import json
from collections import Counter
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.security import signing
from libs.common.security import tokens as auth
from services.decommission.cases import chain
from services.decommission.findings import domain as finding_domain
from services.decommission.limits import domain as limit_domain
from services.decommission.limits.domain import CEILING, Limits, LimitsInvalid, PerKind, SlotsTaken, Windows
from services.decommission.notices import answers
from services.decommission.notices import domain as notice_domain
from services.decommission.notices.answers import BadReceipt
from services.decommission.plans import domain as plan_domain
from services.decommission.plans.domain import Candidate
from services.decommission.probes import domain as probe_domain

DAY = date(2025, 6, 2)
NOON = datetime(2025, 6, 2, 4, tzinfo=UTC)
UNIT = auth.new_key("unit")
PUBLIC = auth.public_key(UNIT)
ASSET = UUID(int=7)
HASH = "a" * 64
LOG = [chain.link([], at=NOON, actor="jianfu", kind="opened", data={"rule": "C15"})]

few = st.integers(0, 6)
limits_of = st.builds(
    Limits,
    per_unit_per_day=few,
    per_day=few,
    per_plan=few,
    per_kind_per_day=st.builds(PerKind, account=few, app=few, group=few),
)


def candidate(number: int, unit: int, kind: str, ready: int) -> Candidate:
    ids = UUID(int=number), UUID(int=1000 + number), UUID(int=unit)
    return Candidate(
        ready_at=NOON + timedelta(days=ready),
        asset_id=ids[0],
        case_id=ids[1],
        unit_id=ids[2],
        kind=kind,
        asset_version=1,
        rules=("C15",),
        notice_sha256="n",
        evidence_sha256=("e",),
        log_entries=1,
        log_sha256=LOG[0].sha256,
    )


@st.composite
def candidates_of(draw: st.DrawFn) -> list[Candidate]:
    number = draw(st.integers(0, 25))
    return [
        candidate(n, draw(st.integers(1, 3)), draw(st.sampled_from(["account", "app", "group", "odd"])), draw(few))
        for n in range(number)
    ]


# --- limits


@given(candidates_of(), limits_of)
def test_a_plan_never_exceeds_the_smallest_of_all_limits(found: list[Candidate], limits: Limits) -> None:
    chosen = plan_domain.choose(found, limits)
    assert len(chosen) <= min(limits.per_plan, limits.per_day)
    assert all(n <= limits.per_unit_per_day for n in Counter(one.unit_id for one in chosen).values())
    assert all(n <= limits.of_kind(kind) for kind, n in Counter(one.kind for one in chosen).items())
    assert len(set(chosen)) == len(chosen)


@given(candidates_of(), limits_of, st.randoms(use_true_random=False))
def test_who_is_chosen_does_not_depend_on_the_order_of_asking(
    found: list[Candidate], limits: Limits, random: Any
) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    assert plan_domain.choose(shuffled, limits) == plan_domain.choose(found, limits)
    order = [(one.ready_at, one.asset_id) for one in plan_domain.choose(found, limits)]
    assert order == sorted(order)


@given(candidates_of(), limits_of)
def test_nobody_who_fits_is_left_behind(found: list[Candidate], limits: Limits) -> None:
    """As far as every limit goes: whoever was passed over did not fit when his turn came."""
    chosen = plan_domain.choose(found, limits)
    if len(chosen) >= limits.per_plan:
        return
    taken = SlotsTaken(day=len(chosen))
    units, kinds = Counter(o.unit_id for o in chosen), Counter(o.kind for o in chosen)
    for one in set(found) - set(chosen):
        assert not limit_domain.room(limits, replace(taken, unit=units[one.unit_id], kind=kinds[one.kind]), one.kind)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["account", "app", "group", "odd"])), max_size=30), limits_of
)
def test_the_places_of_a_day_never_exceed_the_smallest_limit(asked: list[tuple[int, str]], limits: Limits) -> None:
    given_out: list[tuple[int, str]] = []
    for unit, kind in asked:
        taken = SlotsTaken(
            day=len(given_out), unit=sum(u == unit for u, _ in given_out), kind=sum(k == kind for _, k in given_out)
        )
        if limit_domain.room(limits, taken, kind):
            given_out.append((unit, kind))
    assert len(given_out) <= limits.per_day
    assert all(n <= limits.per_unit_per_day for n in Counter(u for u, _ in given_out).values())
    assert all(n <= limits.of_kind(kind) for kind, n in Counter(k for _, k in given_out).items())


NAMES = sorted(set(asdict(Limits())) - {"per_kind_per_day"})


@pytest.mark.parametrize("name", [*NAMES, "account"])
def test_nought_means_that_nothing_closes(name: str) -> None:
    config: dict[str, Any] = {"per_kind_per_day": {"account": 0}} if name == "account" else {name: 0}
    limits = limit_domain.read_limits(config)
    assert plan_domain.choose([candidate(n, n, "account", 0) for n in range(5)], limits) == []
    if name != "per_plan":
        assert not limit_domain.room(limits, SlotsTaken(), "account")


def test_limits_are_in_force_without_being_configured() -> None:
    assert limit_domain.read_limits({}) == Limits()
    assert limit_domain.read_limits({"per_kind_per_day": {}}) == Limits()
    many = [candidate(n, n, "account", 0) for n in range(300)]
    assert len(plan_domain.choose(many, Limits())) == 100
    assert len(plan_domain.choose([replace(one, unit_id=UUID(int=1)) for one in many], Limits())) == 10


@pytest.mark.parametrize("value", [-1, CEILING + 1, 10**9, True, None, "10", 1.0, float("inf"), [], {}])
@pytest.mark.parametrize("name", [*NAMES, "account", "app", "group"])
def test_no_value_but_a_whole_number_up_to_the_ceiling(name: str, value: Any) -> None:
    config = {name: value} if name in NAMES else {"per_kind_per_day": {name: value}}
    with pytest.raises(LimitsInvalid):
        limit_domain.read_limits(config)


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.booleans(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from([*NAMES, "per_kind_per_day", "account", "unlimited", ""]), inner)
        ),
        max_leaves=6,
    )
)
def test_whatever_is_configured_is_either_refused_or_within_the_ceiling(config: Any) -> None:
    try:
        limits = limit_domain.read_limits(config)
    except LimitsInvalid:
        return
    shown = asdict(limits)
    for value in [*(shown[name] for name in NAMES), *shown["per_kind_per_day"].values()]:
        assert type(value) is int
        assert 0 <= value <= CEILING


@pytest.mark.parametrize(
    "config", [{"per_week": 5}, {"PER_DAY": 5}, {"per_kind_per_day": {"site": 1}}, {"mode": "and"}]
)
def test_an_unknown_name_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(LimitsInvalid):
        limit_domain.read_limits(config)


@pytest.mark.parametrize("value", [0, -1, 3651, 1.5, "15", None, True])
@pytest.mark.parametrize("name", sorted(asdict(Windows())))
def test_a_window_is_whole_days_and_never_none(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        Windows(**{name: value})


# --- plans


def sealed() -> plan_domain.Sealed:
    found = plan_domain.seal(DAY, [candidate(n, 1, "account", 0) for n in range(3)], Limits())
    assert found is not None
    return found


def fault(plan: plan_domain.Sealed, **changes: Any) -> str | None:
    arguments: dict[str, Any] = {
        "content": plan.content,
        "stored_sha256": plan.sha256,
        "signed": {"ada": plan.sha256, "bo": plan.sha256},
        "case_id": plan.members[0].case_id,
        "planned": plan.sha256,
        "approvers": ("ada", "bo"),
        "log": LOG,
    }
    return plan_domain.problem(**arguments | changes)


def test_a_plan_as_it_was_sealed_and_signed_has_no_fault() -> None:
    plan = sealed()
    assert all(fault(plan, case_id=one.case_id) is None for one in plan.members)
    other = signing.sha256(b"other")
    assert fault(plan, signed={"ada": plan.sha256, "bo": plan.sha256, "late": other}) is None


def test_the_same_members_give_the_same_text_and_hash() -> None:
    found = [candidate(n, 1, "account", 0) for n in range(3)]
    assert plan_domain.seal(DAY, found, Limits()) == plan_domain.seal(DAY, found[::-1], Limits())
    assert plan_domain.seal(DAY, [], Limits()) is None
    assert signing.sha256(sealed().content.encode()) == sealed().sha256


def test_each_way_of_altering_a_plan_is_a_fault() -> None:
    plan = sealed()
    text = plan.content.replace("C15", "C16")
    other = signing.sha256(text.encode())
    alterations: list[dict[str, Any]] = [
        {"content": text},
        {"content": text, "stored_sha256": other},
        {"content": text, "stored_sha256": other, "signed": {"ada": other, "bo": other}},
        {"content": text, "planned": other},
        {"content": plan.content + " "},
        {"content": ""},
        {"stored_sha256": other},
        {"planned": other},
        {"signed": {}},
        {"signed": {"ada": plan.sha256}},
        {"signed": {"ada": plan.sha256, "bo": other}},
        {"signed": {"ada": plan.sha256, "cy": plan.sha256}},
        {"approvers": ()},
        {"case_id": UUID(int=1)},
        {"log": LOG[1:]},
        {"log": []},
        {"log": [chain.link([], at=NOON, actor="jianfu", kind="opened", data={"rule": "C16"})]},
    ]
    for alteration in alterations:
        assert fault(plan, **alteration), alteration


def test_a_member_added_after_the_signatures_is_a_fault() -> None:
    plan = sealed()
    content = json.loads(plan.content)
    content["members"].append(content["members"][0] | {"case_id": str(UUID(int=9))})
    text = signing.canonical(content).decode()
    assert fault(plan, content=text, case_id=UUID(int=9))
    assert fault(plan, content=text, stored_sha256=signing.sha256(text.encode()), case_id=UUID(int=9))


# --- receipts and answers


def receipt(key: dict[str, Any] = UNIT, **changes: Any) -> str:
    claims = {"notice_sha256": HASH, "asset_id": str(ASSET), "received_on": "2025-06-02"} | changes
    return signing.sign(key, {name: value for name, value in claims.items() if value is not None})


def read(token: str, public: dict[str, Any] = PUBLIC) -> notice_domain.Receipt:
    return notice_domain.read_receipt(
        token, public, notice_sha256=HASH, asset_id=ASSET, sent_on=date(2025, 6, 1), today=date(2025, 6, 10)
    )


def test_a_receipt_by_the_unit_for_this_notice_of_this_asset_is_proof() -> None:
    assert read(receipt()) == notice_domain.Receipt(
        notice_sha256=HASH, asset_id=str(ASSET), received_on="2025-06-02", answer=None
    )
    with_answer = read(receipt(answer={"answer": "fix", "reason": "soon", "until": "2025-07-01"}))
    assert with_answer.answer == answers.Answer(answer="fix", reason="soon", until=date(2025, 7, 1))


def test_anything_else_is_none() -> None:
    none = auth.public_key(auth.new_key("unit"))
    head, body, signature = receipt().split(".")
    other_body = receipt(asset_id="x").split(".")[1]
    tokens = [
        receipt(auth.new_key("unit")),
        receipt(notice_sha256="b" * 64),
        receipt(notice_sha256=None),
        receipt(asset_id=str(UUID(int=8))),
        receipt(asset_id=None),
        receipt(answer={"answer": "perhaps"}),
        receipt(answer={"answer": "fix"}),
        receipt(answer={"answer": "fix", "until": "soon"}),
        "",
        "x",
        "a.b.c",
        f"{head}.{body}.",
        f"{head}.{other_body}.{signature}",
        f"{head}.{body}",
        signing.sign(UNIT, {}),
    ]
    for token in tokens:
        with pytest.raises(BadReceipt):
            read(token)
    with pytest.raises(BadReceipt):
        read(receipt(), none)


@pytest.mark.parametrize("day", [None, "", "2025-06-01", "2025-06-10"])
def test_a_receipt_may_name_the_day_on_which_its_notice_came_in(day: str | None) -> None:
    assert read(receipt(received_on=day)).received_on == (day or "")


@pytest.mark.parametrize(
    "day",
    [
        "2025-05-31",
        "2025-06-11",
        "1970-01-01",
        "2025-06-31",
        "20250602",
        "2025-06-02T00:00:00Z",
        " ",
        20250602,
        True,
        0,
        [],
        {"day": "2025-06-02"},
        "\u0662\u0660\u0662\u0665-06-02",
    ],
)
def test_a_receipt_of_a_day_on_which_it_cannot_have_come_in_is_none(day: object) -> None:
    with pytest.raises(BadReceipt) as refused:
        read(receipt(received_on=day))
    assert (refused.value.field, refused.value.accepted) == ("received_on", "a day from 2025-06-01 to 2025-06-10")


@given(st.text())
def test_no_text_at_all_makes_anything_but_a_bad_receipt(text: str) -> None:
    with pytest.raises(BadReceipt):
        read(text)


@pytest.mark.parametrize("kind", ["keep", "fix", "close"])
def test_an_answer_is_read_with_its_day(kind: str) -> None:
    given_ = {"answer": kind, "reason": "r" * 2000, "until": "2025-07-01"}
    read_ = answers.read_answer(given_)
    assert (read_.answer, len(read_.reason), read_.until) == (kind, 1000, date(2025, 7, 1))


@given(
    st.dictionaries(
        st.sampled_from(["answer", "reason", "until"]),
        st.none()
        | st.text()
        | st.integers()
        | st.lists(st.text())
        | st.sampled_from(["keep", "fix", "close", "2025-07-01"]),
    )
)
def test_an_answer_is_one_of_three_or_refused(given_: dict[str, Any]) -> None:
    try:
        answer = answers.read_answer(given_)
    except BadReceipt:
        return
    assert answer.answer in ("keep", "fix", "close")
    assert answer.until is not None or answer.answer != "fix"


# --- probes


@given(st.none() | st.integers(100, 599))
def test_only_404_and_410_are_gone_and_only_2xx_is_alive(status: int | None) -> None:
    wanted = "gone" if status in (404, 410) else "alive" if status is not None and 200 <= status < 300 else "unclear"
    assert probe_domain.probe_result(status) == wanted


@pytest.mark.parametrize(
    ("said", "last"),
    [(None, 730), ("2025-06-02", 0), ("2025-06-12", 10), ("2020-01-01", 0), ("9999-12-31", 730)],
)
def test_a_keep_excuses_until_the_day_it_names_and_never_without_end(said: str | None, last: int) -> None:
    today = date(2025, 6, 2)
    assert finding_domain.excused_until(said, today, Windows()) == today + timedelta(days=last)
