"""Optimistic locking over HTTP: the version in an If-Match header."""

import re
from typing import Annotated

from fastapi import Header

from libs.common.errors import Invalid
from libs.common.http.guards import public as public
from libs.common.text import Text

IfMatch = Annotated[str | None, Header(description='读到的版本 the version read, such as "3"', max_length=40)]


def require_version(if_match: str | None) -> int:
    """The version in an If-Match header such as `"7"`. Raises Invalid when it is absent or no number."""
    text = (if_match or "").strip().strip('"')
    if not re.fullmatch(r"[0-9]{1,18}", text):
        why = Text("须提供 If-Match", "If-Match is needed")
        raise Invalid(field="If-Match", accepted='the record\'s version, such as "7"', why=why)
    return int(text)
