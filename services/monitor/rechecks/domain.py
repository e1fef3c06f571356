"""Which answer a recheck gives: confirmed, refuted, or inconclusive and why. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from libs.common.events.monitor import SignalRead
from services.monitor.signals.catalogue import speaks_of_silence
from services.monitor.verdicts.evaluation import Evaluation

NO_FINDING = "没有这一发现 / there is no such finding"
NOT_WATCHED = "该对象已不在监测之列 / the asset is no longer watched"
ONE_VOICE = (
    "静默只凭同一代理的申报,而另有来源覆盖该对象 / "
    "the silence rests on one agent's word, while another source watches the asset"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecheckAnswer:
    """The answer, with the signals that were read; `true` None: inconclusive, because of `why`."""

    true: bool | None
    signals: tuple[SignalRead, ...] = ()
    why: str = ""


def rule_gone(rule: str) -> str:
    return f"规则 {rule} 已不在规则包中 / rule {rule} is in no pack"


def answer(evaluation: Evaluation, rule: str, opened_by: Iterable[str], *, ended: bool) -> RecheckAnswer:
    """The answer from the data of today; `opened_by`: the agents whose statements opened the finding.

    An ended finding is refuted even if its rule is true again: that finding is over.
    """
    reading = evaluation.reading
    signals = evaluation.evidence(rule)
    if ended:
        return RecheckAnswer(true=False, signals=signals)
    truth = evaluation.truths[rule]
    if truth is None:
        return RecheckAnswer(true=None, signals=signals, why=unknown_because(signals, reading.blind))
    silent = any(speaks_of_silence(signal.name) for signal in signals)
    if truth and silent and one_voice(opened_by, reading.agents, len(reading.watching)):
        return RecheckAnswer(true=None, signals=signals, why=ONE_VOICE)
    return RecheckAnswer(true=truth, signals=signals)


def one_voice(opened: Iterable[str], now: Iterable[str], watchers: int) -> bool:
    """Whether silence rests on statements of one agent, then and now, though several sources watch the asset."""
    return watchers > 1 and len({*opened, *now}) < 2


def unknown_because(signals: Sequence[SignalRead], blind: Sequence[str] = ()) -> str:
    """Why a rule is neither true nor false, naming the missing signals and the blind sources, in both languages."""
    missing = [signal.name for signal in signals if signal.value is None]
    named = ", ".join(missing) or "-"
    zh, en = f"缺少有效信号:{named}", f"no valid value of: {named}"
    if blind:
        zh, en = f"{zh};不可信的来源:{', '.join(blind)}", f"{en}; sources not believed: {', '.join(blind)}"
    return f"{zh} / {en}"
