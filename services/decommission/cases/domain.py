"""What a case is made of: windows, limits, answers, notices, receipts and the gates they open. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from libs.common import days, exact
from libs.common.errors import DomainError
from libs.common.events import ids
from libs.common.security import signing
from libs.common.text import Text
from services.decommission.refusals import WORDS, Reasoned

AnswerKind = Literal["keep", "fix", "close"]
MOST_LIVES = 100  # of one account: each reopening is another; an id of a later one is not recognised


class IllegalEntry(DomainError):
    """A case in this state cannot take this entry."""

    code = "illegal_transition"
    kind = "conflict"
    zh = "个案处于 {state} 状态,不允许 {entry}。"
    en = "The case is {state}; {entry} is not possible there."
    words: ClassVar[Mapping[str, str]] = WORDS


class BadReceipt(Reasoned):
    """A receipt is no proof: wrong key, wrong notice or wrong asset."""

    code = "bad_receipt"
    kind = "invalid"
    zh = "回执无效:{why}"
    en = "The receipt proves nothing: {why}"


class InvalidAnswer(BadReceipt):
    """What a unit answers is no answer; in a receipt, it proves nothing either."""

    code = "invalid_answer"
    zh = "答复无效:{why}"
    en = "The answer is not valid: {why}"


class PlanAltered(Reasoned):
    """What is about to be done is not what was sealed."""

    code = "plan_altered"
    kind = "conflict"
    zh = "方案内容与签署的哈希不符:{why}"
    en = "The plan is not what was sealed: {why}"


class MandateEnded(DomainError):
    """A standing approval is signed while it lasts."""

    code = "mandate_ended"
    kind = "conflict"
    zh = "授权已于 {until} 到期,不能再签署。"
    en = "The standing approval ended on {until}: nobody can sign it any more."


class SameApprover(DomainError):
    """Four eyes are two people."""

    code = "same_approver"
    kind = "refused"
    zh = "{who} 是提出人,需由另外两人批准。"
    en = "{who} proposed this; two other people must approve it."


class LimitsInvalid(DomainError):
    """A limit that is unknown or beyond its ceiling."""

    code = "limits_invalid"
    kind = "invalid"
    zh = "限额无效:{why}"
    en = "The limits are not valid: {why}"


@dataclass(frozen=True, slots=True)
class Windows:
    """How long each waiting lasts, in days of the calendar; pinned to a case when it opens.

    Basis: rules.md §3.3 and §9. The 30 days of public notice come from the website rule W-02 by analogy
    (ASSUMED for accounts); the others are local settings.

    `reopen_days`: for how long a keep that names no day, a cancellation or a restore excuses an asset from findings
    that stay true; then they open its next case. Two years: an election or a campaign comes round within them, and a
    year would ask units again about what they have just answered for.

    `min_answer_days`: what a unit is left to answer in, even after an answer that agrees. `key_age_days`: for how long
    a unit's key has to be in force before a receipt by it proves a notice; none of the two can be switched off.
    """

    answer_days: int = 15
    announce_days: int = 30
    verify_days: int = 3
    restore_days: int = 15
    notice_retry_days: int = 3
    notice_attempts: int = 3
    reopen_days: int = 730
    min_answer_days: int = 3
    key_age_days: int = 7

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if type(value) is not int or not 1 <= value <= 3650:
                raise ValueError(f"{name}: {value!r}; expected whole days from 1 to 3650")

    def days(self, window: str | None) -> int:
        """The days of a window by its name.

        Raises:
            LookupError: no window is called so.
        """
        if window not in self.__dataclass_fields__:
            raise LookupError(f"{window!r} is no window; expected one of {', '.join(self.__dataclass_fields__)}")
        return int(getattr(self, window))


YOUNGER = ("min_answer_days", "key_age_days")
CALENDAR = "calendar"  # how a case counts its days, as its first entry says; where it does not, 24 hours each were kept


def pinned(given: dict[str, int]) -> Windows:
    """The windows that a case was opened with. What did not exist then is not kept for it: none, which 0 says."""
    windows = Windows(**{name: days for name, days in given.items() if days or name not in YOUNGER})
    for name in YOUNGER:
        if not given.get(name):
            object.__setattr__(windows, name, 0)
    return windows


CEILING = 1000
KINDS = ("account", "app", "group")


@dataclass(frozen=True, slots=True)
class Kinds:
    """One number for each kind of asset."""

    account: int = 100
    app: int = 100
    group: int = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """How many assets may be stopped. Always in force: no value means "unlimited", and 0 means that nothing closes."""

    per_unit_per_day: int = 10
    per_day: int = 100
    per_plan: int = 100
    per_kind_per_day: Kinds = Kinds()

    def __post_init__(self) -> None:
        numbers = {name: value for name, value in asdict(self).items() if name != "per_kind_per_day"}
        kinds = {f"per_kind_per_day.{kind}": value for kind, value in asdict(self.per_kind_per_day).items()}
        for name, value in (numbers | kinds).items():
            if type(value) is not int or not 0 <= value <= CEILING:
                raise LimitsInvalid(
                    field=name, accepted=f"0 to {CEILING}", why=(f"{name} 为 {value!r}", f"{name} is {value!r}")
                )

    def of_kind(self, kind: str) -> int:
        """Of one kind in a day; a kind nobody has heard of has no place at all."""
        return int(getattr(self.per_kind_per_day, kind)) if kind in KINDS else 0


def read_limits(given: Any) -> Limits:
    """Limits from settings; a missing one keeps its default. Raises LimitsInvalid on anything it does not know."""
    fields = _known("limits", given, asdict(Limits()))
    if "per_kind_per_day" in fields:
        fields["per_kind_per_day"] = Kinds(**_known("per_kind_per_day", fields["per_kind_per_day"], asdict(Kinds())))
    return Limits(**fields)


def _known(what: str, given: Any, names: dict[str, Any]) -> dict[str, Any]:
    accepted = ", ".join(names)
    if not isinstance(given, dict):
        raise LimitsInvalid(
            field=what, accepted=f"an object with {accepted}", why=(f"{what} 为 {given!r}", f"{what} is {given!r}")
        )
    if unknown := set(given) - set(names):
        name = min(map(str, unknown))
        raise LimitsInvalid(field=what, accepted=accepted, why=(f"没有 {name} 这一项", f"{name} is unknown"))
    return dict(given)


@dataclass(frozen=True, slots=True)
class Taken:
    """How many of a day's places are taken already: in all, of one unit, of one kind."""

    day: int = 0
    unit: int = 0
    kind: int = 0


