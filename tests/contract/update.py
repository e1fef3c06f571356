"""`python -m tests.contract.update [PART …] [--anew]`: record what is told.

The parts are platforms, events, openapi, asyncapi, signals and vocabularies; all of them where none is named.

Additions are recorded; a break is refused with its list. What must break becomes a new type `….v2`, or a new version of
the API; only before a first release, when nobody relies on anything yet, `--anew` records it all the same.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deploy.database.migrations import migrate
from deploy.kafka import asyncapi
from deploy.local.postgres import OWNER, LocalPostgres
from libs.common.http import manual
from services import SERVICES
from services.monitor.signals import catalogue
from services.registry.platforms.names import USUAL
from tests.contract import additive, published, vocabularies

KNOWN = published.ROOT / "libs" / "common" / "events" / "known.py"
Breaks = Callable[[Any, Any], list[str]]


def record(folder: Path, now: Mapping[str, Any], breaks: Breaks, *, anew: bool = False) -> list[str]:
    """Write every snapshot that changed by additions only; returns the breaks, and writes nothing if there is one."""
    held = published.snapshots(folder)
    found = [f"{name}: removed" for name in held if name not in now]
    for name, snapshot in now.items():
        if name in held:
            found += [f"{name} · {each}" for each in breaks(held[name], snapshot)]
    if not found or anew:
        folder.mkdir(exist_ok=True)
        for name in held.keys() - now.keys():
            (folder / f"{name}.json").unlink()
        for name, snapshot in now.items():
            if held.get(name) != snapshot:
                (folder / f"{name}.json").write_text(published.written(snapshot))
                print(f"recorded {name}")
    return found


def events() -> dict[str, Any]:
    """Every event by its type."""
    return {cls.TYPE: published.event_snapshot(cls) for cls in published.event_classes()}


def apis() -> dict[str, Any]:
    """Every service's OpenAPI document, from a process of its own on a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory() as place:
        server = LocalPostgres(Path(place) / "postgres").start()
        try:
            asyncio.run(server.prepare())
            found = {}
            for service in SERVICES:
                name = f"jianfu_{service}"
                migrations = published.ROOT / "services" / service / "migrations"
                asyncio.run(migrate(server.url(name, user=OWNER), migrations, service_role=name))
                found[service] = published.openapi(service, server.url(name, user=name), Path(place) / service)
            return found
        finally:
            server.stop()


def platforms() -> None:
    """Write the names of the registry's platforms into the list that all services share."""
    text = KNOWN.read_text()
    names = "".join(f'        "{name}",\n' for name in sorted(USUAL))
    begin, end = "PLATFORMS = frozenset(\n    {\n", "    }\n)\n"
    before, _, rest = text.partition(begin)
    KNOWN.write_text(f"{before}{begin}{names}{end}{rest.partition(end)[2]}")


def main(wanted: list[str]) -> int:
    anew = "--anew" in wanted
    every = ["platforms", "events", "openapi", "asyncapi", "signals", "vocabularies"]
    parts = [part for part in wanted if part != "--anew"] or every
    found = []
    if "platforms" in parts:
        platforms()
    if "events" in parts:
        found += record(published.EVENTS, events(), additive.event_breaks, anew=anew)
    if "openapi" in parts:
        found += record(published.APIS, apis(), additive.api_breaks, anew=anew)
    if "asyncapi" in parts:
        manual.ASYNCAPI.write_text(asyncapi.served())
    if "signals" in parts:
        published.SIGNALS.write_text(catalogue.page(), "utf-8")
    if "vocabularies" in parts:
        vocabularies.PAGE.parent.mkdir(exist_ok=True)
        vocabularies.PAGE.write_text(vocabularies.page())
    for each in found:
        print(f"{'broken' if anew else 'refused'}: {each}", file=sys.stderr)
    return bool(found) and not anew


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
