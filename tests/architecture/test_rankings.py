"""Promise 8: no ranking of people or units exists anywhere in the product."""

from pathlib import Path

import pytest

from tests.architecture import rankings

CODE = [
    '@router.get("/registry/v1/units/ranking")\ndef units(): ...',
    '@router.get("/v1/leaderboard")\ndef show(): ...',
    "def units(top: int = 10): ...",
    "class Unit(BaseModel):\n    rank: int",
    "class UnitLeague(BaseModel): ...",
    'TITLE = "各单位使用率排名"',
    'render("page.html", ranked_units=units)',
    'SORT = {"unit_rank": 1}',
]
QUERIES = [
    "-- name: busiest()\nselect unit_id, count(*) from usage group by unit_id order by count(*) desc;",
    "-- name: busiest()\nselect unit_id, sum(n) as used from usage group by unit_id order by used desc limit 10;",
    "-- name: busiest()\nselect sponsor_id, count(*) from asset group by 1, sponsor_id order by 2 desc;",
    "-- name: keen()\nselect approver, avg(hours) as h from signature group by approver order by h;",
    "-- name: place()\nselect id, rank() over (order by n desc) from usage;",
    "-- name: quarter()\nselect id, ntile(4) over (order by n) from usage;",
    "-- name: top_units()\nselect 1;",
]
PAGES = ["<h1>{{ unit_ranking }}</h1>", "<h1>单位排行</h1>", "{% for row in leaderboard %}{% endfor %}"]
PUBLISHED = [
    {"paths": {"/registry/v1/units/ranking": {}}},
    {"parameters": [{"name": "top", "in": "query"}]},
    {"components": {"schemas": {"Unit": {"properties": {"rank": {}}}}}},
]
INNOCENT = [
    '"""There is no ranking here."""\n\ndef stop(): ...',
    "def due(topic: str, stopped: bool): ...",
]
INNOCENT_QUERIES = [
    "-- name: due_cases(now)\nselect id, due_at from cases where due_at <= :now order by due_at, asset_id;",
    "-- name: counts()\nselect unit_id, count(*) as assets from asset group by unit_id order by unit_id;",
    "-- name: busy_days()\nselect day, sum(n) as used from usage group by day order by used desc;",
    "-- name: nth()\nselect id, row_number() over (partition by asset_id order by version) from log;",
]


@pytest.mark.parametrize("text", CODE)
def test_a_ranking_in_code_is_caught(text: str) -> None:
    assert rankings.code(text)


@pytest.mark.parametrize("text", QUERIES)
def test_a_ranking_query_is_caught(text: str) -> None:
    assert rankings.queries(text)


@pytest.mark.parametrize("text", PAGES)
def test_a_ranking_on_a_page_is_caught(text: str) -> None:
    assert rankings.page(text)


@pytest.mark.parametrize("document", PUBLISHED)
def test_a_ranking_in_the_published_api_is_caught(document: object) -> None:
    assert list(rankings.published(document))


@pytest.mark.parametrize("text", INNOCENT)
def test_other_code_passes(text: str) -> None:
    assert rankings.code(text) == []


@pytest.mark.parametrize("text", INNOCENT_QUERIES)
def test_orders_that_rank_nobody_pass(text: str) -> None:
    assert rankings.queries(text) == []


def test_every_kind_of_file_is_searched(tmp_path: Path) -> None:
    planted = {
        "services/x/api.py": CODE[0],
        "services/x/queries.sql": QUERIES[0],
        "services/x/templates/units.html": PAGES[0],
        "tests/contract/openapi/x.json": '{"paths": {"/x/v1/ranking": {}}}',
    }
    for name, text in planted.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    problems = rankings.check(tmp_path)
    assert {name for name in planted if any(p.startswith(name) for p in problems)} == set(planted)


def test_no_ranking_of_people_or_units_exists() -> None:
    assert rankings.check() == []
