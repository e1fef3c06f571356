"""HTTP as every service offers it: deny by default, problem+json in two languages, no route by accident."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI, Header
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field
from starlette.requests import Request

from deploy.local.issuer import issue
from libs.common.errors import Invalid, Missing, VersionConflict
from libs.common.http import bodies, front
from libs.common.http.app import MAX_HEADER, create_app
from libs.common.http.guards import bounded, public, require, seal
from libs.common.http.status import status_router
from libs.common.security import tokens
from libs.common.security.tokens import Authenticator, Principal
from services.registry.versions import require_version

KEY = tokens.new_key("k1")
FAULTS: dict[str, Callable[[], Exception]] = {
    "invalid": lambda: Invalid(field="on", accepted="a day", why="no day"),
    "missing": lambda: Missing(what="x"),
    "conflict": lambda: VersionConflict(current=7),
    "refused": lambda: ConnectionRefusedError("no database"),
    "timeout": TimeoutError,
    "closed": lambda: asyncpg.InterfaceError("pool is closing"),
    "shutdown": lambda: asyncpg.AdminShutdownError("terminating connection"),
    "starting": lambda: asyncpg.CannotConnectNowError("the database system is starting up"),
    "crowded": lambda: asyncpg.TooManyConnectionsError("sorry, too many clients already"),
    "ours": lambda: KeyError("a secret detail"),
    "no text": lambda: asyncpg.CharacterNotInRepertoireError('invalid byte sequence for encoding "UTF8": 0x00'),
    "data": lambda: asyncpg.NumericValueOutOfRangeError("bigint out of range"),
}


class Body(BaseModel):
    """A write."""

    name: str = Field(min_length=1)
    size: int = Field(ge=0)


class Part(bodies.Body):
    size: int = Field(ge=0)


class Strict(bodies.Body):
    """A write that knows its fields, and those of its parts."""

    name: str = Field(min_length=1)
    parts: list[Part] = Field(default_factory=list)


class Many(BaseModel):
    """A write of many parts."""

    names: list[Body]


def application() -> FastAPI:
    return create_app(
        "registry", title="t", description="d", authenticator=Authenticator(tokens.public_jwks(KEY), allow_local=True)
    )


def router() -> APIRouter:
    routes = APIRouter(prefix="/registry/v1")

    @routes.get("/faults/{name}")
    @public
    async def fault(name: str) -> None:
        raise FAULTS[name]()

    @routes.post("/things")
    async def write(body: Body, caller: Annotated[Principal, require("operator", "registrar")]) -> dict[str, str]:
        return {"by": caller.subject}

    @routes.post("/lists")
    @bounded(3 * front.MIB)
    async def long(request: Request, _: Annotated[Principal, require("operator")]) -> int:
        return len(await request.body())

    @routes.post("/open")
    @public
    async def anyone(request: Request) -> int:
        return len(await request.body())

    @routes.post("/strict")
    async def strict(_: Annotated[Principal, require("operator")], body: Strict) -> int:
        return len(body.parts)

    @routes.post("/many")
    async def many(_: Annotated[Principal, require("operator")], body: Many) -> int:
        return len(body.names)

    @routes.patch("/things")
    async def change(
        _: Annotated[Principal, require("operator")], if_match: Annotated[str | None, Header()] = None
    ) -> int:
        return require_version(if_match)

    return routes


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = application()
    app.include_router(router())
    seal(app)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def bearer(*roles: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue(KEY, 'ada', roles)}"}


async def plain(request: Request) -> PlainTextResponse:
    return PlainTextResponse("x")


async def unguarded() -> None:
    """An endpoint that asks nobody."""


def direct(app: FastAPI) -> None:
    app.get("/registry/v1/open")(unguarded)


def included(app: FastAPI) -> None:
    routes = APIRouter()
    routes.get("/registry/v1/open")(unguarded)
    app.include_router(routes)


def nested(app: FastAPI) -> None:
    inner, outer = APIRouter(), APIRouter()
    inner.get("/open")(unguarded)
    outer.include_router(inner, prefix="/v1")
    app.include_router(outer, prefix="/registry")


def added(app: FastAPI) -> None:
    app.add_route("/registry/v1/open", plain)


def mounted(app: FastAPI) -> None:
    app.mount("/registry/v1/open", FastAPI())


def websocket(app: FastAPI) -> None:
    app.add_api_websocket_route("/registry/v1/open", unguarded)


@pytest.mark.parametrize("open_a_door", [direct, included, nested, added, mounted, websocket])
def test_an_unguarded_route_stops_the_start(open_a_door: Callable[[FastAPI], None]) -> None:
    """Deny by default: however a route came in, it asks for a role or says that it is public."""
    app = application()
    app.include_router(router())
    seal(app)
    open_a_door(app)
    with pytest.raises(RuntimeError, match="/open neither requires a role"):
        seal(app)


def test_a_guard_on_a_whole_router_counts() -> None:
    """A role may be asked for once for all routes of a router."""
    app = application()
    routes = APIRouter(dependencies=[require("viewer")])
    routes.get("/registry/v1/open")(unguarded)
    app.include_router(routes)
    seal(app)


async def test_who_may_and_who_may_not(client: httpx.AsyncClient) -> None:
    """401 without a token, with the scheme to use; 403 with the wrong role; the handler knows who asks."""
    body = {"name": "a", "size": 1}
    nobody = await client.post("/registry/v1/things", json=body)
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    assert nobody.json()["code"] == "unauthenticated"
    viewer = await client.post("/registry/v1/things", json=body, headers=bearer("viewer", "approver"))
    assert (viewer.status_code, viewer.json()["code"]) == (403, "forbidden")
    assert "operator, registrar" in viewer.json()["title"]
    assert (await client.post("/registry/v1/things", json=body, headers=bearer("registrar"))).json() == {"by": "ada"}


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.5", "输入无效:no day"),
        ("en", "The input is invalid: no day"),
        ("", "The input is invalid: no day"),
        ("fr", "The input is invalid: no day"),
    ],
)
async def test_problems_speak_two_languages(client: httpx.AsyncClient, language: str, title: str) -> None:
    """RFC 9457; the title in the caller's language, both texts beside it, the field at fault and what it takes."""
    reply = await client.get("/registry/v1/faults/invalid", headers={"Accept-Language": language})
    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")
    assert reply.json() == {
        "type": "urn:jianfu:problem:invalid",
        "title": title,
        "status": 422,
        "code": "invalid",
        "texts": {"zh": "输入无效:no day", "en": "The input is invalid: no day"},
        "errors": [{"field": "on", "accepted": "a day"}],
    }


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("missing", 404, "missing"),
        ("conflict", 409, "version_conflict"),
        ("refused", 503, "unavailable"),
        ("timeout", 503, "unavailable"),
        ("closed", 503, "unavailable"),
        ("shutdown", 503, "unavailable"),
        ("starting", 503, "unavailable"),
        ("crowded", 503, "unavailable"),
        ("ours", 500, "unexpected"),
        ("data", 500, "unexpected"),
        ("no text", 422, "invalid"),
    ],
)
async def test_each_kind_of_error_has_its_status(client: httpx.AsyncClient, name: str, status: int, code: str) -> None:
    """One table: rules give 4xx, what is away 503 so that callers retry, our faults 500 without their details."""
    reply = await client.get(f"/registry/v1/faults/{name}")
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.headers["content-type"] == "application/problem+json"
    assert set(reply.json()["texts"]) == {"zh", "en"}
    assert "secret" not in reply.text


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"name": "", "size": -1}, ["name", "size"]),
        ({"size": 1}, ["name"]),
        ([], ["body"]),
    ],
)
async def test_every_field_at_fault_is_named(client: httpx.AsyncClient, body: Any, fields: list[str]) -> None:
    """A caller mends all of them at once."""
    reply = await client.post("/registry/v1/things", json=body, headers=bearer("operator"))
    assert reply.status_code == 422
    assert [fault["field"] for fault in reply.json()["errors"]] == fields
    assert all(fault["accepted"] for fault in reply.json()["errors"])


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [(b'{"name": ', 422, "character 9"), (b"\xff", 400, "cannot be read"), (b"[" * 50_000, 400, "cannot be read")],
    ids=["cut off", "no UTF-8", "deep"],
)
async def test_what_is_no_json_is_the_callers_fault(
    client: httpx.AsyncClient, content: bytes, status: int, words: str
) -> None:
    """And the field at fault is the body, not the number of a character."""
    headers = bearer("operator") | {"Content-Type": "application/json"}
    reply = await client.post("/registry/v1/things", content=content, headers=headers)
    assert reply.status_code == status
    assert words in reply.text
    assert [fault["field"] for fault in reply.json()["errors"]] == (["body"] if status == 422 else [])


