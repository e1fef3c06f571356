"""What has to agree beyond the numbers: every finding and case by name and day, every raw call, every page."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from client import Client
from measure import Case, Finding
from names import asset_id
from oracle import Expected
from register import Identity

SHOWN = 5  # of each kind of difference


def findings(found: list[Finding], expected: Expected) -> list[str]:
    """Exactly the findings computed, opened and cleared on exactly those days."""
    wanted: dict[tuple[str, str, date], date | None] = {}
    open_: dict[tuple[Identity, str], date] = {}
    for day, sweep in expected.sweeps.items():
        for identity, rule in sweep.opened:
            open_[identity, rule] = day
            wanted[asset_id(identity), rule, day] = None
        for identity, rule in sweep.cleared:
            wanted[asset_id(identity), rule, open_.pop((identity, rule))] = day
    measured = {(f.asset, f.rule, f.opened): f.cleared for f in found}
    return _differences("finding", measured, wanted)


def cases(found: list[Case], expected: Expected) -> list[str]:
    """Exactly the cases computed, each where it was to stand, noticed, held, stopped and ended on those days."""
    wanted: dict[tuple[str, int], Any] = {}
    ordinals: Counter[Identity] = Counter()
    for case in expected.closing.cases:
        ordinals[case.identity] += 1
        wanted[asset_id(case.identity), ordinals[case.identity]] = (
            case.state,
            case.rule,
            case.opened,
            case.noticed,
            case.stopped,
            case.ended,
            case.held,
        )
    measured = {(case.asset, case.ordinal): _told(case) for case in found}
    return _differences("case", measured, wanted)


def _told(case: Case) -> tuple[Any, ...]:
    ended = next((day for kind in ("closed", "restored", "ended") if (day := case.day(kind))), None)
    return (
        case.state,
        case.rule,
        case.opened,
        case.day("noticed"),
        case.day("stop_accepted"),
        ended,
        case.day("held") is not None,
    )


def _differences(what: str, measured: dict[Any, Any], wanted: dict[Any, Any]) -> list[str]:
    wrong = [key for key in measured.keys() | wanted.keys() if measured.get(key, "none") != wanted.get(key, "none")]
    return [
        f"{what} {key}: told {_plain(measured.get(key, 'none'))}, computed {_plain(wanted.get(key, 'none'))}"
        for key in sorted(wrong, key=str)[:SHOWN]
    ]


def _plain(value: Any) -> str:
    return ", ".join(str(part) for part in value) if isinstance(value, tuple) else str(value)


def calls(made: Iterable[dict[str, Any]], *, crashed: bool) -> list[str]:
    """Each key acted once; and where nothing crashed, it came once. No call came unsigned or signed by another."""
    raw: Counter[tuple[str, str]] = Counter()
    acted: Counter[tuple[str, str]] = Counter()
    faults = []
    for call in made:
        if call["what"] == "look":
            continue
        place = (call["what"], call["key"])
        raw[place] += 1
        acted[place] += call["outcome"] not in ("repeated", "refused")
        if call["outcome"] == "refused":
            faults.append(f"the world refused a {call['what']}: {call['why']}")
    faults += [f"{what} under the key {key} acted {n} times" for (what, key), n in acted.items() if n != 1]
    if not crashed:
        faults += [f"{what} under the key {key} came {n} times" for (what, key), n in raw.items() if n != 1]
    return faults[:SHOWN]


def pages(stopped: Iterable[str], expected: Expected) -> list[str]:
    """The world's dark pages are those of the accounts whose case stopped them, the liar's excepted."""
    liars = {case.identity for case in expected.closing.cases if case.fate == "liar"}
    wanted = {"/".join(identity) for identity in expected.closing.stopped - liars}
    dark = set(stopped)
    return [] if dark == wanted else [f"dark pages differ: {sorted(dark ^ wanted)[:SHOWN]}"]


async def tombstones(client: Client, found: list[Case]) -> list[str]:
    """Whoever asks for a closed account in public is told so; the register's record is closed."""
    faults = []
    by_state: dict[str, list[Case]] = defaultdict(list)
    for case in found:
        by_state[case.state].append(case)
    closed = {asset["asset_id"] async for asset in client.items("/registry/v1/assets", record="closed")}
    if closed != {case.asset for case in by_state["closed"]}:
        faults.append(f"the register holds {len(closed)} closed records, {len(by_state['closed'])} cases are closed")
    for case in by_state["closed"][:SHOWN]:
        stone = await client.get(f"/registry/v1/tombstones/{case.asset}", None)
        if stone["case_id"] != case.case_id:
            faults.append(f"the tombstone of {case.asset} names another case")
    return faults
