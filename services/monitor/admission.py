"""Which records of usage are let in, and what may be kept of those that are not."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
from aiokafka import ConsumerRecord

from libs.common.auth import Authenticator
from libs.common.errors import DomainError

KEPT_FIELDS = ("source", "asset_id", "measure", "ts", "count", "value", "day", "records")


class Bearers:
    """Says of a record's headers whether an agent sent it; raw tokens are remembered until `forget`."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._accepted: set[bytes] = set()

    def forget(self) -> None:
        """Verify every token again from here on: done once per fetch, so that one that expires is noticed."""
        self._accepted.clear()

    def refusal(self, headers: Sequence[tuple[str, bytes | None]]) -> tuple[str, str] | None:
        """Why the bearer of these headers may not deliver usage, or None."""
        raw = next((value for name, value in headers if name.lower() == "authorization"), None)
        if raw is not None and raw in self._accepted:
            return None
        try:
            self._authenticator.principal(None if raw is None else raw.decode()).require("agent")
        except DomainError as error:
            return error.code, str(error)
        except UnicodeDecodeError:
            return "unauthenticated", "the authorization header is not UTF-8"
        if raw is not None:
            self._accepted.add(raw)
        return None


def without_person(record: ConsumerRecord) -> ConsumerRecord:
    """The record as it may be kept: only fields that name no person, nothing at all of what cannot be read."""
    try:
        found = msgspec.json.decode(record.value)
        kept = {name: found[name] for name in KEPT_FIELDS if isinstance(found.get(name), str | int | float)}
        value = msgspec.json.encode(kept)
    except (msgspec.MsgspecError, TypeError, AttributeError, UnicodeDecodeError):
        value = None
    return replace(record, value=value)
