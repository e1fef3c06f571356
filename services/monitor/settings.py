"""The settings of the monitor, read from its environment."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from libs.common.process.settings import CommonSettings
from services.monitor.sweeps import schedule


class Settings(CommonSettings):
    """`JIANFU_MONITOR_…` beside what every service reads.

    `sweep_at`: when to sweep under the system clock (cron, in the deployment's zone). `sweep_chunk`: assets per
    transaction. `usage_batch`: records per fetch. `usage_keys`: rows in memory before a write is forced.
    `late_days`: usage and statements of a day that lies further back when they come are refused.
    """

    model_config = SettingsConfigDict(env_prefix="JIANFU_MONITOR_", extra="ignore", case_sensitive=False, frozen=True)
    SERVICE: ClassVar[str] = "monitor"

    sweep_at: Annotated[str, AfterValidator(schedule.check)] = "0 2 * * *"
    sweep_chunk: int = Field(5_000, ge=1, le=100_000)
    usage_batch: int = Field(20_000, ge=100, le=100_000)
    usage_keys: int = Field(20_000, ge=100, le=1_000_000)
    late_days: int = Field(45, ge=1, le=3_650)
