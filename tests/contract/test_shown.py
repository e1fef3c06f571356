"""Every operation of the three documents tells what it is for, who may call it, and shows examples that are true."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from services import SERVICES
from tests.contract import published
from tests.contract.shown import lacking

HELD = published.snapshots(published.APIS)  # which are what the services serve: test_openapi


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_tells_all(service: str) -> None:
    assert lacking(HELD[service]) == []


POST, GET = ("paths", "/registry/v1/assets", "post"), ("paths", "/registry/v1/assets/{asset_id}", "get")
SENT, GOT = (*POST, "requestBody", "content", "application/json"), (*GET, "responses", "200", "content")


@pytest.mark.parametrize(
    ("place", "change", "said"),
    [
        (POST, lambda o: o.pop("summary"), "its summary is not in both languages"),
        (POST, lambda o: o.update(summary="Record an asset"), "its summary is not in both languages"),
        (POST, lambda o: o.update(description="**Roles 角色:** registrar"), "no description"),
        (POST, lambda o: o.update(description="word " * 20), "it does not say who may call it"),
        (POST, lambda o: o.update(security=[]), "it does not say who may call it"),
        ((*POST, "responses"), lambda r: r.pop("401"), "401 and 403"),
        (SENT, lambda c: c.pop("example"), "sent application/json: no example"),
        ((*SENT, "example"), lambda e: e.pop("name"), "its example is none"),
        ((*SENT, "example"), lambda e: e.update(nmae="x"), "its example is none"),
        ((*SENT, "example", "sponsor"), lambda e: e.update(extra=1), "its example is none, at sponsor"),
        ((*GOT, "application/json", "example"), lambda e: e.update(version="one"), "its example is none, at version"),
        ((*GOT, "application/json", "example"), lambda e: e.update(vesion=1), "its example is none"),
        ((*GOT, "application/json"), lambda c: c.pop("example"), "200 application/json: no example"),
        ((*GET, "parameters", 0), lambda p: p.update(example="nobody"), "parameter asset_id: its example is none"),
        ((*GET, "responses", "404", "content", "application/problem+json"), lambda c: c.pop("examples"), "no example"),
        (("components", "examples", "problem_404", "value"), lambda v: v.update(status=409), "404 is shown by"),
        (("components", "securitySchemes"), lambda s: s.clear(), "no bearer scheme"),
    ],
)
def test_a_planted_lack_is_found(place: tuple[Any, ...], change: Callable[[Any], None], said: str) -> None:
    document = copy.deepcopy(HELD["registry"])
    part: Any = document
    for step in place:
        part = part[step]
    change(part)
    assert any(said in each for each in lacking(document)), lacking(document)