class Sender:
    """A body in pieces of 64 KiB, whose length nobody says beforehand; `sent` tells how many were taken."""

    def __init__(self, pieces: int) -> None:
        self.pieces, self.sent = pieces, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self.pieces):
            self.sent += 1
            yield b" " * (64 * front.KIB)


@pytest.mark.parametrize(("roles", "status"), [((), 401), (("viewer",), 403)])
async def test_who_may_not_is_told_so_before_a_byte_of_his_is_read(
    client: httpx.AsyncClient, roles: tuple[str, ...], status: int
) -> None:
    """Reading and parsing a large body costs; whose it is costs nothing to know."""
    body = Sender(400)
    headers = {"Content-Type": "application/json"} | (bearer(*roles) if roles else {})
    reply = await client.post("/registry/v1/things", content=body, headers=headers)
    assert (reply.status_code, body.sent) == (status, 0)
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "pieces", "status", "words"),
    [
        ("/registry/v1/things", 2, 413, "64 KiB"),
        ("/registry/v1/lists", 3, 200, ""),
        ("/registry/v1/lists", 49, 413, "3 MiB"),
        ("/registry/v1/open", 2, 413, "64 KiB"),
    ],
)
@pytest.mark.parametrize("stated", [True, False])
async def test_each_route_has_its_bound(
    client: httpx.AsyncClient, path: str, pieces: int, status: int, words: str, stated: bool
) -> None:
    """64 KiB unless the route says otherwise, whether the length is stated or found out, with a token or without."""
    body = Sender(pieces)
    content = b" " * (pieces * 64 * front.KIB) if stated else body
    headers = bearer("operator") | {"Content-Type": "application/json"}
    reply = await client.post(path, content=content, headers=headers)
    assert reply.status_code == status, reply.text
    if status == 413:
        assert reply.json()["code"] == "http_413"
        assert words in reply.json()["texts"]["zh"]
        assert words in reply.json()["errors"][0]["accepted"]


