"""SQL from files: the named queries of a `.sql` file as functions."""

from pathlib import Path
from typing import Any

import aiosql


def load_queries(path: Path) -> Any:
    """The named queries of one `.sql` file as functions that take a connection and keyword arguments."""
    return aiosql.from_path(path, "asyncpg", mandatory_parameters=True)


PLUMBING = load_queries(Path(__file__).with_name("plumbing.sql"))
