"""The people at their desks: two who approve what was sealed, an operator who holds some cases and gives some back."""

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

from client import Client
from names import asset_id
from register import Identity
from scenario import Fate, Life, Scenario
from usage import ZONE

APPROVERS = ("approver one", "approver two")


class Desk:
    """What they do in the morning, from what the product shows them."""

    def __init__(self, client: Client, scenario: Scenario) -> None:
        self._client = client
        self._play = scenario
        self._to_hold = self._with_fate("hold")
        self._to_restore = self._with_fate("restore")
        self._given_back: dict[Identity, date] = {}

    def _with_fate(self, fate: Fate) -> dict[str, Identity]:
        return {asset_id(k): k for k, life in self._play.lives.items() if life.fate == fate}

    def posts(self, life: Life, day: date) -> bool:
        """Whether an account is used on a day: as its life says, and every day after it was given back."""
        back = self._given_back.get(life.identity)
        return life.posts(day) or (back is not None and day > back)

    async def morning(self, day: date) -> None:
        """Sign what was sealed in the last round, hold and restore what is to be held and restored."""
        async for plan in self._client.items("/decommission/v1/plans", state="sealed"):
            await self._sign(plan["plan_id"])
        if self._to_hold:
            async for case in self._client.items("/decommission/v1/cases", state="answering"):
                due = _day(case["opened_at"]) + timedelta(days=self._play.hold_after)
                if case["asset_id"] in self._to_hold and day >= due:
                    await self._hold(case, day)
        if self._to_restore:
            async for case in self._client.items("/decommission/v1/cases", state="verified"):
                left = self._play.windows.restore_days - self._play.restore_after
                if case["asset_id"] in self._to_restore and day >= _day(case["due_at"]) - timedelta(days=left):
                    await self._restore(case, day)

    async def _sign(self, plan_id: str) -> None:
        """Each reads the plan's text, computes its hash and signs that."""
        for who in APPROVERS:
            plan = await self._client.get(f"/decommission/v1/plans/{plan_id}", who)
            body = {"sha256": hashlib.sha256(plan["text"].encode()).hexdigest()}
            await self._client.post(f"/decommission/v1/plans/{plan_id}/approvals", body, who)

    async def _hold(self, case: dict[str, Any], day: date) -> None:
        until = day + timedelta(days=self._play.hold_days)
        await self._act(case, "hold", {"reason": "a complaint is being looked into", "until": until.isoformat()})
        del self._to_hold[case["asset_id"]]

    async def _restore(self, case: dict[str, Any], day: date) -> None:
        await self._act(case, "restore", {"reason": "the unit takes it up again"})
        self._given_back[self._to_restore.pop(case["asset_id"])] = day

    async def _act(self, case: dict[str, Any], what: str, body: dict[str, Any]) -> None:
        path = f"/decommission/v1/cases/{case['case_id']}/{what}"
        await self._client.post(path, body, "operator", key=f"{case['case_id']} {what}")


def _day(instant: str) -> date:
    return datetime.fromisoformat(instant).astimezone(ZONE).date()
