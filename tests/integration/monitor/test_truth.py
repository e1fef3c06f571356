"""PostgreSQL and the recomputation from stored evidence agree on every condition, unknown values included."""

from collections.abc import Awaitable, Callable

from hypothesis import strategies as st

from libs.common.db.pool import Database
from services.monitor.policy import pack as policy
from tests.integration.monitor.stories import for_all
from tests.unit.monitor.conditions import CONDITIONS, NAMES, VALUES


async def test_written_numbers_of_any_size_are_computed_with(
    database: Callable[[str], Awaitable[Database]],
) -> None:
    held = await database("monitor")
    conditions = {
        f"C{n:02d}": policy.condition(text)
        for n, text in enumerate(
            [
                "followers < 2000000000 * 2",
                "followers < -2000000000 - 2000000000",
                "followers + 9223372036854775807 > 0",
            ]
        )
    }
    pack = policy.Pack("large", "1.0.0", policy.Text(zh="一", en="one"), (), (), conditions)
    row = await held.pool.fetchrow(f"with signals as (select 1::bigint as followers) {policy.compile_rules([pack])}")
    assert row is not None
    assert [row[code] for code in conditions] == [True, False, True]
    assert [condition.holds({"followers": 1}) for condition in conditions.values()] == [True, False, True]


async def test_postgresql_and_python_agree_on_every_truth(
    database: Callable[[str], Awaitable[Database]],
) -> None:
    held = await database("monitor")
    columns = ", ".join(f"${n}::bigint as {name}" for n, name in enumerate(NAMES, start=1))

    async def agree(texts: list[str], values: dict[str, int | None]) -> None:
        conditions = {f"C{n:02d}": policy.condition(text) for n, text in enumerate(texts)}
        pack = policy.Pack("random", "1.0.0", policy.Text(zh="一", en="one"), (), (), conditions)
        statement = f"with signals as (select {columns}) {policy.compile_rules([pack])}"
        row = await held.pool.fetchrow(statement, *(values[name] for name in NAMES))
        assert row is not None
        for code, condition in conditions.items():
            assert row[code] is condition.holds(values), (condition.text, values)

    await for_all(agree, st.lists(CONDITIONS, min_size=1, max_size=5), VALUES, examples=200)
