"""What decommission reads from its environment."""

import json
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import CommonSettings
from services.decommission.domain import Limits, Windows, read_limits


class Settings(CommonSettings):
    """`limits` and `windows` are JSON objects; what they leave out keeps its default, what they add is refused.

    `kill_switch`: start with nothing leaving this service, whatever the switch over HTTP says.
    """

    SERVICE: ClassVar[str] = "decommission"
    model_config = SettingsConfigDict(**CommonSettings.model_config | {"env_prefix": "JIANFU_DECOMMISSION_"})

    signing_key_file: Path
    archive_dir: Path
    limits: dict[str, Any] = Field(default_factory=dict)
    windows: dict[str, Any] = Field(default_factory=dict)
    kill_switch: bool = False

    def signing_key(self) -> dict[str, Any]:
        key: dict[str, Any] = json.loads(self.signing_key_file.read_text())
        return key

    def read_limits(self) -> Limits:
        """Raises LimitsInvalid at start."""
        return read_limits(self.limits)

    def read_windows(self) -> Windows:
        """Raises TypeError or ValueError at start."""
        return Windows(**self.windows)
