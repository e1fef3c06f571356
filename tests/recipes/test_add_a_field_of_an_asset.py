"""docs/recipes/add-a-field-of-an-asset.md, followed."""

from pathlib import Path

from tests.recipes.following import follow

PROBE = '''"""The toy field, from a declaration to the API."""

import httpx

from tests.integration.registry.conftest import Registry, bearer, declared

HEAD = "account,platform,department,language,url,保管人\\n"


async def test_the_new_field_is_declared_kept_told_and_shown(http: httpx.AsyncClient, registry: Registry) -> None:
    asset = (await registry.take(declared("a", custodian=" Room  1 "))).asset_id
    assert await registry.outcome(declared("a")) == "unchanged", "not stated is not taken away"
    assert await registry.outcome(declared("a", custodian="Room 2")) == "amended"
    records = [body.get("custodian") for kind, body in await registry.emitted() if kind.startswith("asset.")]
    assert records == ["Room 1", "Room 2"]
    shown = (await http.get(f"/assets/{asset}", headers=bearer("viewer"))).json()
    assert (shown["version"], shown["custodian"]) == (2, "Room 2")
    history = (await http.get(f"/assets/{asset}/history", headers=bearer("viewer"))).json()["items"]
    assert [version["record"]["custodian"] for version in history] == ["Room 1", "Room 2"]
    await registry.bring_in(HEAD + "a,X,Unit,,https://x.com/a,Room 3\\nb,X,Unit,,https://x.com/b,\\n")
    assert await registry.fetch("select array_agg(custodian order by identity) from assets") == ["Room 3", None]
'''


def test_a_field_takes_five_files(tmp_path: Path) -> None:
    columns = "services/registry/lists/columns.py"
    following = follow("add-a-field-of-an-asset", tmp_path, most=5, beside=(columns,))
    following.change(
        "libs/common/events/intake.py",
        (
            "    opened_on: Day | None = None\n",
            "    opened_on: Day | None = None\n    custodian: Annotated[str, Plain(100)] | None = None\n",
        ),
    )
    following.change(
        "libs/common/events/registry.py",
        ("    changed_at: datetime\n", "    changed_at: datetime\n    custodian: str | None = None\n"),
    )
    following.change(
        "services/registry/assets/domain.py",
        (
            "    stated_on: date = date.min\n",
            "    stated_on: date = date.min\n    custodian: str | None = None\n",
        ),
        (
            "    source: str\n    opened_on: date | None\n",
            "    source: str\n    opened_on: date | None\n    custodian: str | None\n",
        ),
        (
            "        opened_on=_opened(event.opened_on, now=now),\n",
            "        opened_on=_opened(event.opened_on, now=now),\n"
            '        custodian=clean("custodian", event.custodian) if event.custodian else None,\n',
        ),
    )
    following.write(
        "services/registry/migrations/0010_custodian.sql", "alter table assets add column custodian text;\n"
    )
    following.change(
        "services/registry/assets/queries.sql",
        (
            "        stated_on = excluded.stated_on,\n",
            "        stated_on = excluded.stated_on,\n        custodian = excluded.custodian,\n",
        ),
    )
    following.change(columns, ('    "opened_on": (', '    "custodian": ("custodian", "保管人"),\n    "opened_on": ('))
    probe = "tests/integration/registry/assets/test_toy.py"
    following.probe(probe, PROBE)
    assert "1 passed" in following.test(probe)
