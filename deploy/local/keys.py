"""Keys the local stack makes for itself on the first start; private halves are readable by the owner only."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from libs.common import auth


@dataclass(frozen=True)
class Keys:
    """Where the keys of one data directory are."""

    folder: Path

    @property
    def issuer(self) -> Path:
        return self.folder / "issuer.jwk"

    @property
    def issuer_public(self) -> Path:
        return self.folder / "issuer.jwks"

    @property
    def signing(self) -> Path:
        return self.folder / "decommission-signing.jwk"

    @property
    def signing_public(self) -> Path:
        return self.folder / "decommission-signing.pub"

    def make(self) -> None:
        """Make what is missing."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.issuer.exists():
            private = auth.new_key("local-issuer")
            _write(self.issuer, private)
            self.issuer_public.write_text(json.dumps(auth.public_jwks(private)))
        if not self.signing.exists():
            private = auth.new_key("decommission")
            _write(self.signing, private)
            self.signing_public.write_text(json.dumps(auth.public_key(private)))


def _write(file: Path, key: dict[str, Any]) -> None:
    file.touch(mode=0o600)
    file.write_text(json.dumps(key))
