"""Checkpoints and chains on paper: what is signed is read back, and each alteration is found out."""

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.security import signing, tokens
from services.decommission.cases import chain
from services.decommission.heads import domain as head_domain
from services.decommission.heads.domain import BadCheckpoint, Head, Notary

DAY = date(2025, 6, 2)
NOON = datetime(2025, 6, 2, 4, tzinfo=UTC)
KEY, OLD, FOREIGN = (tokens.new_key(kid) for kid in ("now", "before", "foreign"))
KEYS = (tokens.public_key(KEY), tokens.public_key(OLD))
FOUND = {UUID(int=n): Head(entries=n, last=f"{n:064x}") for n in (7, 3, 5)}
TEXT = head_domain.text(DAY, head_domain.FIRST, FOUND)


def test_a_checkpoint_is_canonical_and_says_what_it_was_given() -> None:
    told = json.loads(TEXT)
    assert signing.canonical(told).decode() == TEXT
    assert set(told) == {"format", "day", "previous", "cases"}
    assert (told["format"], told["day"], told["previous"]) == ("jianfu-checkpoint/1", "2025-06-02", "0" * 64)
    assert [case["case_id"] for case in told["cases"]] == sorted(str(case_id) for case_id in FOUND)
    assert all(set(case) == {"case_id", "entries", "last"} for case in told["cases"])


@pytest.mark.parametrize("key", [KEY, OLD], ids=["now", "before"])
def test_what_a_key_of_the_service_signed_is_read(key: dict[str, Any]) -> None:
    found = head_domain.read(DAY, TEXT, head_domain.sign(key, DAY, TEXT), KEYS)
    assert found.heads == {str(case_id): head for case_id, head in FOUND.items()}
    assert (found.day, found.previous, found.sha256) == (DAY, head_domain.FIRST, head_domain.digest(TEXT))


@pytest.mark.parametrize(
    ("day", "content", "signature"),
    [
        (DAY, TEXT.replace('"entries":5', '"entries":4'), head_domain.sign(KEY, DAY, TEXT)),
        (DAY, TEXT + " ", head_domain.sign(KEY, DAY, TEXT)),
        (date(2025, 6, 3), TEXT, head_domain.sign(KEY, DAY, TEXT)),
        (DAY, TEXT, head_domain.sign(FOREIGN, DAY, TEXT)),
        (DAY, TEXT, ""),
        (DAY, TEXT, signing.sign(KEY, {"day": "2025-06-02", "sha256": head_domain.digest(TEXT)})),
        (DAY, TEXT, signing.sign(KEY, json.loads(TEXT))),
    ],
    ids=["entry", "blank", "day", "foreign key", "none", "no format", "another thing"],
)
def test_what_was_not_signed_is_refused(day: date, content: str, signature: str) -> None:
    with pytest.raises(BadCheckpoint):
        head_domain.read(day, content, signature, KEYS)


def test_a_notary_remembers_what_it_verified_and_nothing_else() -> None:
    notary, signature = Notary(KEYS), head_domain.sign(KEY, DAY, TEXT)
    assert notary.known(DAY, head_domain.digest(TEXT), signature) is None
    found = notary.read(DAY, TEXT, signature)
    assert notary.known(DAY, head_domain.digest(TEXT), signature) is found
    assert notary.known(DAY, head_domain.digest(TEXT + " "), signature) is None
    assert notary.known(DAY, head_domain.digest(TEXT), "x") is None
    for number in range(head_domain.KEPT + 5):
        day = date.fromordinal(DAY.toordinal() + 1 + number)
        content = head_domain.text(day, head_domain.FIRST, {})
        notary.read(day, content, head_domain.sign(KEY, day, content))
    assert notary.known(DAY, head_domain.digest(TEXT), signature) is None, "the oldest goes first"


def log_of(*kinds: str) -> list[chain.Entry]:
    log: list[chain.Entry] = []
    for kind in kinds:
        log.append(chain.link(log, at=NOON, actor="jianfu", kind=kind, data={"of": kind}))
    return log


def test_a_log_that_grew_extends_its_head_and_a_rewritten_one_does_not() -> None:
    log, other = log_of("opened", "noticed", "answered"), log_of("opened", "noticed", "cancelled")
    for length in (1, 2, 3):
        assert chain.extends(log, *chain.head(log[:length]))
    assert chain.extends(other, *chain.head(log[:2]))
    assert not chain.extends(other, *chain.head(log))
    assert not chain.extends(log[:2], *chain.head(log))
    assert not chain.extends(log, *chain.head([]))


def test_each_way_of_altering_a_log_is_a_fault() -> None:
    log = log_of("opened", "noticed", "answered", "planned")
    assert chain.problem(log, 4) is None
    assert chain.problem([], 0) is None
    assert chain.problem(log, 5)
    assert chain.problem(log[:3], 4)
    assert chain.problem([*log[:1], *log[2:]], 3)
    assert chain.problem([log[1], log[0], *log[2:]], 4)
    for position, entry in enumerate(log):
        changes: list[dict[str, Any]] = [
            {"actor": "x"},
            {"kind": "x"},
            {"data": {}},
            {"sha256": "0" * 64},
            {"previous": "1" * 64},
        ]
        for change in changes:
            fields = {name: getattr(entry, name) for name in entry.__slots__} | change
            assert chain.problem([*log[:position], chain.Entry(**fields), *log[position + 1 :]], 4), (position, change)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(values)
def test_what_is_stored_is_written_without_an_exponent_and_stays_as_it_is(value: Any) -> None:
    once = chain.stored(value)
    assert chain.stored(once) == once
    assert once == (list(value) if isinstance(value, tuple) else value)
    assert "e+" not in signing.canonical(once).decode().replace('e+"', "")
