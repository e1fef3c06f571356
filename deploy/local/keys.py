"""Keys the local stack makes for itself on the first start; private halves are readable by the owner only."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deploy.local import datadir
from deploy.local.issuer import issue
from deploy.terminal import StackError
from libs.common.security import tokens


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
        for file, kid in ((self.issuer, tokens.LOCAL_KEY), (self.signing, "decommission")):
            if not file.exists():
                datadir.write(file, tokens.new_key(kid))
        datadir.put(self.issuer_public, json.dumps(tokens.public_jwks(datadir.read(self.issuer))))
        datadir.put(self.signing_public, json.dumps(tokens.public_key(datadir.read(self.signing))))

    def token(
        self,
        subject: str,
        roles: Iterable[str],
        *,
        unit: str | None = None,
        hours: float = 8,
        sources: Iterable[str] = ("*",),
    ) -> str:
        """A bearer token of this directory's issuer. Raises StackError when there is none or a role is unknown."""
        if not self.issuer.exists():
            place = self.folder.parent
            raise StackError(f"no stack has been made in {place}; {datadir.typed('up', place)} makes one")
        try:
            return issue(datadir.read(self.issuer), subject, roles, unit=unit, hours=hours, sources=sources)
        except ValueError as error:
            raise StackError(str(error)) from None
