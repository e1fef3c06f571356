"""HTTP: where units' notices go and whose receipts count: proposed by one, confirmed by another, proved in between."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, field_validator

from libs.common.errors import Unfit
from libs.common.exact import Flag
from libs.common.http.bodies import Body
from libs.common.http.guards import public, require
from libs.common.http.problems import problems
from libs.common.refusals.noting import intake, noting
from libs.common.security.signing import check_key
from libs.common.security.tokens import Principal
from libs.common.strings import Plain
from libs.common.text import Text
from services.decommission.channels.schemas import Address
from services.decommission.deps import Deps
from services.decommission.keys import store, usecases
from services.decommission.keys.domain import UnitKey
from services.decommission.keys.usecases import Proposal
from services.decommission.trials.schemas import Tried
from services.decommission.units import store as unit_store
from services.decommission.units.domain import OtherUnit

KEY_PART = Plain(100)
Contact = Annotated[str, Plain(400, least=0, lines=True)]
KEY_PARTS = ("kty", "crv", "x", "kid", "alg", "use")


class Endpoint(Body):
    """Where a unit's notices go; receipts must be signed with the private half of `public_key` (OKP, Ed25519),
    as a JWS with `alg` `EdDSA` or `Ed25519`."""

    url: Address
    public_key: dict[str, Any]
    contact: Contact | None = Field(None, description="a person; kept in this database and nowhere else")
    honours_keys: Flag = True

    @field_validator("public_key")
    @classmethod
    def _okp(cls, key: dict[str, Any]) -> dict[str, Any]:
        if "d" in key:
            raise Unfit(Text("这是私钥,只应报送公钥", "this is a private key; send the public half only"))
        check_key(key)
        if key.get("alg", "EdDSA") not in ("EdDSA", "Ed25519") or key.get("use", "sig") != "sig":
            en = "expected a key for signatures: alg EdDSA or Ed25519, use sig, or neither of them"
            raise Unfit(Text("须为签名密钥:alg 为 EdDSA 或 Ed25519,use 为 sig,或均不写", en))
        # It goes into case files: what else somebody wrote beside the key does not.
        return {name: KEY_PART.clean(key[name]) for name in KEY_PARTS if isinstance(key.get(name), str)}


class Key(BaseModel):
    """An address and key of a unit. In force from the later of proof and confirmation until the next one is.

    A receipt by it proves a notice `key_age_days` after it came into force.
    """

    url: str
    public_key: dict[str, Any]
    thumbprint: str = Field(description="RFC 7638, SHA-256 in hexadecimal")
    set_by: str
    set_at: datetime
    proved_at: datetime | None
    confirmed_by: str | None
    confirmed_at: datetime | None
    in_force_from: datetime | None
    retired_at: datetime | None


class Challenged(Key):
    """A key and, while its holder has not proved that he has it, why not, in both languages."""

    unproved: dict[str, str] | None


class Keys(BaseModel):
    """Every key of a unit, the newest first."""

    items: list[Key]
    next: None = None


class Proof(Body):
    """A compact JWS by the proposed key over `{"challenge_sha256": …}`, the SHA-256 of the challenge that was sent."""

    proof: Annotated[str, Plain(20_000, least=10)]


class Confirmation(Body):
    """What the second person has looked at."""

    thumbprint: str = Field(pattern="^[0-9a-f]{64}$")
    url: Address


def _key(key: UnitKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in Key.model_fields}


def router(deps: Deps, wake: Callable[[], None], wake_messenger: Callable[[], None]) -> APIRouter:
    """Units' addresses and keys."""
    routes = APIRouter(
        prefix="/decommission/v1/endpoints/{unit_id}", tags=["setup 配置"], route_class=noting(deps.database)
    )

    def wake_all() -> None:
        wake()
        wake_messenger()

    async def theirs(unit_id: UUID, who: Principal) -> None:
        """Raise OtherUnit where somebody is no operator and does not speak for the unit."""
        if "operator" not in who.roles:
            async with deps.database.reading() as conn:
                if not await unit_store.unit_may_speak(conn, who.scope, unit_id):
                    raise OtherUnit

    @routes.put("", summary="Propose where a unit's notices go 提交通知地址与密钥")
    @intake("unit_id")
    async def propose(
        unit_id: UUID, body: Endpoint, who: Annotated[Principal, require("operator", "unit")]
    ) -> Challenged:
        """The system at the address is asked at once to prove that it holds the key; another person has to confirm."""
        await theirs(unit_id, who)
        proposal = Proposal(**body.model_dump(), by=who.identity, name=who.subject)
        await usecases.propose(deps, unit_id, proposal)
        key, why = await usecases.challenge(deps, unit_id)
        wake_all()
        return Challenged(**_key(key), unproved=why)

    @routes.get("", summary="A unit's addresses and keys, the newest first 单位密钥及其历史")
    async def held(
        unit_id: UUID, who: Annotated[Principal, require("operator", "registrar", "approver", "auditor", "unit")]
    ) -> Keys:
        """All that were ever proposed for it, the newest first, with who proposed and who confirmed each.

        With all of each address, for that is what the second person confirms; a `contact` is never shown.
        """
        if not who.roles & {"operator", "registrar", "approver", "auditor"}:
            await theirs(unit_id, who)
        async with deps.database.reading() as conn:
            return Keys(items=[Key(**_key(key)) for key in await store.history(conn, unit_id)])

    @routes.post("/challenge", summary="Ask again for proof that the key is held 再次质询")
    async def challenge(unit_id: UUID, who: Annotated[Principal, require("operator", "unit")]) -> Challenged:
        """The unit's system is asked again to prove that it holds the key. `unproved` says why it has not."""
        await theirs(unit_id, who)
        key, why = await usecases.challenge(deps, unit_id)
        wake_all()
        return Challenged(**_key(key), unproved=why)

    @routes.post("/test", summary="Try the newest address of a unit 试呼通知地址", responses=problems(429))
    async def test(unit_id: UUID, who: Annotated[Principal, require("operator", "unit")]) -> Tried:
        """One call that says it is a test (`purpose` `test`), to the newest address, in force or not. It proves nothing
        about a case. Every 10 seconds at most."""
        await theirs(unit_id, who)
        async with deps.database.reading() as conn:
            key = await store.newest(conn, unit_id)
        return Tried.of(await usecases.test(deps, key, actor=who.identity))

    @routes.post("/proof", status_code=204, tags=["public 公开"], summary="Proof that the key is held 密钥持有证明")
    @public
    async def proof(unit_id: UUID, body: Proof) -> None:
        """A system that could not answer the challenge at once sends its proof here; the signature is the proof."""
        await usecases.prove(deps, unit_id, body.proof)
        wake_all()

    @routes.post("/confirmation", summary="Confirm an address and key as a second person 确认通知地址与密钥")
    async def confirm(
        unit_id: UUID, body: Confirmation, who: Annotated[Principal, require("registrar", "approver")]
    ) -> Key:
        """Who confirms is not who set it, and signs no plan that rests on it."""
        key = await usecases.confirm(deps, unit_id, **body.model_dump(), by=who.identity, name=who.subject)
        wake_all()
        return Key(**_key(key))

    return routes
