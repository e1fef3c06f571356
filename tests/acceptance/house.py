"""A running house and a client that plays days in it: `jianfu up` as a child, the world beside it."""

import asyncio
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiokafka
import asyncpg
import httpx

from deploy.local.issuer import issue
from libs.common.events.envelope import Event, pack
from libs.common.events.ids import asset_id
from libs.common.events.intake import AssetDeclared, SourceStated, UnitRef
from tests.acceptance.running import JIANFU
from tests.acceptance.world import unit_key

SERVICES = ("registry", "monitor", "decommission")
ROOT = Path(__file__).parents[2]
WINDOWS = {
    "answer_days": 1,
    "announce_days": 1,
    "verify_days": 2,
    "restore_days": 2,
    "min_answer_days": 1,
    "key_age_days": 1,
}


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class House:
    """One stack with a stepped clock; `start` and `stop` may alternate on the same data."""

    def __init__(self, data: Path, **env: str) -> None:
        self.data = data
        self.env = {"JIANFU_DECOMMISSION_WINDOWS": json.dumps(WINDOWS), **env}
        self.world_port = free_port()
        self.world = f"http://127.0.0.1:{self.world_port}"
        self.day = date(2025, 6, 1)
        self._up: subprocess.Popen[bytes] | None = None
        self._world: subprocess.Popen[bytes] | None = None
        self.http: httpx.AsyncClient
        self.stack: dict[str, Any] = {}

    # --- processes

    @property
    def spans(self) -> Path:
        return self.data / "spans.jsonl"

    def trace(self) -> None:
        """Have every service write its spans to one file."""
        self.env["JIANFU_TRACES"] = f"file:{self.spans}"

    def start(self) -> None:
        """Start `jianfu up` and wait until it says it is ready; then the world, which needs its public key."""
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "stack.json").unlink(missing_ok=True)
        services = [part for name, value in self.env.items() for part in ("--env", f"{name}={value}")]
        command = [
            str(JIANFU),
            "up",
            "--data",
            str(self.data),
            "--clock",
            "stepped",
            "--partitions",
            "4",
            "--egress-allow",
            f"127.0.0.1:{self.world_port}",
            *services,
        ]
        with (self.data / "up.log").open("ab") as log:
            self._up = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while not self._ready():
            if self._up.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.data / "up.log").read_text()[-3000:])
            time.sleep(0.1)
        self.stack = json.loads((self.data / "stack.json").read_text())
        self.http = httpx.AsyncClient(base_url=self.stack["address"], timeout=30)
        if self._world is None:
            key = self.data / "keys" / "decommission-signing.pub"
            self._world = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.acceptance.world",
                    str(self.world_port),
                    str(self.data / "world.jsonl"),
                    str(key),
                ],
                cwd=ROOT,
            )

    def _ready(self) -> bool:
        file = self.data / "stack.json"
        if not file.exists():
            return False
        address = json.loads(file.read_text())["address"]
        with suppress(httpx.HTTPError):
            return all(httpx.get(f"{address}/{name}/readyz").status_code == 200 for name in SERVICES)
        return False

    def stop(self) -> None:
        """Ctrl-C."""
        if self._up is not None and self._up.poll() is None:
            self._up.send_signal(signal.SIGINT)
            self._up.wait(60)
        self._up = None

    async def end(self) -> None:
        await self.http.aclose()
        self.stop()
        if self._world is not None:
            self._world.kill()
            self._world.wait()

    def kill_service(self, name: str) -> None:
        """SIGKILL; `jianfu up` starts it again."""
        pid = json.loads((self.data / "stack.json").read_text())["services"][name]["pid"]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    # --- speaking to it

    def token(self, *roles: str, subject: str = "test", unit: str | None = None) -> str:
        key = json.loads((self.data / "keys" / "issuer.jwk").read_text())
        return issue(key, subject, roles, unit=unit)

    async def call(self, method: str, path: str, body: Any = None, *, role: str = "operator", **more: Any) -> Any:
        """A request through the gateway, patient while a killed service comes back. Raises on any refusal."""
        headers = {"Authorization": f"Bearer {self.token(role, subject=more.pop('subject', 'test'))}"}
        headers |= more.pop("headers", {})
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        deadline = time.monotonic() + 120
        again = False
        while True:
            try:
                reply = await self.http.request(method, path, headers=headers, **content, **more)
                if reply.status_code < 500 or time.monotonic() > deadline:
                    break
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            again = True
            await asyncio.sleep(0.2)
        if reply.status_code == 409 and again:
            return None  # the first try was done before the answer was lost
        if reply.is_error:
            raise AssertionError(f"{method} {path}: {reply.status_code} {reply.text}")
        return reply.json() if reply.content else None

    async def admit(self, *sources: str, agents: Iterable[str] = ("test",), **covers: Any) -> None:
        """An operator admits sources from today on, for agents of these subjects and, if not said, for all assets."""
        body = {
            "agents": [f"jianfu-local|{subject}" for subject in agents],
            "measures": ["posts", "posts_total", "views"],
            "covers": covers or {"everything": True},
            "reason": "the only source of this story",
        }
        for source in sources:
            await self.call("PUT", f"/monitor/v1/sources/{source}/admission", body)

    async def everything(self, path: str, *, role: str = "viewer") -> list[Any]:
        """All pages of a list."""
        items: list[Any] = []
        cursor = None
        while True:
            more = f"{'&' if '?' in path else '?'}limit=500" + (f"&cursor={cursor}" if cursor else "")
            page = await self.call("GET", path + more, role=role)
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items

    async def quiet(self, seconds: float = 400) -> None:
        """Two successive rounds over all services with nothing on its way and the same end offsets."""
        before: Any = None
        async with asyncio.timeout(seconds):
            while True:
                rounds = [await self._quiet(name) for name in SERVICES]
                now = [r["end_offsets"] for r in rounds] if all(r.get("quiet") for r in rounds) else None
                if now is not None and now == before:
                    return
                before = now
                await asyncio.sleep(0.01 if now else 0.05)

    async def _quiet(self, name: str) -> dict[str, Any]:
        try:
            reply = await self.http.get(f"/{name}/quiet")
            return dict(reply.json()) if reply.status_code == 200 else {}
        except (httpx.TransportError, ValueError):
            return {}

    def kafka(self, user: str) -> dict[str, Any]:
        """aiokafka's options for one principal."""
        found = self.stack["kafka"]
        password = Path(found["password_files"][user]).read_text().strip()
        return {
            "bootstrap_servers": found["bootstrap_servers"],
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": user,
            "sasl_plain_password": password,
        }

    async def produce(self, topic: str, records: Iterable[dict[str, Any]], *, user: str = "intake") -> None:
        """Send records (key, value, headers) and wait for every acknowledgement."""
        producer = aiokafka.AIOKafkaProducer(**self.kafka(user), acks="all", linger_ms=5)
        await producer.start()
        try:
            sent = [await producer.send(topic, **record) for record in records]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    async def tell(self, events: Iterable[Event], *, role: str, salt: str = "") -> None:
        """Intake events, each with a bearer token; `salt` makes their ids differ from an earlier telling."""
        bearer = ("authorization", f"Bearer {self.token(role)}".encode())
        by_topic: dict[str, list[dict[str, Any]]] = {}
        for event in events:
            message = pack(event, sequence=1, time=self.instant(), traceparent=None)
            headers = [(k, v) for k, v in message.headers if k != "ce_id"]
            headers.append(("ce_id", f"{event.TYPE}:{message.key.decode()}:{self.day}:{salt}".encode()))
            record = {"key": message.key, "value": message.body, "headers": [*headers, bearer]}
            by_topic.setdefault(message.topic, []).append(record)
        for topic, records in by_topic.items():
            await self.produce(topic, records)

    async def database(self, service: str) -> asyncpg.Connection:
        """A superuser's connection to one service's database, for looking only."""
        where = dict(self.stack["databases"][service])
        where["password"] = self.secret(where.pop("password_file"))
        return await asyncpg.connect(**where)

    @staticmethod
    def secret(file: str) -> str:
        return Path(file).read_text().strip()

    # --- playing days

    def instant(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 4, tzinfo=UTC)

    async def step(self, to: date | None = None) -> None:
        self.day = to or self.day + timedelta(days=1)
        for name in SERVICES:
            await self.call("POST", f"/{name}/v1/clock", {"now": self.instant().isoformat()}, role="clock")

    async def sweep(self) -> dict[str, Any]:
        return dict(await self.call("POST", "/monitor/v1/sweeps", {}))

    async def rounds(self) -> None:
        """Let all that is due move, approve what was sealed as two people, let that move too."""
        await self.call("POST", "/decommission/v1/rounds", {})
        await self.quiet()
        for plan in await self.everything("/decommission/v1/plans?state=sealed"):
            await self.sign(plan)
        await self.call("POST", "/decommission/v1/rounds", {})
        await self.quiet()

    async def sign(self, plan: dict[str, Any]) -> None:
        """Two people sign a sealed plan's hash."""
        for who in ("ada", "bo"):
            path = f"/decommission/v1/plans/{plan['plan_id']}/approvals"
            await self.call("POST", path, {"sha256": plan["sha256"]}, role="approver", subject=who)

    async def set_up_world(self, unit: str, unit_id: object, *platforms: str) -> None:
        """Where the unit's notices go and how the platforms are switched.

        One proposes the unit's key, its system proves at once that it holds it, another person confirms it; it proves
        a notice from tomorrow on.
        """
        public = {k: v for k, v in unit_key(unit).items() if k != "d"}
        place = f"/decommission/v1/endpoints/{unit_id}"
        key = await self.call(
            "PUT", place, {"url": f"{self.world}/units/{unit}/notices", "public_key": public, "contact": "a person"}
        )
        assert key["proved_at"] is not None, key
        seen = {"thumbprint": key["thumbprint"], "url": key["url"]}
        await self.call("POST", f"{place}/confirmation", seen, role="registrar", subject="rita")
        for platform in platforms:
            await self.call(
                "PUT",
                f"/decommission/v1/connectors/{platform}",
                {
                    "stop_url": f"{self.world}/connector",
                    "restore_url": f"{self.world}/connector",
                    "probe_url": self.world + "/pages/{platform}/{identity}",
                    "honours_keys": True,
                },
            )

    async def manners(self, **manners: dict[str, Any]) -> None:
        async with httpx.AsyncClient() as client:
            (await client.post(f"{self.world}/manners", json=manners)).raise_for_status()

    async def world_state(self) -> dict[str, Any]:
        async with httpx.AsyncClient() as client:
            return dict((await client.get(f"{self.world}/state")).json())


