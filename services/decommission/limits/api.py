"""HTTP: limits and windows in force."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter

from libs.common.http.guards import require
from libs.common.security.tokens import Principal
from services.decommission.limits.domain import Limits, Windows


def router(in_force: Limits, windows: Windows) -> APIRouter:
    """Limits."""
    routes = APIRouter(prefix="/decommission/v1")

    @routes.get("/limits", tags=["setup 配置"], summary="Limits and windows in force 限额与期限")
    async def limits(_: Annotated[Principal, require("viewer", "operator", "approver", "auditor")]) -> dict[str, Any]:
        """How much may close per unit, kind, day and plan (nought: nothing), and how many days each window lasts."""
        return {
            "limits": asdict(in_force),
            "windows": asdict(windows),
            "label": {"announce_days": "ASSUMED", "others": "local setting 本地设置"},
        }

    return routes
