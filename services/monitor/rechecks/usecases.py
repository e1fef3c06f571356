"""Answers the question before a gate, whether a finding is still true today. Each function is one transaction."""

from libs.common.clock import Clock
from libs.common.consumer import inbox
from libs.common.db.pool import Connection, Database
from libs.common.events.decommission import RecheckRequested
from libs.common.events.envelope import Event
from libs.common.events.monitor import FindingConfirmed, FindingRefuted, RecheckInconclusive
from libs.common.outbox.emit import emit
from services.monitor.assets import store as asset_store
from services.monitor.policy.rulebook import RuleBook
from services.monitor.rechecks import domain
from services.monitor.rechecks.domain import RecheckAnswer
from services.monitor.verdicts import store as verdict_store

CONSUMER = "monitor"


async def answer_recheck(
    database: Database, book: RuleBook, event: RecheckRequested, clock: Clock, *, event_id: str
) -> None:
    """Answer once whether a finding's rule is still true, from the data of today."""
    async with database.transaction("answer_recheck") as conn:
        if await inbox.first_time(conn, CONSUMER, event_id):
            answer = await _answer(conn, book, event, clock)
            await emit(conn, _answered(event, answer, clock), sequence=1, time=clock.now())


def _answered(event: RecheckRequested, answer: RecheckAnswer, clock: Clock) -> Event:
    echo = event.model_dump(include={"request_id", "case_id", "finding_id", "asset_id", "rule"})
    fields = {**echo, "business_day": clock.today(), "signals": answer.signals}
    if answer.true is None:
        return RecheckInconclusive(**fields, why=answer.why)
    return FindingConfirmed(**fields) if answer.true else FindingRefuted(**fields)


async def _answer(conn: Connection, book: RuleBook, event: RecheckRequested, clock: Clock) -> RecheckAnswer:
    finding = await verdict_store.QUERIES.finding_get(conn, finding_id=event.finding_id)
    if finding is None or finding["asset_id"] != event.asset_id or finding["rule"] != event.rule:
        return RecheckAnswer(true=None, why=domain.NO_FINDING)
    ended = finding["state"] == "cleared"
    asset = await asset_store.QUERIES.asset_get(conn, asset_id=event.asset_id)
    if not ended and (asset is None or not asset["watched"]):
        return RecheckAnswer(true=None, why=domain.NOT_WATCHED)
    if asset is None or event.rule not in book.rules:
        if ended:
            return RecheckAnswer(true=False)
        return RecheckAnswer(true=None, why=domain.rule_gone(event.rule))
    today = clock.today()
    healthy = await verdict_store.healthy_sources(conn, today)
    (evaluation,) = await verdict_store.evaluate(conn, book, [event.asset_id], today, healthy)
    return domain.answer(evaluation, event.rule, finding["agents"], ended=ended)
