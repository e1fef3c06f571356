"""Why an asset is judged as it is: every rule with its truth, the values it read, and what would clear it. Pure."""

from libs.common import days
from libs.common.events.monitor import SignalRead
from services.monitor.signals import catalogue
from services.monitor.sources.health import NEVER_HEARD
from services.monitor.verdicts.examination import Examination
from services.monitor.verdicts.schemas import RuleShown, SignalShown, SourceShown, Why


def explanation(examined: Examination) -> Why:
    """The explanation of an asset's verdict today, beside that of the last sweep."""
    evaluation = examined.evaluation
    judgement, swept = evaluation.judgement, examined.swept
    return Why(
        asset_id=evaluation.asset_id,
        day=examined.today,
        watched=examined.watched,
        verdict=judgement.verdict if examined.watched else None,
        rule=judgement.rule if examined.watched else None,
        swept_verdict=swept.verdict if swept else None,
        swept_since=swept.from_day if swept else None,
        rules=[_rule(examined, code) for code in evaluation.book.rules],
        sources=_sources(examined),
        agents=list(evaluation.reading.agents),
        packs=evaluation.book.versions(),
    )


def _rule(examined: Examination, code: str) -> RuleShown:
    evaluation = examined.evaluation
    rule, truth, finding = evaluation.book.rules[code], evaluation.truths[code], evaluation.findings.get(code)
    return RuleShown(
        code=code,
        title=rule.title,
        truth="unknown" if truth is None else str(truth).lower(),
        when=rule.when,
        verdict=rule.verdict,
        proposal=rule.proposal,
        basis=rule.basis.text,
        level=rule.level,
        label=rule.label,
        established=list(rule.established),
        clears_when=rule.clears_when,
        signals=[_signal(examined, signal) for signal in evaluation.evidence(code)],
        finding_id=None if finding is None else finding.finding_id,
    )


def _signal(examined: Examination, signal: SignalRead) -> SignalShown:
    health = examined.healths.get(signal.source or "")
    return SignalShown(
        name=signal.name,
        value=signal.value,
        meaning=catalogue.BY_NAME[signal.name].meaning.both(),
        source=signal.source,
        as_of=signal.as_of,
        age_days=None if signal.as_of is None else days.between(signal.as_of, examined.today),
        source_healthy=None if health is None else health.healthy,
    )


def _sources(examined: Examination) -> list[SourceShown]:
    """The sources that ever named the asset, watch its posts, or delivered a value that was read."""
    reading = examined.evaluation.reading
    delivered = {signal.source for signal in reading.signals if catalogue.is_gauge(signal.name) and signal.source}
    shown = []
    for name in sorted({*examined.vouched, *reading.watching, *delivered}):
        health = examined.healths.get(name, NEVER_HEARD)
        shown.append(
            SourceShown(
                source=name,
                healthy=health.healthy,
                code=health.code,
                reason=health.reason,
                last_vouched=examined.vouched.get(name),
                admitted_on=examined.admitted_on.get(name),
                agents=sorted(examined.agents.get(name, ())),
                watches=name in reading.watching,
            )
        )
    return shown
