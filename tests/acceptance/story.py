"""The story that the acceptance tests look at: one run of days in which every fault of the outside has an asset."""

from datetime import date, timedelta
from typing import Any

from tests.acceptance.house import House, account, beacon, declared, stated

DEAD = ("plain", "liar", "keeper", "willing", "held", "returned", "revived")
DEAF = ("deaf",)  # of the unit that answers 200 without a receipt
FORGED = ("forged",)  # of the unit whose receipts are signed by somebody else
BLIND = ("blind-dead", "blind-alive")
ALIVE = ("alive",)
FIRST = date(2025, 6, 1)
SILENT_SINCE = FIRST - timedelta(days=100)
DAYS = 12


class Story:
    """What the tests look at when the days have been played."""

    dead: tuple[str, ...] = DEAD

    def __init__(self, house: House) -> None:
        self.house = house
        self.cases: dict[str, dict[str, Any]] = {}
        self.world: dict[str, Any] = {}
        self.alarms: list[dict[str, Any]] = []
        self.findings: list[dict[str, Any]] = []
        self.blind_day: dict[str, Any] = {}

    async def deliver(self, day: date, *, blind: bool = False) -> None:
        """One day's usage and what the sources vouch for."""
        house = self.house
        seen = [*ALIVE, *(["revived"] if day >= FIRST + timedelta(days=2) else [])]
        await house.produce("jianfu.intake.usage", [beacon(house, "eye", account(n), day) for n in seen])
        watched = [account(n) for n in (*self.dead, *DEAF, *FORGED, *ALIVE)]
        events = [stated("eye", day, watched, len(seen))]
        if not blind:
            await house.produce("jianfu.intake.usage", [beacon(house, "other", account("blind-alive"), day)])
            events.append(stated("other", day, [account(n) for n in BLIND], 1))
        await house.tell(events, role="agent")

    async def play(self) -> None:
        house = self.house
        await house.step(SILENT_SINCE)
        await house.admit("eye", "other")
        units = dict.fromkeys((*self.dead, *ALIVE, *BLIND), "ministry") | dict.fromkeys(DEAF, "deaf-unit")
        units |= dict.fromkeys(FORGED, "forger")
        await house.tell([declared(name, unit, SILENT_SINCE) for name, unit in units.items()], role="registrar")
        await house.quiet()
        for asset in await house.everything("/registry/v1/assets"):
            unit = units[asset["name"]]
            await house.set_up_world(unit, asset["sponsor_id"], "x")
        await house.manners(
            **{"deaf-unit": {"receipt": "none"}, "forger": {"receipt": "other-key"}},
            **{str(account("liar")): {"lies": True}},
            **{str(account("keeper")): {"answer": {"answer": "keep", "reason": "the flood season"}}},
            **{str(account("willing")): {"answer": {"answer": "close"}}},
        )
        await self.history()
        await house.quiet()
        for number in range(DAYS):
            day = FIRST + timedelta(days=number)
            if number:
                await house.step(day)
            await self.deliver(day, blind=number >= 1)
            await house.quiet()
            swept = await house.sweep()
            if number == 1:
                self.blind_day = swept
            await house.quiet()
            await self.people(number)
            await house.rounds()
        await self.look()

    async def history(self) -> None:
        """What the sources tell of the days before: the dead were silent, the living posted."""
        for weeks in range(0, 100, 25):
            days = [SILENT_SINCE + timedelta(days=n) for n in range(weeks, weeks + 25)]
            await self.house.step(days[-1])
            await self.told(days)
            await self.house.quiet()
        await self.house.step(FIRST)

    async def told(self, days: list[date]) -> None:
        """Some days of that, as they come to an end."""
        house = self.house
        watched = [account(n) for n in (*self.dead, *DEAF, *FORGED, *ALIVE)]
        await house.produce(
            "jianfu.intake.usage",
            [beacon(house, s, account(n), d) for d in days for s, n in (("eye", "alive"), ("other", "blind-alive"))],
        )
        await house.tell([stated("eye", d, watched, 1) for d in days], role="agent", salt="eye")
        # blind-dead is covered only since yesterday: nobody can say yet that it is dead
        await house.tell([stated("other", d, [account("blind-alive")], 1) for d in days], role="agent", salt="other")

    async def people(self, number: int) -> None:
        """What operators do on the way."""
        house = self.house
        if number == 1:
            case = await self.case_of("held")
            body = {"reason": "a complaint is being looked into", "until": str(FIRST + timedelta(days=90))}
            await house.call("POST", f"/decommission/v1/cases/{case['case_id']}/hold", body)
        if number >= 4:
            case = await self.case_of("returned")
            if case["state"] == "verified":
                body = {"reason": "citizens still need it"}
                await house.call("POST", f"/decommission/v1/cases/{case['case_id']}/restore", body)

    async def case_of(self, name: str) -> dict[str, Any]:
        found = await self.house.everything(f"/decommission/v1/cases?asset_id={account(name)}")
        assert len(found) == 1, f"{name} has {len(found)} cases"
        return dict(await self.house.call("GET", f"/decommission/v1/cases/{found[0]['case_id']}", role="viewer"))

    async def look(self) -> None:
        for name in (*self.dead, *DEAF, *FORGED):
            self.cases[name] = await self.case_of(name)
        self.world = await self.house.world_state()
        self.alarms = await self.house.everything("/decommission/v1/alarms")
        self.findings = await self.house.everything("/monitor/v1/findings")
