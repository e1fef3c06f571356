"""An event arrives at least once and acts once: its id is recorded by the transaction that holds its effect."""

from libs.common.db.pool import Connection
from libs.common.db.queries import PLUMBING
from libs.common.outbox.emit import NotInTransaction

KEEP_DAYS = 120  # longer than any topic a service reads keeps its records (90 days)


async def first_time(conn: Connection, consumer: str, event_id: str) -> bool:
    """True when this consumer meets the event for the first time; raises NotInTransaction outside a transaction."""
    if not conn.is_in_transaction():
        raise NotInTransaction("an event was marked as seen outside the transaction of its effect")
    return bool(await PLUMBING.inbox_add(conn, consumer=consumer, event_id=event_id))


async def prune(conn: Connection) -> None:
    """Forget ids that no topic can deliver any more."""
    await PLUMBING.inbox_prune(conn, keep_days=KEEP_DAYS)
