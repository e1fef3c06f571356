"""The clock lint sees each way of reading a clock, by any name, and takes the mark for an answer."""

from pathlib import Path

import pytest

from tests.architecture import clocklint

PYTHON = {
    "from datetime import datetime\nat = datetime.now()": "datetime.datetime.now",
    "from datetime import UTC, datetime as dt\nat = dt.now(UTC)": "datetime.datetime.now",
    "import datetime as d\nat = d.datetime.utcnow()": "datetime.datetime.utcnow",
    "import datetime\nat = datetime.datetime.today()": "datetime.datetime.today",
    "from datetime import date\nday = date.today()": "datetime.date.today",
    "import time\nat = time.time()": "time.time",
    "from time import time\nat = time()": "time.time",
    "import time as clock\nat = clock.time_ns()": "time.time_ns",
    "from datetime import datetime\nmake = {'default_factory': datetime.now}": "datetime.datetime.now",
    "query = 'update job set at = now()'": "now()",
    "query = f'select current_date + {days}'": "current_date",
}
SQL = {
    "select now();": "now(",
    "select NOW ( );": "NOW (",
    "where due_on <= current_date": "current_date",
    "set at = current_timestamp": "current_timestamp",
    "set at = CLOCK_TIMESTAMP()": "CLOCK_TIMESTAMP(",
    "set at = statement_timestamp()": "statement_timestamp(",
    "set at = transaction_timestamp()": "transaction_timestamp(",
    "set at = localtimestamp": "localtimestamp",
    "where day = 'today'::date": "'today'::",
    "where day = date 'yesterday'": "date 'yesterday'",
    "created timestamptz not null default now()": "now(",
}
INNOCENT_PYTHON = [
    "import time\nstart = time.monotonic()",
    "def ask(clock):\n    return clock.now()",
    "from datetime import datetime\nat = datetime.now()  # machine time: a lease",
    '"""Never calls datetime.now() or now()."""',
    "from datetime import datetime\n\ndef due(now: datetime) -> datetime:\n    return now",
]
INNOCENT_SQL = [
    "where lease_until < now() -- machine time",
    "-- now() is not for due dates",
    "where due_at <= :now",
    "select snow(), current_dates from t",
]


@pytest.mark.parametrize(("text", "clock"), PYTHON.items())
def test_a_clock_read_in_python_is_caught(text: str, clock: str) -> None:
    assert any(clock in what for _, what in clocklint.python(text))


@pytest.mark.parametrize(("text", "clock"), SQL.items())
def test_a_clock_read_in_sql_is_caught(text: str, clock: str) -> None:
    assert any(clock in what for _, what in clocklint.sql(text))


@pytest.mark.parametrize("text", INNOCENT_PYTHON)
def test_business_time_and_marked_lines_pass_in_python(text: str) -> None:
    assert clocklint.python(text) == []


@pytest.mark.parametrize("text", INNOCENT_SQL)
def test_parameters_and_marked_lines_pass_in_sql(text: str) -> None:
    assert clocklint.sql(text) == []


@pytest.mark.parametrize("folder", clocklint.FOLDERS)
@pytest.mark.parametrize(("name", "text"), [("due.py", next(iter(PYTHON))), ("due.sql", next(iter(SQL)))])
def test_every_folder_of_the_product_is_searched(tmp_path: Path, folder: str, name: str, text: str) -> None:
    planted = tmp_path / folder / "deep" / name
    planted.parent.mkdir(parents=True)
    planted.write_text(text)
    assert any(problem.startswith(f"{folder}/deep/{name}:") for problem in clocklint.check(tmp_path))


def test_the_tree_reads_clocks_only_where_it_says_so() -> None:
    assert clocklint.check() == []
