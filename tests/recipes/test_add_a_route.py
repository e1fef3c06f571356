"""docs/recipes/add-a-route.md, followed: a route of a new capability is guarded, bounded, documented and answers."""

import json
from pathlib import Path

from tests.recipes.followed import Copy, files_of

DOMAIN = '''"""Greetings. Pure."""


def greeting(name: str) -> str:
    return f"你好 hello, {name}"
'''
API = '''"""HTTP: a greeting."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from libs.common.http.guards import require
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from services.registry.greetings import domain


class Greeting(BaseModel):
    """What is said to a caller."""

    text: str


def router() -> APIRouter:
    """Routes over greetings."""
    routes = APIRouter(prefix="/registry/v1/greetings", tags=["greetings 问候"])

    @routes.get("", summary="Greet somebody 问候")
    async def greet(
        _: Annotated[Principal, require("viewer")],
        name: Annotated[Annotated[str, Plain(40)], Query(description="who is greeted 姓名")],
    ) -> Greeting:
        return Greeting(text=domain.greeting(name))

    return routes
'''
EXAMPLE = """  GET /registry/v1/greetings:
    got:
      200: {application/json: {text: '你好 hello, Ada'}}
"""
PROBE = """
import asyncio, json, pathlib
import httpx
from deploy.local.issuer import issue
from tests.architecture import inputs
from tests.architecture.test_inputs import KEY, of_registry

app = of_registry(pathlib.Path("."))

async def ask():
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here/registry/v1") as client:
        token = {"authorization": "Bearer " + issue(KEY, "ada", ["viewer"])}
        paths = [("/greetings?name=Ada", token), ("/greetings?name=Ada", {}), ("/greetings?name=" + "a" * 41, token)]
        return [await client.get(path, headers=headers) for path, headers in paths]

answers = asyncio.run(ask())
operation = app.openapi()["paths"]["/registry/v1/greetings"]["get"]
print(json.dumps({
    "answers": [[each.status_code, each.json()] for each in answers],
    "loose": inputs.check(app),
    "refusals": sorted(operation["responses"]),
    "example": operation["responses"]["200"]["content"]["application/json"]["example"],
}))
"""


def test_a_route_is_added_in_six_files(tmp_path: Path) -> None:
    named = files_of("add-a-route.md")
    room, domain, api, main, examples, snapshot = named
    copy = Copy.into(tmp_path / "tree")
    (copy.root / room).parent.mkdir()
    copy.append(room, '"""Greets."""\n')
    copy.append(domain, DOMAIN)
    copy.append(api, API)
    copy.insert(main, "        units_api.router(", "        greeting_api.router(),\n")
    imports = "from services.registry.greetings import api as greeting_api\n"
    copy.insert(main, "from services.registry.units import api as units_api\n", imports)
    copy.append(examples, EXAMPLE)
    assert copy.changed() == sorted(set(named) - {snapshot})

    seen = json.loads(copy.run("-c", PROBE).splitlines()[-1])
    (status, body), (without_token, _), (too_long, refused) = seen["answers"]
    assert (status, body) == (200, {"text": "你好 hello, Ada"})
    assert without_token == 401
    assert too_long == 422
    assert refused["errors"][0]["field"] == "name"
    assert seen["loose"] == []
    assert seen["refusals"] == ["200", "401", "403", "422", "431", "503"]
    assert seen["example"] == body
