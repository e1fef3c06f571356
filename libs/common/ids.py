"""Deterministic identifiers: the same facts give the same id, so a repeat is recognised and a replay agrees."""

from uuid import UUID, uuid5

NAMESPACE = UUID("6f1d3c1e-52a1-5f0e-9c55-4a69616e6675")


def identity(issuer: str, subject: str) -> str:
    """Who somebody is, in one form: `issuer|subject` in small letters. Two tokens of one person have the same."""
    return f"{issuer.rstrip('/')}|{subject}".casefold()


def derive(*parts: object) -> UUID:
    """UUIDv5 over the parts, joined by a separator that no part may contain.

    Raises ValueError when a part holds the separator, because two different lists would then collide.
    """
    texts = [str(part) for part in parts]
    if any("\x1f" in text for text in texts):
        raise ValueError("a part of an id holds the unit separator U+001F")
    return uuid5(NAMESPACE, "\x1f".join(texts))
