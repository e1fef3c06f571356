"""docs/recipes/add-a-page.md, followed: one address answers a program with JSON and a person with a page."""

import json
from pathlib import Path

from tests.recipes.followed import Copy, files_of

TEMPLATE = """{% extends "page.html" %}
{% block title %}你好 Hello{% endblock %}
{% block body %}<h1>你好 Hello, {{ name }}</h1>{% endblock %}
"""
PAGES = '''

def hello(name: str) -> HTMLResponse:
    """A greeting."""
    return _PAGES.show("hello.html", name=name)
'''
ROUTE = """
    @routes.get("/hello/{name}", summary="Greet 问候", responses=common.PAGE, response_model=Greeting)
    @public
    async def hello(request: Request, name: Annotated[str, Plain(40)]) -> Greeting | Response:
        return pages.hello(name) if common.wanted(request) else Greeting(name=name)

"""
MODEL = '''

class Greeting(BaseModel):
    """Who is greeted."""

    name: str
'''
IMPORT = "from services.registry.verification.schemas import Greeting\n"
PROBE = """
import asyncio, json, pathlib
import httpx
from tests.architecture.test_inputs import of_registry

app = of_registry(pathlib.Path("."))

async def ask():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here/registry/v1") as client:
        kinds = ("application/json", "text/html")
        return [await client.get("/hello/<b>Ada", headers={"accept": kind}) for kind in kinds]

data, page = asyncio.run(ask())
document = app.openapi()["paths"]["/registry/v1/hello/{name}"]["get"]["responses"]["200"]["content"]
print(json.dumps({
    "data": data.json(), "page": page.text, "policy": page.headers["content-security-policy"],
    "media": sorted(document),
}))
"""


def test_a_page_is_added_in_four_files(tmp_path: Path) -> None:
    named = files_of("add-a-page.md")
    template, pages, schemas, api = named
    copy = Copy.into(tmp_path / "tree")
    copy.append(template, TEMPLATE)
    copy.append(pages, PAGES)
    copy.insert(api, "\n    return routes\n", ROUTE.rstrip("\n") + "\n")
    copy.append(schemas, MODEL)
    copy.insert(api, "\n\ndef router(", IMPORT)
    assert copy.changed() == sorted(named)

    seen = json.loads(copy.run("-c", PROBE).splitlines()[-1])
    assert seen["data"] == {"name": "<b>Ada"}
    assert "<h1>你好 Hello, &lt;b&gt;Ada</h1>" in seen["page"]
    assert "default-src 'none'" in seen["policy"]
    assert seen["media"] == ["application/json", "text/html"]