def declared(name: str, unit: str, day: date, *, source: str = "list") -> AssetDeclared:
    """A declaration of an account on X by a unit."""
    return AssetDeclared(
        source=source,
        on=day,
        kind="account",
        platform="X",
        address=f"https://x.com/{handle(name)}",
        name=name,
        language="en",
        sponsor=UnitRef(scheme="ca-name", value=unit, name=unit, language="en"),
    )


def handle(name: str) -> str:
    """An account's name as X allows it: letters, digits and low lines, at most fifteen."""
    allowed = name.replace("-", "_")
    return allowed if len(allowed) <= 15 else allowed[:8] + hashlib.sha256(allowed.encode()).hexdigest()[:7]


def account(name: str) -> UUID:
    """The account that `declared` tells of under a name."""
    return asset_id("account", "x", handle(name).lower())


def beacon(house: House, source: str, asset: UUID, day: date, user: str = "u1") -> dict[str, Any]:
    """One post by an asset on a day."""
    noon = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    value = {
        "source": source,
        "asset_id": str(asset),
        "measure": "posts",
        "ts": int(noon.timestamp() * 1000),
        "count": 1,
        "user": user,
    }
    bearer = ("authorization", f"Bearer {house.token('agent')}".encode())
    return {"key": str(asset).encode(), "value": json.dumps(value).encode(), "headers": [bearer]}


def stated(source: str, day: date, assets: Iterable[UUID], records: int, revision: int = 1) -> SourceStated:
    return SourceStated(
        source=source, day=day, assets=tuple(assets), records=records, revision=revision, measures=("posts",)
    )


async def eventually(check: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait until `check` (may be async) answers something true."""
    async with asyncio.timeout(seconds):
        while True:
            found = check()
            found = await found if asyncio.iscoroutine(found) else found
            if found:
                return found
            await asyncio.sleep(0.05)


def new_data(tmp: Path) -> Path:
    return tmp / f"house-{uuid4().hex[:8]}"
