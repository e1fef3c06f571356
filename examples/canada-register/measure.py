"""The closing table as the services tell it, read from their APIs after the last day."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from client import Client
from names import asset_id
from register import Identity
from scenario import Scenario
from usage import ZONE

RULES = {
    "C06": "flagged by C06, no update for 14 days",
    "C15": "flagged by C15, none for 90 days",
    "C16": "flagged by C16, shell",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding as the monitor tells it."""

    asset: str
    rule: str
    opened: date
    cleared: date | None


@dataclass(frozen=True, slots=True)
class Case:
    """One case as decommission tells it: `state` is the outcome where it ended without a closure."""

    case_id: str
    asset: str
    ordinal: int
    rule: str
    opened: date
    state: str
    days: dict[str, date]

    def day(self, kind: str) -> date | None:
        """The day of the last entry of a kind in its log."""
        return self.days.get(kind)


async def findings(client: Client) -> list[Finding]:
    """Every finding there ever was."""
    return [
        Finding(
            found["asset_id"],
            found["rule"],
            date.fromisoformat(found["opened_on"]),
            date.fromisoformat(found["cleared_on"]) if found["cleared_on"] else None,
        )
        async for found in client.items("/monitor/v1/findings")
    ]


async def cases(client: Client) -> list[Case]:
    """Every case there ever was, with its log."""
    listed = [case["case_id"] async for case in client.items("/decommission/v1/cases")]
    return [_case(found) for found in await client.each(f"/decommission/v1/cases/{case_id}" for case_id in listed)]


def _case(found: dict[str, Any]) -> Case:
    days = {entry["kind"]: _day(entry["at"]) for entry in found["log"]}
    ended = [entry["data"]["outcome"] for entry in found["log"] if entry["kind"] == "ended"]
    return Case(
        found["case_id"],
        found["asset_id"],
        found["ordinal"],
        found["rule"],
        _day(found["opened_at"]),
        ended[0] if ended else found["state"],
        days,
    )


def _day(instant: str) -> date:
    return datetime.fromisoformat(instant).astimezone(ZONE).date()


async def register_numbers(client: Client, touched: Iterable[Identity], imported: dict[str, int]) -> dict[str, int]:
    """Of the registry: what the import did, and what the histories of the accounts the log touches say."""
    total = sum([row["assets"] for row in (await client.get("/registry/v1/summary"))["items"]])
    outcomes: Counter[str] = Counter()
    for history in await client.each(f"/registry/v1/assets/{asset_id(k)}/history" for k in touched):
        outcomes.update(version["outcome"] for version in history["items"])
    return {
        "recorded": imported["added"],
        "twins refused": imported["duplicate"],
        "added": total - imported["added"],
        "gone": outcomes["gone"],
        "restored to the register": outcomes["restored"],
    }


def finding_numbers(scenario: Scenario, found: list[Finding]) -> dict[str, int]:
    """Of the monitor: findings by rule, and what happened over the blind source."""
    by_rule = Counter(finding.rule for finding in found)
    blind = scenario.blindness
    over = [
        finding
        for finding in found
        if blind is not None and finding.asset in {asset_id(k) for k in scenario.read_by(blind.source)}
    ]
    return {
        "flagged": len(found),
        **{name: by_rule[rule] for rule, name in RULES.items()},
        "cleared": sum(finding.cleared is not None for finding in found),
        "opened while blind": sum(blind is not None and blind.covers(f.opened) for f in over),
        "cleared while blind": sum(blind is not None and blind.covers(f.cleared or date.max) for f in over),
        "flagged on recovery": sum(blind is not None and f.opened == blind.recovery for f in over),
    }


async def case_numbers(client: Client, found: list[Case]) -> dict[str, int]:
    """Of decommission: where every case stands, what its log says happened on the way, and the alarms that last."""
    states = Counter(case.state for case in found)
    settled = {
        "undelivered": states["undelivered"],
        "kept": states["kept"],
        "fixed": states["fixed"],
        "refuted": states["refuted"],
        "closed and verified": states["closed"],
        "unverified": states["unverified"],
        "restored": states["restored"],
    }
    return {
        "cases": len(found),
        "noticed": sum(case.day("noticed") is not None for case in found),
        "held": sum(case.day("held") is not None for case in found),
        **settled,
        "under way": len(found) - sum(settled.values()),
        "alarms": len([alarm async for alarm in client.items("/decommission/v1/alarms", state="lasting")]),
    }
