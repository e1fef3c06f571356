"""HTTP for everybody, without a token: whether an address or a name is official."""

from datetime import tzinfo
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from libs.common.db.pool import Database
from libs.common.errors import Invalid
from libs.common.http import pages as common
from libs.common.http.guards import public
from libs.common.strings import Plain
from libs.common.text import Text
from services.registry.verification import answers, pages, schemas, usecases


def router(database: Database, zone: tzinfo) -> APIRouter:
    """The question whether an address or a name is official; days are those of `zone`."""
    routes = APIRouter(prefix="/registry/v1", tags=["public 公开"])

    @routes.get(
        "/verify",
        summary="Is it official, and whose? 是否官方,由谁主办",
        response_model=schemas.Verified,
        responses=common.PAGE,
    )
    @public
    async def verify(
        request: Request,
        address: Annotated[
            str | None,
            Plain(2000),
            Query(
                description="网址、账号名、应用包名 its address or, with `platform`, what it is called there",
                examples=["https://weibo.com/chengdufabu"],
            ),
        ] = None,
        name: Annotated[
            str | None, Plain(400), Query(description="所显示的名称 the name that is shown", examples=["成都发布"])
        ] = None,
        platform: Annotated[
            str, Plain(60, least=0), Query(description="地址不含平台时填写 where the address does not tell")
        ] = "",
    ) -> Response:
        """By address: an account by its page or, with `platform`, its name there; an app by its page or package.

        By `name`: all that are shown under that name, on one platform or on any. What is given as an address and can be
        none is looked for as a name. A name that is shown proves nothing: compare the address that the answer tells.
        A browser gets a page, and without a question the form to ask it.
        """
        if address is None and name is None and common.wanted(request):
            return pages.verified(None)
        if (address is None) == (name is None):
            why = Text("address 与 name 须填且只填一项", "one of address and name is needed, and not both")
            raise Invalid(field="address", accepted="an address, or a name under `name`", why=why)
        async with database.reading() as conn:
            if name is not None:
                answer = await usecases.of_name(conn, name, platform, zone)
            else:
                answer = await usecases.of_address(conn, address or "", platform, zone)
        verified = answers.verified(answer, request.headers.get("accept-language", ""))
        if common.wanted(request):
            return pages.verified(verified, asked=name or address or "", platform=platform)
        headers = {"Vary": common.HEADERS["Vary"]}
        return Response(verified.model_dump_json(), media_type="application/json", headers=headers)

    return routes