async def test_reading_stops_where_the_bound_is_passed(client: httpx.AsyncClient) -> None:
    body = Sender(4_000)
    reply = await client.post("/registry/v1/lists", content=body, headers=bearer("operator"))
    assert reply.status_code == 413
    assert body.sent <= 3 * 16 + 2


async def test_ten_faults_are_told_and_how_many_there_are(client: httpx.AsyncClient) -> None:
    """A thousand faults would make an answer larger than the request."""
    body = {"names": [{}] * 1000}
    reply = await client.post("/registry/v1/many", json=body, headers=bearer("operator"))
    assert reply.status_code == 422
    assert len(reply.json()["errors"]) == 10
    assert "2000" in reply.json()["texts"]["en"]
    assert "2000" in reply.json()["texts"]["zh"]


async def test_after_a_fault_of_ours_the_connection_is_given_up(client: httpx.AsyncClient) -> None:
    """The server closes it; a proxy that was not told would send another's request on it."""
    reply = await client.get("/registry/v1/faults/ours")
    assert (reply.status_code, reply.headers["connection"]) == (500, "close")
    assert (await client.get("/registry/v1/faults/timeout")).headers["retry-after"] == "2"


async def test_what_is_not_there_is_a_problem_too(client: httpx.AsyncClient) -> None:
    """No second format for errors that never reached a route."""
    reply = await client.get("/nothing/here", headers={"Accept-Language": "zh"})
    assert (reply.json()["code"], reply.json()["title"]) == ("http_404", "没有这个地址。")
    assert (await client.delete("/registry/v1/things")).json()["code"] == "http_405"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ('"7"', 200),
        ("7", 200),
        (None, 422),
        ('W/"7"', 422),
        ("*", 422),
        ("\xb2", 422),
        ("9" * 19, 422),
        ("9" * 5000, 422),
    ],
    ids=range(8),
)
async def test_changes_name_the_version_they_change(client: httpx.AsyncClient, sent: str | None, status: int) -> None:
    """Architecture 9.11: If-Match on changes."""
    headers = bearer("operator") | ({"If-Match": sent.encode("latin-1")} if sent else {})  # type: ignore[dict-item]
    reply = await client.patch("/registry/v1/things", headers=headers)
    assert reply.status_code == status
    assert reply.json() == 7 if status == 200 else reply.json()["errors"][0]["field"] == "If-Match"


