"""Four eyes: whose name it is, however it is spelt, and who has had too much of a hand in a case to sign for it."""

from datetime import UTC, datetime
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.security.roles import ROLES
from libs.common.security.tokens import Principal
from services.decommission.cases import chain, foureyes
from services.decommission.cases.foureyes import MayNotSign, TwoRoles

NOON = datetime(2025, 6, 2, 4, tzinfo=UTC)
ADA = "https://id.example|ada"
SPELLINGS = [ADA, "ada", "Ada", "ADA", "HTTPS://ID.example|Ada", "\N{FULLWIDTH LATIN SMALL LETTER A}da", " ada "]
OTHERS = ["https://id.example|bo", "bo", "adam", "https://id.example|adam", "da", "https://other.example|bo"]
names = st.text(st.sampled_from("aAb|. "), min_size=1, max_size=6)


@pytest.mark.parametrize("one", SPELLINGS)
@pytest.mark.parametrize("other", SPELLINGS)
def test_one_person_under_two_spellings_is_one_person(one: str, other: str) -> None:
    assert foureyes.same(one, other)
    assert len(foureyes.people([one, other])) == 1


@pytest.mark.parametrize("one", SPELLINGS)
@pytest.mark.parametrize("other", OTHERS)
def test_two_people_are_two(one: str, other: str) -> None:
    assert not foureyes.same(one, other)
    assert len(foureyes.people([one, other])) == 2


def test_the_same_subject_of_two_issuers_is_two_people_unless_a_bare_name_may_be_either() -> None:
    two = ["https://a.example|ada", "https://b.example|ada"]
    assert len(foureyes.people(two)) == 2
    for order in permutations([*two, "ada"]):
        assert len(foureyes.people(order)) == 1


def test_a_token_s_identity_is_one_however_its_issuer_and_subject_are_spelt() -> None:
    issuers, subjects = ("https://id.example", "https://ID.example/"), ("ada", "Ada", "ADA")
    said = {Principal(sub, frozenset(), issuer=iss).identity for iss, sub in product(issuers, subjects)}
    assert said == {ADA}


@given(st.lists(names, min_size=1, max_size=5))
def test_counting_people_depends_on_no_order_and_never_counts_one_twice(found: list[str]) -> None:
    kept = foureyes.people(found)
    assert kept == foureyes.people(found[::-1])
    assert all(not foureyes.same(a, b) for a, b in permutations(kept, 2))
    assert all(foureyes.among(name, kept) for name in found)


ACTS: list[tuple[str, dict[str, Any], bool]] = [
    ("answered", {"answer": "close", "on_behalf": True}, True),
    ("answered", {"answer": "fix", "on_behalf": True}, True),
    ("answered", {"answer": "close"}, True),
    ("answered", {"answer": "keep", "on_behalf": True}, False),
    ("resumed", {"reason": "r"}, True),
    ("released", {"reason": "r"}, True),
    ("held", {"reason": "r"}, False),
    ("cancelled", {"reason": "r"}, False),
    ("restore_asked", {"reason": "r"}, False),
]


@pytest.mark.parametrize(("kind", "data", "towards"), ACTS, ids=str)
def test_who_moves_a_case_towards_its_stop_has_a_hand_in_it(kind: str, data: dict[str, Any], towards: bool) -> None:
    log = [chain.link([], at=NOON, actor=ADA, kind=kind, data=data)]
    assert foureyes.hands(log) == ([ADA] if towards else [])
    parts = {foureyes.BY_HAND: foureyes.hands(log)}
    assert foureyes.conflict("ada", parts) == (foureyes.BY_HAND if towards else None)
    assert foureyes.conflict("https://id.example|bo", parts) is None


@pytest.mark.parametrize("actor", ["jianfu", "unit:5b1c"])
def test_the_machine_and_a_unit_by_its_receipt_are_no_people(actor: str) -> None:
    log = [chain.link([], at=NOON, actor=actor, kind="answered", data={"answer": "close"})]
    assert foureyes.hands(log) == []


@pytest.mark.parametrize("name", SPELLINGS)
def test_who_signed_may_not_move_the_case_under_any_spelling(name: str) -> None:
    with pytest.raises(MayNotSign):
        foureyes.require_other(name, ["https://id.example|bo", ADA])
    foureyes.require_other(name, ["https://id.example|bo"])


@pytest.mark.parametrize("more", [frozenset(), *({role} for role in sorted(ROLES))], ids=str)
def test_a_token_with_both_roles_is_neither(more: set[str]) -> None:
    with pytest.raises(TwoRoles):
        foureyes.require_apart(frozenset({"operator", "approver"} | more))
    for one in ("operator", "approver"):
        if not more & {"operator", "approver"}:
            foureyes.require_apart(frozenset({one} | more))
