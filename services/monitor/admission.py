"""Which records of usage are let in, and what may be kept of those that are not."""

from collections.abc import Iterable
from dataclasses import replace

import msgspec
from aiokafka import ConsumerRecord

from libs.common.auth import Authenticator
from libs.common.dead import appended
from libs.common.errors import Unauthenticated

KEPT_FIELDS = ("source", "asset_id", "measure", "ts", "count", "value", "day", "records")


def bearer_of(headers: Iterable[tuple[str, bytes | None]]) -> bytes | None:
    """The raw `authorization` header, whatever its case."""
    return next((value for name, value in headers if name.lower() == "authorization"), None)


class Bearers:
    """Says of a record's headers whether an agent sent it; raw tokens are remembered until `forget`."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._accepted: dict[bytes, frozenset[str]] = {}

    def forget(self) -> None:
        """Verify every token again from here on: done once per fetch, so that one that expires is noticed."""
        self._accepted.clear()

    def sources(self, record: ConsumerRecord) -> frozenset[str]:
        """The sources that a record's bearer speaks for. Raises DomainError on one who was no agent when it came."""
        raw = bearer_of(record.headers)
        if raw is None or raw not in self._accepted:
            try:
                agent = self._authenticator.principal(None if raw is None else raw.decode(), at=appended(record))
            except UnicodeDecodeError:
                raise Unauthenticated(why=("authorization 头不是 UTF-8", "the header is not UTF-8")) from None
            agent.require("agent")
            self._accepted[raw or b""] = agent.sources
        return self._accepted[raw or b""]


def without_person(record: ConsumerRecord) -> ConsumerRecord:
    """The record as it may be kept: only fields that name no person, nothing at all of what cannot be read."""
    try:
        found = msgspec.json.decode(record.value)
        kept = {name: found[name] for name in KEPT_FIELDS if isinstance(found.get(name), str | int | float)}
        value = msgspec.json.encode(kept)
    except (msgspec.MsgspecError, TypeError, AttributeError, UnicodeDecodeError, RecursionError):
        value = None
    return replace(record, value=value)