async def test_health_is_what_its_parts_are() -> None:
    """/readyz names the part that is not well; /metrics and /quiet answer anyone."""
    parts: dict[str, Any] = {"database": None, "broker": None}

    async def health() -> dict[str, Any]:
        return parts

    async def quiet() -> dict[str, Any]:
        return {"quiet": True}

    app = application()
    app.include_router(status_router(health, quiet))
    seal(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/readyz")).json() == {"ready": True, "parts": parts}
        parts["broker"] = "away"
        reply = await client.get("/readyz")
        assert (reply.status_code, reply.json()) == (503, {"ready": False, "parts": parts})
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/quiet")).json() == {"quiet": True}
        assert "process_cpu_seconds_total" in (await client.get("/metrics")).text


async def test_a_use_case_that_cannot_read_a_callers_words_is_no_fault_of_ours() -> None:
    """A ValidationError inside a handler is 422 and names the field; of a model that is answered with it is ours."""

    class Answer(BaseModel):
        """What a route answers with."""

        size: int

    app, routes = application(), APIRouter(prefix="/registry/v1")

    @routes.get("/theirs")
    @public
    async def theirs() -> Answer:
        Body.model_validate({"name": "", "size": 1})
        return Answer(size=1)

    @routes.get("/ours")
    @public
    async def ours() -> Answer:
        return Answer.model_validate({"size": "no number"})

    app.include_router(routes)
    seal(app)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/registry/v1") as client:
        reply = await client.get("/theirs")
        assert (reply.status_code, [fault["field"] for fault in reply.json()["errors"]]) == (422, ["name"])
        assert (await client.get("/ours")).status_code == 500


async def test_a_405_names_every_method_of_the_path(client: httpx.AsyncClient) -> None:
    """Also where each method is a route of its own."""
    assert (await client.delete("/registry/v1/things")).headers["allow"] == "PATCH, POST"


async def test_one_header_is_bounded(client: httpx.AsyncClient) -> None:
    """By name, before anyone looks into it."""
    reply = await client.get("/registry/v1/faults/missing", headers={"X-Large": "a" * MAX_HEADER})
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (431, "x-large")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_what_a_body_must_not_hold_is_named_with_what_it_may(client: httpx.AsyncClient, language: str) -> None:
    """An ignored field seems to be obeyed; all faults come together, in the reader's language."""
    body = {"nmae": "x", "parts": [{"size": 1}, {"sizes": 2, "size": -1}]}
    headers = bearer("operator") | {"Accept-Language": language}
    answer = await client.post("/registry/v1/strict", json=body, headers=headers)
    faults = [(fault["field"], fault["accepted"]) for fault in answer.json()["errors"]]
    assert answer.status_code == 422
    assert (
        faults
        == {
            "en": [
                ("name", "Field required"),
                ("parts.1.size", "Input should be greater than or equal to 0"),
                ("parts.1.sizes", "there is no such field; expected one of size"),
                ("nmae", "there is no such field; expected one of name, parts"),
            ],
            "zh-CN": [
                ("name", "缺少此字段"),
                ("parts.1.size", "不得小于 0"),
                ("parts.1.sizes", "没有这个字段,可用:size"),
                ("nmae", "没有这个字段,可用:name, parts"),
            ],
        }[language]
    )
