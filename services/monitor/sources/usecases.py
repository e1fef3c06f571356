"""Statements of agents about a source and terms set by operators: each function is one transaction."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

from libs.common.db.pool import Database
from libs.common.events.intake import SourceStated
from services.monitor.admissions import store as admission_store
from services.monitor.admissions.names import check_source
from services.monitor.signals.catalogue import SILENCE
from services.monitor.sources import store
from services.monitor.sources.health import Terms
from services.monitor.sources.statements import StaleRevision, check_age, check_spoken, check_statement


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementOutcome:
    """The outcome of a statement: `applied` or `unchanged`, with the numbers of assets vouched for and not.

    `beyond` names the latter where it was applied.
    """

    outcome: str
    covered: int
    not_covered: int
    beyond: tuple[UUID, ...] = ()


async def state_source(
    database: Database, statement: SourceStated, *, who: str, today: date, came: date, late_days: int
) -> StatementOutcome:
    """Take an agent's statement of one day of its source; `who` is its identity, `came` the day on which it came.

    It vouches for those of its assets that the source is admitted for, on that day and today. A late copy of a
    stored statement changes nothing. Raises StaleRevision when another content is stored under the same or a higher
    revision, NotAdmitted, and Invalid.
    """
    source, day = statement.source, statement.day
    check_statement(source, statement.revision, statement.records, statement.measures)
    measures, assets = sorted(set(statement.measures)), list(dict.fromkeys(statement.assets))
    async with database.transaction("state_source") as conn:
        await admission_store.QUERIES.source_share(conn, source=source)
        admission = await admission_store.admission_on(conn, source, today)
        then = await admission_store.admission_on(conn, source, day)
        check_spoken(admission, then, source=source, who=who, day=day, measures=measures)
        cover = await store.keep_cover(conn, assets)
        current = await store.QUERIES.source_day_lock(conn, source=source, day=day)
        if current["stated"] is not None and current["revision"] >= statement.revision:
            before = (current["revision"], current["stated"], current["cover"], current["measures"])
            if before == (statement.revision, statement.records, cover, measures):
                beyond = current["beyond"]
                return StatementOutcome(outcome="unchanged", covered=current["covered"] - beyond, not_covered=beyond)
            revision = current["revision"]
            raise StaleRevision(field="revision", accepted=f"> {revision}", current=revision)
        check_age(day, came=came, late_days=late_days)
        ours = await admission_store.within(conn, source, [day, today], assets)
        within = await store.keep_cover(conn, ours)
        others = sorted(set(assets).difference(ours))
        now = await store.QUERIES.statement_put(
            conn,
            source=source,
            day=day,
            stated=statement.records,
            revision=statement.revision,
            covered=len(assets),
            cover=cover,
            within=within,
            beyond=len(others),
            measures=measures,
            stated_by=who,
        )
        if SILENCE in measures:
            await store.watch(conn, source, day, within, now["due"])
        await store.recount(conn, source, day, now["counted"], now["due"])
        return StatementOutcome(outcome="applied", covered=len(ours), not_covered=len(others), beyond=tuple(others))


async def configure_source(
    database: Database, source: str, terms: Terms, *, actor: str, today: date, at: datetime
) -> None:
    """Set the terms on which a source is judged, and record the operator."""
    check_source(source)
    after = asdict(terms)
    async with database.transaction("configure_source") as conn:
        row = await admission_store.QUERIES.source_lock(conn, source=source)
        before = None if row is None else asdict(store.terms(row))
        await store.QUERIES.source_put(conn, source=source, **after, today=today)
        if before != after:
            await admission_store.record_change(conn, source, "terms", before, after, actor=actor, at=at)
