"""Probes: how it is seen whether an asset is there, one module for each, chosen by the scheme of the address."""

from collections.abc import Callable
from urllib.parse import urlsplit

from services.decommission.assets.domain import Subject
from services.decommission.probes.domain import Probe, address_of
from services.decommission.probes.types import page

PROBES: dict[str, Callable[[str], Probe]] = {
    "http": page.Page,
    "https": page.Page,
}


def of(template: str | None, subject: Subject) -> Probe:
    """The probe of an asset: by its platform's template, else by the address on record.

    An address on record whose scheme no probe has is looked at as a page, which is unclear.
    """
    address = address_of(template, subject)
    return PROBES.get(urlsplit(address).scheme, page.Page)(address)
