"""The landing page: what runs here, whether it is well, and where the documents are."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

_PAGES = Environment(loader=PackageLoader("deploy.gateway"), autoescape=select_autoescape(), undefined=StrictUndefined)
MEANINGS = {
    "registry": ("登记:有什么", "what exists"),
    "monitor": ("监测:用不用", "what is used"),
    "decommission": ("关停:怎样结束", "what ends"),
}


def landing(states: Mapping[str, bool], notes: list[Mapping[str, Any]]) -> str:
    """`states`: which service is ready, in the order shown. `notes`: what whoever looks has to know."""
    services = [
        {"name": name, "zh": MEANINGS[name][0], "en": MEANINGS[name][1], "ready": states[name]} for name in states
    ]
    return _PAGES.get_template("landing.html").render(services=services, notes=notes, well=all(states.values()))
