"""Sketches of strangers: read exactly, or refused; whatever their bytes say, the process lives on."""

import base64
import struct
from typing import Any

import datasketches
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import Invalid
from services.monitor.usage import sketches

HLL_8, HLL_4 = datasketches.tgt_hll_type.HLL_8, datasketches.tgt_hll_type.HLL_4


def sketch_of(users: int, lg: int = 11, kind: Any = HLL_8) -> Any:
    sketch = datasketches.hll_sketch(lg, kind)
    for n in range(users):
        sketch.update(f"u{n}")
    return sketch


def image_of(users: int, lg: int = 11, kind: Any = HLL_8) -> bytes:
    return bytes(sketch_of(users, lg, kind).serialize_compact())


def sent(image: bytes) -> str:
    return base64.b64encode(image).decode()


@pytest.mark.parametrize("users", [0, 1, 7, 8, 20, 24, 25, 191, 192])
def test_few_users_are_exact(users: int) -> None:
    """A list or a set of coupons."""
    read = sketches.read(sent(image_of(users)))
    assert sketches.estimate(read) == users
    both = sketches.merge(read, sketch_of(users + 1))
    assert abs(sketches.estimate(both) - users - 1) <= (users + 1) * 0.05
    assert sketches.estimate(sketches.restored(sketches.stored(read))) == users


@pytest.mark.parametrize(
    ("users", "lg"), [(193, 11), (5_000, 11), (1_000_000, 11), (100, 12), (100_000, 16), (9_000, 20)]
)
def test_many_users_are_as_exact_as_the_sketch_and_are_kept_at_our_size(users: int, lg: int) -> None:
    read = sketches.read(sent(image_of(users, lg)))
    assert abs(sketches.estimate(read) - users) <= users * 0.08
    assert len(sketches.stored(read)) <= 1200
    ours = sketches.new()
    for n in range(users // 2, users + users // 2):
        ours.update(f"u{n}")
    assert abs(sketches.estimate(sketches.merge(ours, read)) - users * 1.5) <= users * 0.12


@pytest.mark.parametrize("compact", [True, False])
@pytest.mark.parametrize("users", [0, 1, 3, 7, 8, 50, 191, 192, 193, 1_000, 5_000, 200_000])
@pytest.mark.parametrize("lg", [11, 12, 14, 21])
@pytest.mark.parametrize("kind", ["HLL_4", "HLL_6"])
def test_another_type_is_refused_at_every_size(kind: str, lg: int, users: int, compact: bool) -> None:
    """An agent that sends one works neither in its test nor when its site is used."""
    sketch = sketch_of(users, lg, getattr(datasketches.tgt_hll_type, kind))
    image = sketch.serialize_compact() if compact else sketch.serialize_updatable()
    with pytest.raises(Invalid, match=f"its type is {kind}") as refused:
        sketches.read(sent(bytes(image)))
    assert refused.value.field == "sketch"
    assert "HLL_8" in (refused.value.accepted or "")


def test_what_an_estimate_by_arrival_says_is_not_believed() -> None:
    """A stranger may write any number there, or none."""
    image = bytearray(image_of(5_000))
    for number in (float("nan"), float("inf"), 1e300, -5.0):
        image[8:16] = struct.pack("<d", number)
        assert abs(sketches.estimate(sketches.read(sent(bytes(image)))) - 5_000) < 400


def test_the_largest_of_all_is_kept_as_the_largest_number() -> None:
    image = bytes(image_of(5_000))[:40] + b"\x3f" * 2048
    assert sketches.estimate(sketches.read(sent(image))) == sketches.MOST


@pytest.mark.parametrize(
    "image",
    [
        b"",
        b"\0" * 7,
        b"no sketch at all",
        image_of(9, 10),
        image_of(900, kind=HLL_4),
        image_of(900)[:-1],
        image_of(900) + b"\0",
        image_of(9)[:-4],
        image_of(900)[:40] + b"\x40" * 2048,
        image_of(3)[:8] + b"\0" * 12,
        bytes([3, 1, 7, 11, 8, 8, 0, 9]) + struct.pack("<194I", 193, *(1 << 26 | n for n in range(193))),
    ],
    ids=lambda image: f"{len(image)} bytes",
)
def test_another_kind_of_sketch_is_refused_by_name(image: bytes) -> None:
    """A coarser one would make all that it is united with as coarse; HLL_4 trusts tables that cannot be checked."""
    with pytest.raises(Invalid) as refused:
        sketches.read(sent(image))
    assert refused.value.field == "sketch"


@given(
    users=st.sampled_from([0, 3, 8, 60, 192, 193, 4000]),
    kind=st.sampled_from([HLL_4, HLL_8]),
    changes=st.lists(st.tuples(st.integers(0, 2200), st.integers(0, 255)), max_size=12),
    cut=st.one_of(st.none(), st.integers(0, 2200)),
)
def test_no_bytes_of_a_stranger_do_more_than_count_wrong(
    users: int, kind: Any, changes: list[tuple[int, int]], cut: int | None
) -> None:
    image = bytearray(image_of(users, kind=kind))[:cut]
    for at, value in changes:
        if at < len(image):
            image[at] = value
    try:
        read = sketches.read(sent(bytes(image)))
    except Invalid:
        return
    both = sketches.merge(sketches.restored(sketches.stored(read)), sketch_of(50))
    assert 0 <= sketches.estimate(both) <= sketches.MOST
