"""What came of a call to the outside. Pure.

Refused is certain: the call never arrived, or a 4xx says no. A redirect, a 5xx or a lost answer says nothing.
"""

from dataclasses import dataclass

# Answers by which a target may as well mean that it is done, being done or done elsewhere: 408 Request Timeout,
# 409 Conflict ("it is stopped already") and 425 Too Early. A 429 is a clear no: it was not even looked at.
NO_REFUSAL = frozenset({408, 409, 425})


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The target says yes, with the body of its answer."""

    status: int
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The target has certainly not acted; `status` is None where the call never arrived.

    `gave_way`: it was broken off for an urgent order.
    """

    why: str
    status: int | None = None
    gave_way: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """The target may have acted or not; `status` is None where no answer came.

    `gave_way`: it was broken off for an urgent order.
    """

    why: str
    status: int | None = None
    gave_way: bool = False


Outcome = Accepted | Refused | Unanswered


def of_status(status: int, body: bytes = b"") -> Outcome:
    """What a status of HTTP amounts to."""
    if 200 <= status < 300:
        return Accepted(status=status, body=body)
    if 400 <= status < 500 and status not in NO_REFUSAL:
        return Refused(why=f"HTTP {status}", status=status)
    return Unanswered(why=f"HTTP {status}", status=status)


def of_failure(why: str, *, arrived: bool, gave_way: bool = False) -> Outcome:
    """What a call without an answer amounts to; `arrived`: the other side may have seen it."""
    return Unanswered(why=why, gave_way=gave_way) if arrived else Refused(why=why, gave_way=gave_way)
