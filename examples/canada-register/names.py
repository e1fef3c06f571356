"""The names that things get: UUIDv5 over what they are, as documented, made here apart from the product."""

from uuid import UUID, uuid5

from register import Identity

NAMESPACE = UUID("6f1d3c1e-52a1-5f0e-9c55-4a69616e6675")


def derive(*parts: object) -> UUID:
    return uuid5(NAMESPACE, "\x1f".join(str(part) for part in parts))


def asset_id(identity: Identity) -> str:
    """The first life of an account."""
    return str(derive("asset", "account", *identity, 1))


def case_id(asset: str, ordinal: int = 1) -> str:
    return str(derive("case", asset, ordinal))


def event_id(line: int, what: str, address: str) -> str:
    """A row of the change log as an event: the same row is the same event however often it is sent."""
    return str(derive("canada-register", line, what, address))
