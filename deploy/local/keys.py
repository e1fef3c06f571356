"""Keys the local stack makes for itself on the first start; private halves are readable by the owner only."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deploy.local import record
from deploy.local.children import StackError
from deploy.local.issuer import issue
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
        """Make what is missing: a private key once, its public half again from it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file, kid in ((self.issuer, auth.LOCAL_KEY), (self.signing, "decommission")):
            if not file.exists():
                record.write(file, auth.new_key(kid))
        record.put(self.issuer_public, json.dumps(auth.public_jwks(record.read(self.issuer))))
        record.put(self.signing_public, json.dumps(auth.public_key(record.read(self.signing))))

    def token(
        self, subject: str, roles: Iterable[str], *, unit: str | None = None, hours: float = 8,
        sources: Iterable[str] = ("*",),
    ) -> str:  # fmt: skip
        """A bearer token of this directory's issuer. Raises StackError when there is none or a role is unknown."""
        if not self.issuer.exists():
            place = self.folder.parent
            raise StackError(f"no stack has been made in {place}; {record.typed('up', place)} makes one")
        try:
            return issue(record.read(self.issuer), subject, roles, unit=unit, hours=hours, sources=sources)
        except ValueError as error:
            raise StackError(str(error)) from None
