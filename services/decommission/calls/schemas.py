"""An address to be called, as it is read from a request."""

from typing import Annotated

from pydantic import AfterValidator, Field

from libs.common.outbound.egress import target_of
from libs.common.strings import Plain
from services.decommission.calls import addresses

URL = r"^https?://\S+$"


def _address(text: str) -> str:
    """What the door for outgoing calls would take. Raises ValueError."""
    target_of(addresses.filled(text))
    addresses.check_secrets(text)
    return text


Url = Annotated[str, Field(pattern=URL), Plain(2000), AfterValidator(_address)]
