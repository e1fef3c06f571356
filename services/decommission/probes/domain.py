"""What a look at a public page says. Pure."""

from typing import Literal


def probe_result(status: int | None) -> Literal["gone", "alive", "unclear"]:
    """What a probe of the public page says: only 404 and 410 are gone, only 2xx is alive."""
    if status in (404, 410):
        return "gone"
    return "alive" if status is not None and 200 <= status < 300 else "unclear"
