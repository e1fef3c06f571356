"""HTTP: the policy packs in force."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel

from libs.common.errors import Missing
from libs.common.http.guards import require
from libs.common.http.paging import Page
from libs.common.security.roles import READERS
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from services.monitor.policy import pack
from services.monitor.policy.pack import Pack
from services.monitor.policy.rulebook import RuleBook


class RuleOut(pack.Rule):
    """A rule as written, with the signals it reads and its weakest label."""

    reads: list[str]
    weakest_label: str


class PackOut(BaseModel):
    """A policy pack."""

    name: str
    version: str
    title: pack.Text
    sources: list[pack.PackSource]
    rules: list[RuleOut]


class PackList(Page[PackOut]):
    next: str | None = None


def router(book: RuleBook) -> APIRouter:
    """Packs."""
    routes = APIRouter(prefix="/monitor/v1/packs", tags=["packs 规则包"])
    packs = {one.name: rendered(one) for one in book.packs}

    @routes.get("", summary="Policy packs in force 现行规则包")
    async def listed(_: Annotated[Principal, require(*READERS)]) -> PackList:
        """Every rule with its legal basis, and a label of how well that basis is established."""
        return PackList(items=list(packs.values()))

    @routes.get("/{name}", summary="One policy pack 单个规则包")
    async def one(name: Annotated[str, Plain(100)], _: Annotated[Principal, require(*READERS)]) -> PackOut:
        """Its sources, and its rules as they are written."""
        if name not in packs:
            raise Missing(what=name)
        return packs[name]

    return routes


def rendered(shown: Pack) -> PackOut:
    """A pack as the API shows it."""
    rules = [
        RuleOut(**rule.model_dump(), reads=list(shown.conditions[rule.code].signals), weakest_label=rule.label)
        for rule in shown.rules
    ]
    return PackOut(name=shown.name, version=shown.version, title=shown.title, sources=list(shown.sources), rules=rules)
