"""Sketches of distinct users: storing, uniting, and reading untrusted ones. Pure.

The library trusts what it deserialises: one altered byte can end the process. So a stranger's sketch is read here and
written anew, and only that is given to the library. The format is that of Apache DataSketches HLL, serial version 1,
type HLL_8: a preamble of 8 bytes, then coupons (few users) or one register of 6 bits per slot (many), little-endian.
"""

import base64
import binascii
import math
import struct
from collections import Counter
from typing import Any

import datasketches

from libs.common.errors import Invalid
from libs.common.text import Text

LG_K = 11  # 2,048 slots: 1.1 % of error above some 200 users, exact below
HLL = datasketches.tgt_hll_type.HLL_4
MOST = (1 << 31) - 1  # the maximum of the database column
_FORM = "base64 of an Apache DataSketches HLL sketch of type HLL_8, serialised compactly, lg_config_k 11 to 21"
_VERSION, _FAMILY, _COMPACT, _OUT_OF_ORDER = 1, 7, 8, 16
_LIST, _SET, _DENSE = 0, 1, 2  # the two low bits of the mode; the next two are the type
_TYPES = ("HLL_4", "HLL_6", "HLL_8", "none that is known")
_HLL_8 = 2 << 2
_HEADER = struct.Struct("<8B")


def new() -> Any:
    """An empty sketch of our kind."""
    return datasketches.hll_sketch(LG_K, HLL)


def read(text: str) -> Any:
    """A stranger's sketch as one of our kind: a finer one is made coarser.

    Raises Invalid when it is none, or so coarse that all it is united with would become so for good.
    """
    try:
        raw = base64.b64decode(text, validate=True)
        lg, mode = raw[3], raw[7]
    except (binascii.Error, ValueError, IndexError):
        raise _unfit() from None
    if raw[1:3] != bytes((_VERSION, _FAMILY)) or not LG_K <= lg <= 21:
        raise _unfit()
    if (stated := _TYPES[mode >> 2 & 3]) != "HLL_8":  # while it has few users its bytes would be the same
        raise _unfit(zh=f"草图的类型是 {stated}", en=f"its type is {stated}")
    sound = _dense(raw, lg) if mode & 3 == _DENSE else _sparse(raw, lg)
    return new() if sound is None else merge(new(), datasketches.hll_sketch.deserialize(sound))


def _sparse(raw: bytes, lg: int) -> bytes | None:
    """The image with a list or set of coupons, a slot of 26 bits and a value of 6 in each; None when it is empty."""
    mode = raw[7] & 3
    begin, stated = (8, raw[6]) if mode == _LIST else (12, int.from_bytes(raw[8:12], "little"))
    if mode not in (_LIST, _SET) or len(raw) != begin + 4 * stated:
        raise _unfit()
    coupons = sorted(set(struct.unpack(f"<{stated}I", raw[begin:])))
    if any(coupon >> 26 == 0 for coupon in coupons) or 4 * len(coupons) > 3 << (lg - 3):
        raise _unfit()
    if not coupons:
        return None
    body = struct.pack(f"<{len(coupons)}I", *coupons)
    if len(coupons) < 8:
        return _HEADER.pack(2, _VERSION, _FAMILY, lg, 3, _COMPACT, len(coupons), _HLL_8 | _LIST) + body
    size = next(size for size in range(5, lg - 2) if 4 * len(coupons) <= 3 << size)
    head = _HEADER.pack(3, _VERSION, _FAMILY, lg, size, _COMPACT, 0, _HLL_8 | _SET)
    return head + struct.pack("<I", len(coupons)) + body


def _dense(raw: bytes, lg: int) -> bytes:
    """The image with all registers; its sums are computed anew, its estimate by arrival is not believed."""
    registers = raw[40:]
    counts = Counter(registers)
    if raw[7] != _HLL_8 | _DENSE or len(registers) != 1 << lg or max(counts) > 63:
        raise _unfit()
    small = math.fsum(count * 2.0**-value for value, count in counts.items() if value < 32)
    large = math.fsum(count * 2.0**-value for value, count in counts.items() if value >= 32)
    head = _HEADER.pack(10, _VERSION, _FAMILY, lg, 0, _COMPACT | _OUT_OF_ORDER, 0, raw[7])
    return head + struct.pack("<dddII", 0.0, small, large, counts[0], 0) + registers


def merge(one: Any, other: Any) -> Any:
    """The union of two sketches, either of which may be None."""
    if one is None or other is None:
        return one if other is None else other
    union = datasketches.hll_union(LG_K)
    union.update(one)
    union.update(other)
    return union.get_result(HLL)


def stored(sketch: Any) -> bytes:
    """A sketch as bytes, 12 for one user and some 1,100 at most."""
    return bytes(sketch.serialize_compact())


def restored(sketch: bytes) -> Any:
    """A sketch that we have stored."""
    return datasketches.hll_sketch.deserialize(sketch)


def estimate(sketch: Any) -> int:
    """How many distinct users; more than the column can hold counts as the most it can hold."""
    users = float(sketch.get_estimate())
    return min(round(users), MOST) if math.isfinite(users) else MOST


def _unfit(*, zh: str = "不是这样的草图", en: str = "not a sketch of this kind") -> Invalid:
    return Invalid(field="sketch", accepted=_FORM, why=Text(zh, en))
