"""Four eyes are two people: who somebody is, and who may not sign for what he has had a hand in. Pure.

An identity is `issuer|subject` in small letters. Rows from before hold the subject alone: such a name is taken to be
anybody's who has that subject, since one signature too few is asked for again and one too many stops an asset.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from libs.common.errors import Forbidden
from libs.common.security.visible import visible
from libs.common.text import Text
from services.decommission.cases.chain import Entry
from services.decommission.reasons import Reasoned

SET_CONNECTOR = "who set how its platform is stopped may not sign its plan"
HOLDS_KEY = "who set or confirmed the unit's key may not sign its plan"
BY_HAND = "who moved the case by hand may not sign its plan"
SIGNED = "who signed the plan of a case may not move it towards its stop"
# What moves a case towards its stop when a person does it. A hold, a cancellation and a restore only make it safer.
TOWARDS = frozenset({"answered", "released", "resumed"})


def folded(name: str) -> str:
    """A name in the form in which names are compared."""
    return " ".join(unicodedata.normalize("NFKC", visible(name)).casefold().split())


def same(one: str, other: str) -> bool:
    """Whether two names may be one person's."""
    a, b = folded(one), folded(other)
    return a == b or a.endswith(f"|{b}") or b.endswith(f"|{a}")


def among(name: str, names: Iterable[str]) -> bool:
    """Whether somebody may be one of these."""
    return any(same(name, other) for other in names)


def people(names: Iterable[str]) -> list[str]:
    """One name for each person: of names that may be one person's the shortest."""
    found: list[str] = []
    for name in sorted(set(names), key=lambda name: (len(name), name)):
        if not among(name, found):
            found.append(name)
    return found


def hands(log: Sequence[Entry]) -> list[str]:
    """Who moved a case towards its stop by hand: answered close or fix for its unit, released a hold, or resumed it."""
    moved = (entry for entry in log if entry.kind in TOWARDS and entry.data.get("answer") != "keep")
    return list(dict.fromkeys(entry.actor for entry in moved if _person(entry.actor)))


def _person(actor: str) -> bool:
    return actor != "jianfu" and not actor.startswith("unit:")


def conflict(signer: str, acted: Mapping[str, Iterable[str]]) -> str | None:
    """Why somebody may not sign a plan for one of its members, or None.

    `acted` says what people have had a hand in: the reason in English, as the catalogue of refusals has it, and who
    did it. It covers who moved the case by hand; whoever has another part in a case that excludes signing for it is
    one more line of `plans.store.acted`.
    """
    return next((why for why, who in acted.items() if among(signer, who)), None)


def require_apart(roles: frozenset[str]) -> None:
    """Who signs, or moves a case towards its stop, does the one or the other. Raises TwoRoles for one who may both."""
    if {"operator", "approver"} <= roles:
        raise TwoRoles


def require_other(actor: str, signers: Iterable[str]) -> None:
    """Who signed a case's plan does not move it towards its stop. Raises MayNotSign."""
    if among(actor, signers):
        raise MayNotSign(who=actor, why=SIGNED)


class MayNotSign(Reasoned):
    """Who has had another part in a case is not one of the eyes that judge it."""

    code = "four_eyes"
    kind = "conflict"
    says = Text("{who} 不能这样做:{why}", "{who} may not do this: {why}")


class TwoRoles(Forbidden):
    """One token is either an operator's or an approver's where a case is moved towards its stop."""

    says = Text(
        "没有权限:同时带有 operator 与 approver 角色的令牌不得签署,也不得推动个案走向停用。",
        "Not allowed: a token with the roles operator and approver neither signs nor moves a case towards its stop.",
    )


def involved(acted: Mapping[str, Iterable[str]], signed: Iterable[str]) -> str | None:
    """Why somebody who signed for a case may not have, or None: he may have acted after he signed."""
    return next((why for name in signed if (why := conflict(name, acted)) is not None), None)
