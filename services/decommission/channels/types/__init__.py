"""Channels: by what a unit is told, one module for each, chosen by the scheme of the unit's address."""

from urllib.parse import urlsplit

from services.decommission.channels.domain import Channel
from services.decommission.channels.types import webhook

CHANNELS: dict[str, Channel] = {
    "http": webhook.Webhook(),
    "https": webhook.Webhook(),
}


def of(address: str) -> Channel:
    """The channel of an address. Raises KeyError for a scheme that none has; no such address is let in."""
    return CHANNELS[urlsplit(address).scheme]
