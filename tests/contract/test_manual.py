"""/docs needs no internet: what its page loads comes from the service itself, and its policy lets nothing else in."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from services import SERVICES
from tests.contract import published

OUTSIDE = ("http:", "https:", "//")


class Page(HTMLParser):
    """What a page loads, and what stands in it that a strict policy would not run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.loaded += [value for name in ("src", "href") if (value := given.get(name))]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        self._script = tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.inline.append(data)


@pytest.mark.parametrize("service", SERVICES)
async def test_the_page_loads_nothing_from_elsewhere(service: str, fresh_database: Any, tmp_path: Path) -> None:
    with published.serving(service, (await fresh_database(service)).service, tmp_path) as address:
        look(address, f"{address}/{service}/v1/docs")


def look(address: str, place: str) -> None:
    answer = httpx.get(place)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    strict(answer)
    page = Page(answer.text)
    assert (len(page.loaded), page.inline) == (4, [])
    for name in page.loaded:
        assert not name.startswith(OUTSIDE)
        assert urlsplit(urljoin(place, name)).netloc == urlsplit(address).netloc
        part = httpx.get(urljoin(place, name))
        assert (part.status_code, len(part.content) > 100) == (200, True), name
        strict(part)
    start = httpx.get(f"{place}/start.js").text
    assert not any(outside in start for outside in OUTSIDE)
    assert 'url: "openapi.json"' in start  # beside the page, whatever stands before the service
    assert "validatorUrl: null" in start  # or the page would ask Swagger's makers what they think of the document
    assert b'PACKAGE_VERSION:"5.' in httpx.get(f"{place}/swagger-ui-bundle.js").content  # reads OpenAPI 3.1
    assert httpx.get(f"{place}/other.js").status_code == 404
    assert httpx.get(f"{place}/..%2Fopenapi.json").status_code == 404
    document = httpx.get(urljoin(place, "openapi.json")).json()
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def strict(answer: httpx.Response) -> None:
    """It may load from where it comes from, and from nowhere else."""
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy.pop("img-src") == "'self' data:"
    assert set(policy) >= {"default-src", "script-src", "style-src", "connect-src", "base-uri", "frame-ancestors"}
    assert set(policy.values()) <= {"'self'", "'none'"}
    assert policy["default-src"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
