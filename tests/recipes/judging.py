"""Plays four days of one account in the database of a copy, and prints as JSON what its rules come to each day.

`python -m tests.recipes.judging URL VALUES`: VALUES are the readings of gauges by measure, one per day.
"""

import asyncio
import json
import sys
from typing import Any

from libs.common.clock import SteppedClock
from libs.common.db.pool import Database
from tests.integration.monitor.conftest import START, ZONE, Monitor, noon


async def play(url: str, gauges: dict[str, list[int]]) -> list[dict[str, Any]]:
    """Per day: the truth of each rule, the values it read, and the events of the sweep."""
    database = await Database.connect(url, name="monitor")
    monitor = Monitor(database, SteppedClock(ZONE, noon(START)))
    try:
        await monitor.admit("s", measures=["posts", *gauges])
        account = await monitor.record("a")
        days = []
        for number in range(max(map(len, gauges.values()))):
            monitor.at(number)
            values = {name: {account: each[number]} for name, each in gauges.items() if number < len(each)}
            sent = await monitor.usage("s", number, {}, **values)
            await monitor.state("s", number, [account], sent, measures=["posts", *gauges])
            await monitor.sweep()
            shown = await monitor.why(account)
            rules = {
                rule.code: {"truth": rule.truth, "read": {each.name: each.value for each in rule.signals}}
                for rule in shown.rules
            }
            meanings = {each.name: each.meaning for rule in shown.rules for each in rule.signals}
            events = [kind for kind, _ in await monitor.events()]
            days.append(
                {"rules": rules, "meanings": meanings, "events": events, "open": await monitor.open_rules(account)}
            )
        return days
    finally:
        await database.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(play(sys.argv[1], json.loads(sys.argv[2])))))
