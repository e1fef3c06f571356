"""The closing table as the services tell it, read from their APIs after the last day."""

from collections import Counter
from collections.abc import Iterable

from client import Client
from names import asset_id
from register import Identity

RULES = {
    "C06": "flagged by C06, no update for 14 days",
    "C15": "flagged by C15, none for 90 days",
    "C16": "flagged by C16, shell",
}


async def register_numbers(client: Client, touched: Iterable[Identity], imported: dict[str, int]) -> dict[str, int]:
    """Of the registry: what the import did, and what the histories of the accounts the log touches say."""
    total = sum([row["assets"] for row in (await client.get("/registry/v1/summary"))["items"]])
    outcomes: Counter[str] = Counter()
    for identity in touched:
        history = await client.get(f"/registry/v1/assets/{asset_id(identity)}/history")
        outcomes.update(version["outcome"] for version in history["items"])
    return {
        "recorded": imported["added"],
        "twins refused": imported["duplicate"],
        "added": total - imported["added"],
        "gone": outcomes["gone"],
        "restored to the register": outcomes["restored"],
    }


async def monitor_numbers(client: Client, *, watched: int, unknown: int) -> dict[str, int]:
    """Of the monitor: all findings it ever opened, by rule; `watched` and `unknown` are sums over its sweeps."""
    opened: Counter[str] = Counter()
    cleared = 0
    async for finding in client.items("/monitor/v1/findings"):
        opened[finding["rule"]] += 1
        cleared += finding["state"] == "cleared"
    by_rule = {name: opened[rule] for rule, name in RULES.items()}
    sums = {"watched": watched, "flagged": opened.total(), "cleared": cleared, "unknown (account-days)": unknown}
    return sums | by_rule


async def case_numbers(client: Client) -> dict[str, int]:
    """Of decommission: where every case stands, and what its log says happened on the way."""
    states: Counter[str] = Counter()
    noticed = held = 0
    async for case in client.items("/decommission/v1/cases"):
        log = (await client.get(f"/decommission/v1/cases/{case['case_id']}"))["log"]
        kinds = {entry["kind"]: entry["data"] for entry in log}
        states[kinds["ended"]["outcome"] if case["state"] == "ended" else case["state"]] += 1
        noticed += "noticed" in kinds
        held += "held" in kinds
    settled = {
        "undelivered": states["undelivered"], "kept": states["kept"], "fixed": states["fixed"],
        "refuted": states["refuted"], "closed and verified": states["closed"], "unverified": states["unverified"],
        "restored": states["restored"],
    }  # fmt: skip
    rest = states.total() - sum(settled.values())
    return {"cases": states.total(), "noticed": noticed, "held": held, **settled, "under way": rest}
