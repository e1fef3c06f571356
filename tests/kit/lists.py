"""A source's list as the registry reads it."""

from datetime import date, datetime

from services.registry.imports import rows
from services.registry.imports.files import listed
from services.registry.imports.jobs import FORMATS
from services.registry.imports.rows import Rows


def read_list(content: bytes, *, source: str, on: date, unit_scheme: str, now: datetime) -> Rows:
    """The rows of a file of any format. Raises UnreadableFile."""
    table, header = listed(content, FORMATS)
    return rows.read(table, header, source=source, on=on, unit_scheme=unit_scheme, now=now)
