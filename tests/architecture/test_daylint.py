"""The day lint sees each way of counting hours for days, by any name, and takes the mark for an answer."""

from pathlib import Path

import pytest

from tests.architecture import daylint

PYTHON = {
    "from datetime import timedelta\nend = at + timedelta(days=n)": "timedelta(days=n)",
    "from datetime import timedelta as td\nend = at + td(n)": "td(n)",
    "import datetime as d\nend = at - d.timedelta(hours=24)": "d.timedelta(hours=24)",
    "from datetime import timedelta\nend = at + n * timedelta(weeks=1)": "timedelta(weeks=1)",
    "from datetime import timedelta\nend = at + timedelta(**{'days': n})": "timedelta(",
    "from datetime import timedelta\nend = at + timedelta(seconds=n * 86_400)": "86400",
    "from datetime import timedelta\nend = at + timedelta(minutes=1440)": "1440",
    "DAY = 24 * 60 * 60": "24 * 60 * 60",
    "DAY = 60 * 60 * 24": "60 * 60 * 24",
    "end = at.timestamp() + days * 24 * 3600": "days * 24",
    "DAY_MS = 86_400_000": "86400000",
    "due = (now - at).days >= 30": "days",
    "due = (now - at).total_seconds() > limit": "total_seconds",
    "from dateutil.relativedelta import relativedelta\nend = at + relativedelta(days=1)": "relativedelta(days=1)",
    "query = \"where at + interval '1 day' < $1\"": "interval '",
}
SQL = {
    "where at + interval '1 day' <= :until": "interval",
    "where at + :days * INTERVAL '24 hours' < :now": "INTERVAL",
    "where at + '1 day'::interval < :now": "interval",
    "where at < :now - make_interval(days => :days)": "make_interval(",
    "where extract(epoch from :now - at) > 86400": "extract(epoch",
    "where extract(day from :now - at) > 30": "extract(day",
    "where date_part('day', :now - at) > 30": "date_part(",
    "where age(:now, at) > :limit": "age(",
    "where date_add(at, :span) < :now": "date_add(",
}
INNOCENT_PYTHON = [
    "from datetime import timedelta\nSKEW = timedelta(minutes=15)",
    "from datetime import timedelta\npaused = timedelta(0)",
    "from datetime import timedelta\nkept = at - timedelta(days=7)  # machine time: old leases",
    "from datetime import timedelta\nreopen_after: timedelta = timedelta(days=365)  # calendar days",
    "from libs.common import days\nend = days.after(at, 30, zone)",
    '"""Not 86_400 seconds, nor interval \'1 day\'."""',
    "hours = 24",
    "late = (now - at) > limit",
]
INNOCENT_SQL = [
    "delete from inbox where seen < clock_timestamp() - make_interval(days => :keep_days);  -- machine time",
    "where on_day + 1 <= :today",
    "-- not an interval '1 day'",
    "select package, intervals from t",
]


@pytest.mark.parametrize(("text", "what"), PYTHON.items())
def test_a_sum_of_hours_in_python_is_caught(text: str, what: str) -> None:
    assert any(what in told for _, told in daylint.python(text))


@pytest.mark.parametrize(("text", "what"), SQL.items())
def test_a_sum_of_hours_in_sql_is_caught(text: str, what: str) -> None:
    assert any(what in told for _, told in daylint.sql(text))


@pytest.mark.parametrize("text", INNOCENT_PYTHON)
def test_calendars_minutes_and_marked_lines_pass_in_python(text: str) -> None:
    assert daylint.python(text) == []


@pytest.mark.parametrize("text", INNOCENT_SQL)
def test_dates_and_marked_lines_pass_in_sql(text: str) -> None:
    assert daylint.sql(text) == []


@pytest.mark.parametrize("folder", daylint.FOLDERS)
@pytest.mark.parametrize(("name", "text"), [("due.py", next(iter(PYTHON))), ("due.sql", next(iter(SQL)))])
def test_every_folder_of_the_product_is_searched(tmp_path: Path, folder: str, name: str, text: str) -> None:
    planted = tmp_path / folder / "deep" / name
    planted.parent.mkdir(parents=True)
    planted.write_text(text)
    assert any(problem.startswith(f"{folder}/deep/{name}:") for problem in daylint.check(tmp_path))


def test_the_tree_counts_days_on_the_calendar() -> None:
    assert daylint.check() == []
