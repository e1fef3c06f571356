"""An address of a unit, as it is read from a request: one that some channel can use."""

from typing import Annotated

from pydantic import AfterValidator, Field

from libs.common.strings import Plain
from services.decommission.channels import types

OTHERS = sorted(set(types.CHANNELS) - {"http", "https"})
PATTERN = rf"^(?:{'|'.join(['https?', *OTHERS])})://\S+$" if OTHERS else r"^https?://\S+$"


def _address(text: str) -> str:
    """What the channel of its scheme would take. Raises ValueError."""
    types.of(text).check(text)
    return text


Address = Annotated[str, Field(pattern=PATTERN), Plain(2000), AfterValidator(_address)]
