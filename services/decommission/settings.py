"""What decommission reads from its environment."""

import json
import re
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode, SettingsConfigDict

from libs.common.outbound.egress import LAST_PORT
from libs.common.process.settings import CommonSettings
from libs.common.security.signing import UnfitKey, check_key
from services.decommission.limits.domain import Limits, Windows, read_limits


def _public(key: Any) -> bool:
    if not isinstance(key, dict) or "d" in key:
        return False
    try:
        check_key(key)
    except UnfitKey:
        return False
    return True


def _exact(address: str) -> str:
    host, _, port = address.rpartition(":")
    fits = re.fullmatch(r"[0-9]{1,5}", port) and 1 <= int(port) <= LAST_PORT
    if not re.fullmatch(r"[^\s/@:*]+|\[[0-9a-fA-F:.]+\]", host) or not fits:
        raise ValueError(f"expected an exact host:port such as target.example:443, got {address!r}")
    return address.lower()


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Places = Annotated[tuple[Annotated[str, AfterValidator(_exact)], ...], NoDecode, BeforeValidator(_split)]


class Settings(CommonSettings):
    """`limits` and `windows` are JSON objects; what they leave out keeps its default, what they add is refused.

    `retired_keys_file`: a JWKS of the public keys that signed earlier case files. `kill_switch`: start with nothing
    leaving this service, whatever the switch over HTTP says.

    `egress_allow_…`: `host:port,…` that are not public and may be called all the same, for one purpose each: notices
    and what else units are told, orders to connectors, looks at pages.
    """

    SERVICE: ClassVar[str] = "decommission"
    model_config = SettingsConfigDict(**CommonSettings.model_config | {"env_prefix": "JIANFU_DECOMMISSION_"})

    signing_key_file: Path
    retired_keys_file: Path | None = None
    archive_dir: Path
    limits: dict[str, Any] = Field(default_factory=dict)
    windows: dict[str, Any] = Field(default_factory=dict)
    kill_switch: bool = False
    egress_allow_notice: Places = ()
    egress_allow_connector: Places = ()
    egress_allow_probe: Places = ()

    def signing_key(self) -> dict[str, Any]:
        key: dict[str, Any] = json.loads(self.signing_key_file.read_text())
        return key

    def retired_keys(self) -> tuple[dict[str, Any], ...]:
        """Raises ValueError at start where one is no public Ed25519 key."""
        if self.retired_keys_file is None:
            return ()
        jwks = json.loads(self.retired_keys_file.read_text())
        keys = jwks.get("keys") if isinstance(jwks, dict) else None
        if not isinstance(keys, list) or not all(_public(key) for key in keys):
            raise ValueError(f"{self.retired_keys_file}: expected a JWKS of public Ed25519 keys and nothing private")
        return tuple(keys)

    def read_limits(self) -> Limits:
        """Raises LimitsInvalid at start."""
        return read_limits(self.limits)

    def read_windows(self) -> Windows:
        """Raises TypeError or ValueError at start."""
        return Windows(**self.windows)
