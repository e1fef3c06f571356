"""The settings of the registry, read from its environment."""

from datetime import timedelta
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.process.settings import CommonSettings
from services.registry.assets.domain import Policy


class Settings(CommonSettings):
    """The vanishing guard's limit is the larger of a share of what a source lists and a floor; both 0 hold all.

    `guard_limits` sets it for single sources, as JSON: `{"county-list": 20, "agent": 0}`. `reopen_days` is the cooldown
    of closed assets (rules A-09, a local opinion on websites applied by analogy).
    """

    SERVICE: ClassVar[str] = "registry"
    model_config = SettingsConfigDict(**CommonSettings.model_config | {"env_prefix": "JIANFU_REGISTRY_"})

    guard_share: float = Field(0.05, ge=0, le=0.5)
    guard_floor: int = Field(5, ge=0, le=1000)
    guard_limits: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    reopen_days: int = Field(365, ge=0, le=36_500)

    def policy(self) -> Policy:
        closed_for = timedelta(days=self.reopen_days)  # calendar days
        return Policy(
            guard_share=self.guard_share,
            guard_floor=self.guard_floor,
            reopen_after=closed_for,
            guard_limits=self.guard_limits,
            zone=ZoneInfo(self.timezone),
        )
