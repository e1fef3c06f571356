"""Units' keys: what proves that the unit's own system holds one, from when it counts, and how it is named. Pure.

A key is in force from the later of two moments: the system at the address has signed a challenge with it, and a second
person has confirmed it. It proves a notice `key_age_days` after that: so nobody sets a key and signs with it before
the unit could have heard of it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common import days
from libs.common.errors import DomainError
from libs.common.security import signing
from libs.common.text import Text
from services.decommission.cases import foureyes
from services.decommission.reasons import Reasoned

YOUNG = "the unit's key has not been in force for long enough"
NOT_IN_FORCE = "no key of the unit is in force yet"


class BadProof(Reasoned):
    """What came is no proof that the unit's system holds the key."""

    code = "bad_proof"
    kind = "invalid"
    says = Text("密钥持有证明无效:{why}", "It does not prove that the key is held: {why}")


class SetItHimself(DomainError):
    """Who set a key does not confirm it."""

    code = "set_it_himself"
    kind = "refused"
    says = Text("密钥由 {who} 提交,须由另一人确认。", "{who} has set this key; another person must confirm it.")


class HoldsTheKey(DomainError):
    """Who set or confirmed the key that a notice rests on does not sign the plan."""

    code = "holds_the_key"
    kind = "refused"
    says = Text(
        "{who} 提交或确认过本方案所依据的单位密钥 {thumbprint},不能签署本方案。",
        "{who} has set or confirmed the unit's key {thumbprint}, on which this plan rests, and may not sign it.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitKey:
    """An address and key of a unit, one of its history; `in_force_from` is None while it is only proposed."""

    unit_id: UUID
    ordinal: int
    url: str
    public_key: dict[str, Any]
    thumbprint: str
    set_by: str
    set_at: datetime
    proved_at: datetime | None
    confirmed_by: str | None
    confirmed_at: datetime | None
    in_force_from: datetime | None
    retired_at: datetime | None

    def proves_from(self, age: int, zone: ZoneInfo) -> datetime | None:
        """From when a receipt by it proves a notice, `age` days after it came into force; None before that."""
        if self.in_force_from is None or not age:
            return self.in_force_from
        return days.after(self.in_force_from, age, zone)

    def named(self) -> dict[str, Any]:
        """As log, plan, announcement and case file name it: which key, and who answers for it."""
        return {
            "thumbprint": self.thumbprint,
            "set_by": self.set_by,
            "set_at": self.set_at.isoformat(),
            "proved_at": _told(self.proved_at),
            "confirmed_by": self.confirmed_by,
            "confirmed_at": _told(self.confirmed_at),
            "in_force_from": _told(self.in_force_from),
        }


def _told(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def thumbprint(public_key: Mapping[str, Any]) -> str:
    """RFC 7638, as SHA-256 in hexadecimal."""
    return signing.sha256(signing.canonical({name: public_key.get(name) for name in ("crv", "kty", "x")}))


def age_days(named: Mapping[str, Any], day: date, zone: ZoneInfo) -> int:
    """For how many days a key, as it is named, has been in force on a day."""
    since = datetime.fromisoformat(str(named["in_force_from"]))
    return days.between(days.of(since, zone), day)


def challenge(service_key: dict[str, Any], key: UnitKey) -> bytes:
    """What the unit's system has to sign. Its nonce comes of the service's own signature: nobody else can foretell it,
    and after a crash the same challenge is sent again."""
    what = {
        "type": "challenge",
        "unit_id": str(key.unit_id),
        "ordinal": key.ordinal,
        "url": key.url,
        "thumbprint": key.thumbprint,
    }
    nonce = signing.sha256(signing.sign(service_key, what).encode())
    return signing.canonical(what | {"nonce": nonce})


def read_proof(token: str, key: UnitKey, sent: bytes) -> None:
    """Raise BadProof unless the key has signed the hash of this very challenge."""
    try:
        claims = signing.verify(key.public_key, token)
    except (signing.BadSignature, RecursionError):
        raise BadProof(field="proof", why="it is not signed with the unit's key") from None
    wanted = signing.sha256(sent)
    if claims.get("challenge_sha256") != wanted:
        raise BadProof(field="challenge_sha256", accepted="the SHA-256 of the challenge", why="it is for another one")


def changed(before: UnitKey, after: UnitKey) -> bytes:
    """What the address before is told when another key is in force; it may be that of a unit above."""
    own = before.unit_id == after.unit_id
    zh = "贵单位的通知地址或回执密钥已更换" if own else f"下级单位 {after.unit_id} 已启用自己的通知地址和回执密钥"
    en = "Where your notices go, or the key of your receipts, was changed"
    if not own:
        en = f"Notices to the unit {after.unit_id} below yours no longer go to you but to an address of its own"
    return signing.canonical(
        {
            "type": "key-changed",
            "unit_id": str(after.unit_id),
            "before": {"url": before.url, "thumbprint": before.thumbprint},
            "after": {"url": after.url} | after.named(),
            "text": {
                "zh": f"{zh}。如非{'贵' if own else '该'}单位所为,请立即与运行方联系。",
                "en": f"{en}. If it was not {'you' if own else 'that unit'}, object now.",
            },
        }
    )


def may_sign(content: str, identity: str, name: str) -> None:
    """Raise HoldsTheKey where who signs a plan has set or confirmed a key that one of its notices rests on."""
    for member in json.loads(content)["members"]:
        named = member.get("notice_key") or {}
        holders = (named.get("set_by"), named.get("confirmed_by"))
        if foureyes.among(identity, (holder for holder in holders if holder)):
            raise HoldsTheKey(who=name, thumbprint=named["thumbprint"])
