"""PostgreSQL and the recomputation from stored evidence agree on every condition, unknown values included."""

from collections.abc import Awaitable, Callable

from hypothesis import strategies as st
from sqlglot import exp

from libs.common.db.pool import Database
from services.monitor.policy.compiled import compile_rules
from services.monitor.policy.condition import Condition, condition
from services.monitor.policy.pack import Pack, Text
from tests.integration.monitor.stories import for_all
from tests.unit.monitor.policy.conditions import CONDITIONS, NAMES, VALUES


def statement(signals: str, conditions: dict[str, Condition]) -> str:
    """A statement that evaluates the conditions of a pack over one row of signals."""
    pack = Pack(
        name="made", version="1.0.0", title=Text(zh="一", en="one"), sources=(), rules=(), conditions=conditions
    )
    return exp.select(*compile_rules([pack])).from_(f"({signals}) as signals", dialect="postgres").sql("postgres")


async def test_written_numbers_of_any_size_are_computed_with(
    database: Callable[[str], Awaitable[Database]],
) -> None:
    opened = await database("monitor")
    conditions = {
        f"C{n:02d}": condition(text)
        for n, text in enumerate(
            [
                "followers < 2000000000 * 2",
                "followers < -2000000000 - 2000000000",
                "followers + 9223372036854775807 > 0",
            ]
        )
    }
    row = await opened.pool.fetchrow(statement("select 1::bigint as followers", conditions))
    assert row is not None
    assert [row[code] for code in conditions] == [True, False, True]
    assert [checked.holds({"followers": 1}) for checked in conditions.values()] == [True, False, True]


async def test_postgresql_and_python_agree_on_every_truth(
    database: Callable[[str], Awaitable[Database]],
) -> None:
    opened = await database("monitor")
    columns = ", ".join(f"${n}::bigint as {name}" for n, name in enumerate(NAMES, start=1))

    async def agree(texts: list[str], values: dict[str, int | None]) -> None:
        conditions = {f"C{n:02d}": condition(text) for n, text in enumerate(texts)}
        row = await opened.pool.fetchrow(statement(f"select {columns}", conditions), *(values[name] for name in NAMES))
        assert row is not None
        for code, checked in conditions.items():
            assert row[code] is checked.holds(values), (checked.text, values)

    await for_all(agree, st.lists(CONDITIONS, min_size=1, max_size=5), VALUES, examples=200)
