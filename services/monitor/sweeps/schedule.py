"""When to sweep: the times of a cron expression, in the deployment's zone. Pure."""

from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError


def check(expression: str) -> str:
    """The expression itself. Raises ValueError for one that cron would not take."""
    try:
        CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ValueError(f"expected a cron expression such as '0 2 * * *', got {expression!r}: {error}") from None
    return expression


def last(expression: str, now: datetime) -> datetime:
    """The latest time that has come, `now` included."""
    return next(CronSim(expression, now + timedelta(seconds=1), reverse=True))


def following(expression: str, now: datetime) -> datetime:
    """The next time after `now`."""
    return next(CronSim(expression, now))
