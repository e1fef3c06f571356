"""The page on which people read and try an API: Swagger UI out of a package, so that it works without the internet."""

import html
from importlib import resources
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi_swagger import resources as swagger
from starlette.exceptions import HTTPException

from libs.common import events
from libs.common.http.guards import public

# Nothing may come from elsewhere, nor go there; the pictures are those that stand in the style sheet itself.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
GUARDED = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
KEPT = {"Cache-Control": "public, max-age=86400"}
ASYNCAPI = Path(events.__file__).with_name("asyncapi.json")  # of all topics, as `deploy.kafka.asyncapi` makes it
FILES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
PAGE = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{title}</title>
<link rel="stylesheet" href="docs/swagger-ui.css"><link rel="icon" href="docs/favicon-32x32.png">
</head><body><div id="page"></div><script src="docs/swagger-ui-bundle.js"></script><script src="docs/start.js"></script>
</body></html>"""
# A file of its own, since a page that may run what stands in it may run what somebody else has put there. Without
# `validatorUrl` the browser would send the document's address to Swagger's makers.
START = """SwaggerUIBundle({
  url: "openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null, displayRequestDuration: true,
  presets: [SwaggerUIBundle.presets.apis], layout: "BaseLayout", queryConfigEnabled: false
});
"""


def router(prefix: str, title: str) -> APIRouter:
    """`<prefix>/docs` and what the page needs; it reads `<prefix>/openapi.json`."""
    routes = APIRouter(prefix=f"{prefix}/docs", include_in_schema=False)
    folder = resources.files(swagger)
    files = {name: (folder.joinpath(name).read_bytes(), kind) for name, kind in FILES.items()}
    files["start.js"] = (START.encode(), FILES["swagger-ui-bundle.js"])

    @routes.get("")
    @public
    async def page() -> Response:
        return Response(PAGE.format(title=html.escape(title)), media_type="text/html", headers=GUARDED)

    @routes.get("/{name}")
    @public
    async def file(name: str) -> Response:
        if name not in files:
            raise HTTPException(404)
        content, kind = files[name]
        return Response(content, media_type=kind, headers=GUARDED | KEPT)

    return routes
