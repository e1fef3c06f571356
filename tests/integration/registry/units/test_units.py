"""Units on a real database: which of them a token may speak for, and by which codes they are known."""

import pytest

from libs.common.errors import Invalid, Unknown
from libs.common.events.intake import UnitRef
from libs.common.security.tokens import Principal
from services.registry.assets import usecases as asset_usecases
from services.registry.units import usecases
from services.registry.units.domain import OutOfScope, UnitAdditions, UnitCodeTaken, UnitCycle
from tests.integration.registry.conftest import NOW, Registry, declared, delisted


async def unit(registry: Registry, value: str, parent: str | None = None, **more: object) -> None:
    ref = UnitRef(scheme="cn-name", value=value, name=value, language="zh")
    above = ("cn-name", parent) if parent else None
    await usecases.record_unit(registry.database, ref, UnitAdditions(**more), parent=above, now=NOW)  # type: ignore[arg-type]


async def test_a_unit_speaks_for_its_own_subtree_only(registry: Registry) -> None:
    for value, parent in (("province", None), ("city", "province"), ("elsewhere", None)):
        await unit(registry, value, parent)

    async def speak(scope: str | None, sponsor: str, name: str) -> str:
        event = declared(name, sponsor=UnitRef(scheme="cn-name", value=sponsor, name=sponsor))
        return await registry.outcome(event, who=Principal("u", frozenset({"unit"}), scope))

    assert await speak("cn-name:province", "city", "below") == "registered"
    assert await speak("cn-name: CITY", "city", "own") == "registered"
    refused = (
        ("cn-name:city", "province"),
        ("cn-name:elsewhere", "city"),
        (None, "city"),
        ("x:y", "new"),
        (":", "city"),
    )
    for scope, sponsor in refused:
        with pytest.raises(OutOfScope):
            await speak(scope, sponsor, "refused")
    assert await registry.fetch("select count(*) from units") == 3


async def test_no_unit_takes_over_or_removes_what_another_answers_for(registry: Registry) -> None:
    for value in ("mine", "yours"):
        await unit(registry, value)
    sponsor = UnitRef(scheme="cn-name", value="yours", name="yours")
    await registry.take(declared("a", sponsor=sponsor))
    me = Principal("u", frozenset({"unit"}), "cn-name:mine")
    taking = declared("a", sponsor=UnitRef(scheme="cn-name", value="mine", name="mine"))
    for event in (taking, delisted("a")):
        with pytest.raises(OutOfScope):
            await registry.take(event, who=me)
    with pytest.raises(OutOfScope):
        await asset_usecases.amend(
            registry.database,
            (await registry.take(declared("b", sponsor=sponsor))).asset_id,
            1,
            me,
            name="x",
            language=None,
            opened_on=None,
            now=NOW,
        )
    assert await registry.state("a") == "draft online"


async def test_a_name_of_a_unit_that_shows_nothing_is_refused_under_its_own_field(registry: Registry) -> None:
    unseen = "\u200b\u2066"
    with pytest.raises(Invalid) as refused:
        await registry.take(declared("a", sponsor=UnitRef(scheme="cn-name", value="u", name=unseen)))
    assert refused.value.field == "sponsor.name"
    ref = UnitRef(scheme="cn-name", value="u", name=unseen)
    with pytest.raises(Invalid) as refused:
        await usecases.record_unit(registry.database, ref, UnitAdditions(), parent=None, now=NOW)
    assert refused.value.field == "names"


async def test_a_unit_is_known_by_every_code_and_stands_below_one_parent(registry: Registry) -> None:
    await unit(registry, "province")
    await unit(registry, "city", "province", aliases=(("ca-name", "City of X"),), level="city", region="510100")
    await unit(registry, "city", aliases=(("ca-name", "city  of x"),))
    assert await registry.fetch("select count(*) from units") == 2
    event = declared("a", sponsor=UnitRef(scheme="ca-name", value="CITY OF X", name="City of X"))
    asset = await registry.take(event)
    assert await registry.fetch("select level from units u join assets a on a.sponsor_id = u.unit_id") == "city"
    assert asset.outcome == "registered"
    with pytest.raises(UnitCodeTaken):
        await unit(registry, "province", aliases=(("ca-name", "City of X"),))
    for value, parent in (("province", "city"), ("province", "province")):
        with pytest.raises(UnitCycle):
            await unit(registry, value, parent)
    with pytest.raises(Unknown):
        await unit(registry, "town", "nowhere")
