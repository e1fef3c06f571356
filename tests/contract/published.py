"""What is published now, and the snapshots of it: events from the code, OpenAPI documents from running services."""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from deploy.local import subprocesses
from libs.common import events
from libs.common.events.envelope import Event
from libs.common.security import tokens

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EVENTS = HERE / "events"
APIS = HERE / "openapi"
SIGNALS = ROOT / "docs" / "architecture" / "monitor" / "signals-in-use.md"


def event_classes() -> list[type[Event]]:
    """Every event of the published language, by type."""
    for module in pkgutil.iter_modules(events.__path__):
        importlib.import_module(f"{events.__name__}.{module.name}")
    found, waiting = [], [Event]
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        if cls.__module__.startswith(events.__name__) and "TYPE" in cls.__dict__:
            found.append(cls)
    return sorted(found, key=lambda cls: cls.TYPE)


def event_snapshot(cls: type[Event]) -> dict[str, Any]:
    """Where an event travels and what it holds."""
    return {
        "type": cls.TYPE,
        "topic": cls.TOPIC,
        "source": cls.SOURCE,
        "key": cls.KEY,
        "subject": cls.SUBJECT,
        "schema": cls.model_json_schema(),
    }


def written(value: Any) -> str:
    """A snapshot's text; fields stay in the order of the code."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def snapshots(folder: Path) -> dict[str, Any]:
    """Name → snapshot, of all that were recorded."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}


@contextmanager
def serving(service: str, database_url: str, folder: Path) -> Iterator[str]:
    """A service that answers HTTP, without a broker; yields its address."""
    folder.mkdir(parents=True, exist_ok=True)
    key = tokens.new_key("contract")
    (folder / "jwks.json").write_text(json.dumps(tokens.public_jwks(key)))
    (folder / "signing.jwk").write_text(json.dumps(key))
    port, prefix = subprocesses.port(), f"JIANFU_{service.upper()}_"
    env = {
        "PATH": os.environ["PATH"],
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{subprocesses.port()}",
        "JIANFU_PROFILE": "local",
        "JIANFU_ISSUER_JWKS_FILE": str(folder / "jwks.json"),
        f"{prefix}LISTEN": f"127.0.0.1:{port}",
        f"{prefix}DATABASE_URL": database_url,
    }
    if service == "decommission":
        env |= {f"{prefix}SIGNING_KEY_FILE": str(folder / "signing.jwk"), f"{prefix}ARCHIVE_DIR": str(folder)}
    log = folder / "log"
    child = subprocesses.spawn(
        [sys.executable, "-m", f"services.{service}", "--role", "api"], log=log, env=env, cwd=ROOT
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(child, address, log)
        yield address
    finally:
        child.kill()
        child.wait()


def _wait(child: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{address}/healthz").raise_for_status()
            return
        except httpx.HTTPError:
            if child.poll() is not None or time.monotonic() > end:
                raise RuntimeError(subprocesses.tail(log)) from None
            time.sleep(0.05)


def openapi(service: str, database_url: str, folder: Path) -> dict[str, Any]:
    """The OpenAPI document as a caller gets it."""
    with serving(service, database_url, folder) as address:
        return dict(httpx.get(f"{address}/{service}/v1/openapi.json").raise_for_status().json())
