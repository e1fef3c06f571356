"""Contents: what the package of an asset holds, one module for each kind of asset."""

from types import ModuleType

from services.decommission.archives.contents import account

CONTENTS: dict[str, ModuleType] = {
    "account": account,
}


def of(kind: str) -> ModuleType:
    """The contents of a kind; a kind without its own has those of an account."""
    return CONTENTS.get(kind, account)