def room(limits: Limits, taken: Taken, kind: str) -> bool:
    """Whether one more asset fits under every limit at once; there is no mode in which one suffices."""
    return taken.day < limits.per_day and taken.unit < limits.per_unit_per_day and taken.kind < limits.of_kind(kind)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a unit says to a notice; `until` bounds a fix, and is when an exemption given by keep ends."""

    answer: AnswerKind
    reason: str = ""
    until: date | None = None


def excused_until(answer_until: str | None, today: date, windows: Windows) -> date:
    """The last day on which what is true of an asset opens no case after an end that excuses it from that.

    `answer_until` is what the unit said to a keep. Nobody approves a keep, so it excuses for `reopen_days` at most.
    """
    longest = days.later(today, windows.reopen_days)
    return min(max(date.fromisoformat(answer_until), today), longest) if answer_until else longest


FIX_DAYS = 365  # a local setting: a promise further off is no answer to a notice, and would never be looked at


def read_answer(given: Any, *, today: date | None = None) -> Answer:
    """An answer from a receipt or a request; `today` bounds a fix. Raises InvalidAnswer naming what is wrong."""
    if not isinstance(given, dict):
        raise InvalidAnswer(field="answer", accepted="an object with answer, reason, until", why="answer is no object")
    kind = given.get("answer")
    if kind not in ("keep", "fix", "close"):
        raise InvalidAnswer(field="answer", accepted="keep, fix or close", why="it is none of the three answers")
    try:
        until = exact.day(given["until"]) if given.get("until") else None
    except (TypeError, ValueError):
        raise InvalidAnswer(field="until", accepted="an ISO date", why="until is no date") from None
    if kind == "fix" and until is None:
        raise InvalidAnswer(field="until", accepted="the date by which it is fixed", why="a fix needs a date")
    if kind == "fix" and until is not None and today is not None:
        last = days.later(today, FIX_DAYS)
        if not today <= until <= last:
            raise InvalidAnswer(field="until", accepted=f"{today} to {last}", why="the fix is too early or too late")
    try:
        return Answer(kind, _storable("reason", given.get("reason") or "", 1000), until)
    except BadReceipt as error:
        raise InvalidAnswer(field=error.field, accepted=error.accepted, **error.params) from None


def _storable(field: str, given: Any, most: int) -> str:
    """Text of a receipt as a log can hold it, cut to a length. Raises BadReceipt when it holds what no text may."""
    try:
        return Text(2 * most, least=0, lines=True).clean(str(given)[:most])[:most]
    except ValueError:
        raise BadReceipt(field=field, accepted="text without control characters", why="it cannot be stored") from None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A verified receipt: what the unit's key signed."""

    notice_sha256: str
    asset_id: str
    received_on: str
    answer: Answer | None


