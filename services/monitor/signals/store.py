"""Reads signals from the rows of assets, sources, admissions and usage. Takes a connection, never commits."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlglot import exp

from libs.common.db.pool import Connection
from services.monitor.signals.statement import Statement, compose

BASE = Path(__file__).with_name("queries.sql").read_text("utf-8")


def statement(rules: Sequence[exp.Expr]) -> Statement:
    """The one statement that reads every signal of the catalogue and evaluates these rules."""
    return compose(BASE, rules)


async def evaluate(
    conn: Connection, evaluated: Statement, assets: Sequence[UUID], today: date, healthy: Sequence[str]
) -> list[Any]:
    """The signals of the given assets and the truth of every rule, in the order of their ids."""
    values = evaluated.arguments(assets=list(assets), day=today, healthy=list(healthy))
    return await conn.fetch(evaluated.sql, *values)
