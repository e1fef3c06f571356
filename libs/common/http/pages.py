"""Pages for people, beside the JSON for machines at the same address: rendered here, of nothing from elsewhere.

Text is escaped. A page may use its own style and no script, image or font, be framed by nobody and send forms only to
where it came from (Content-Security-Policy).
"""

import re
from base64 import b64encode
from hashlib import sha256
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape

STYLE = (
    "body{font:1rem/1.6 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}"
    "dt{font-weight:600;margin-top:.8rem}dd,p{overflow-wrap:anywhere}article{border-top:1px solid;margin-top:2rem}"
    "input{font:inherit;max-width:100%}label{display:block;margin-top:.5rem}"
)
_STYLE_ONLY = b64encode(sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Vary": "Accept, Accept-Language",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_ONLY}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
PAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/html": {"schema": {"type": "string"}}},
        "description": "按 Accept 返回 JSON 或网页 JSON, or a page where text/html is asked for",
    }
}


class Pages:
    """The templates of one service, each extending `page.html`."""

    def __init__(self, package: str) -> None:
        loader = ChoiceLoader([PackageLoader(package), PackageLoader("libs.common.http")])
        self._environment = Environment(loader=loader, autoescape=select_autoescape(), undefined=StrictUndefined)

    def show(self, template: str, **values: Any) -> HTMLResponse:
        text = self._environment.get_template(template).render(values, style=STYLE)
        return HTMLResponse(text, headers=HEADERS)


def wanted(request: Request) -> bool:
    """Whether the caller asks for a page by name, and likes JSON no better (RFC 9110, 12.5.1)."""
    liked: dict[str, float] = {}
    for part in request.headers.get("accept", "").lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        found = next((piece for piece in parameters if piece.startswith("q=")), "q=1")
        liked[media] = float(found[2:]) if re.fullmatch(r"q=[01](\.\d{0,3})?", found) else 0.0
    page = liked.get("text/html", 0.0)
    return page > 0 and page >= liked.get("application/json", 0.0)