def read_receipt(
    token: str, public_key: dict[str, Any], *, notice_sha256: str, asset_id: UUID, sent_on: date, today: date
) -> Receipt:
    """Proof of notice: signed with the unit's key, naming this very notice and this very asset. Raises BadReceipt.

    `sent_on` is the day that the notice names as its own. It may leave out `received_on`; what it says there is a day
    from then to `today`, for a case file that says otherwise would not verify.
    """
    try:
        claims = signing.verify(public_key, token)
    except (signing.BadSignature, RecursionError):
        raise BadReceipt(field="receipt", why="it is not signed with the unit's key") from None
    if claims.get("notice_sha256") != notice_sha256:
        raise BadReceipt(field="notice_sha256", accepted=notice_sha256, why="it names another notice")
    if claims.get("asset_id") != str(asset_id):
        raise BadReceipt(field="asset_id", accepted=str(asset_id), why="it names another asset")
    given = claims.get("answer")
    answer = None if given is None else read_answer(given, today=today)
    return Receipt(notice_sha256, str(asset_id), _received(claims.get("received_on"), sent_on, today), answer)


def _received(given: Any, sent_on: date, today: date) -> str:
    """The day that a receipt names as that of its notice's coming in; empty where it names none. Raises BadReceipt."""
    if given is None or given == "":
        return ""
    try:
        fits = sent_on <= exact.day(given) <= today
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise BadReceipt(
            field="received_on", accepted=f"a day from {sent_on} to {today}", why="it was received on no such day"
        )
    return str(given)


@dataclass(frozen=True, slots=True)
class Case:
    """The row of a case. `state` and `due_at` are what the log amounts to, kept for finding work."""

    case_id: UUID
    asset_id: UUID
    ordinal: int
    finding_id: UUID
    rule: str
    state: str
    version: int
    due_at: datetime | None
    opened_at: datetime
    windows: Windows


@dataclass(frozen=True, slots=True)
class Subject:
    """The asset as this service knows it, from the registry's events."""

    asset_id: UUID
    version: int
    kind: str
    platform: str
    identity: str
    address: str
    name: str
    sponsor_id: UUID
    record: str
    running: str

    @property
    def is_itself(self) -> bool:
        """Whether kind, platform and identity are those that the asset's id is made of, in one of its lives."""
        lives = range(1, MOST_LIVES + 1)
        return any(ids.asset_id(self.kind, self.platform, self.identity, n) == self.asset_id for n in lives)


def notice_text(
    case: Case, subject: Subject, *, basis: str, today: date, answer_by: date, stop_from: date, answered_from: date,
    receipt_key: str | None,
) -> bytes:  # fmt: skip
    """The notice as it is sent: canonical JSON, so that its hash is the same wherever it is computed.

    The unit may answer until the end of `answer_by`. Nothing stops before `stop_from`, nor, once the unit has answered
    close or fix itself, before `answered_from`; days are those of the deployment's zone.
    `receipt_key` is the thumbprint of the key that its receipt must be signed with: another key's notice is another.
    """
    return signing.canonical(
        {
            "type": "notice",
            "notice_id": str(case.case_id),
            "case_id": str(case.case_id),
            "asset_id": str(case.asset_id),
            "kind": subject.kind,
            "platform": subject.platform,
            "identity": subject.identity,
            "address": subject.address,
            "name": subject.name,
            "rule": case.rule,
            "basis": basis,
            "reason": {
                "zh": f"监测规则 {case.rule} 命中,拟予关停。请于 {answer_by} 当日结束前回复:保留、整改或同意关停。"
                f"{stop_from} 之前不会停用;贵单位答复同意关停或整改的,{answered_from} 之前不会停用。",
                "en": f"Rule {case.rule} is met and closure is proposed. Answer keep, fix or close by the end of "
                f"{answer_by}. Nothing is stopped before {stop_from}; where you answer close or fix, not before "
                f"{answered_from}.",
            },
            "sent_on": today.isoformat(),
            "answer_by": answer_by.isoformat(),
            "stop_not_before": stop_from.isoformat(),
            "answered_stop_not_before": answered_from.isoformat(),
            "answers": ["keep", "fix", "close"],
            "receipt_key": receipt_key,
        }
    )


def sent_on(body: str | bytes) -> date:
    """The day that a notice's text names as the one on which it was sent."""
    return date.fromisoformat(json.loads(body)["sent_on"])


def probe_result(status: int | None) -> Literal["gone", "alive", "unclear"]:
    """What a probe of the public page says: only 404 and 410 are gone, only 2xx is alive."""
    if status in (404, 410):
        return "gone"
    return "alive" if status is not None and 200 <= status < 300 else "unclear"
