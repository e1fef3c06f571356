"""The fields that may be kept of a usage record that is not counted. Pure."""

import msgspec

KEPT_FIELDS = ("source", "asset_id", "measure", "ts", "count", "value", "day", "records")


def without_person(value: bytes | None) -> bytes | None:
    """The record as it may be kept: only fields that name no person; None for an unreadable one."""
    try:
        record = msgspec.json.decode(value or b"")
        kept = {name: record[name] for name in KEPT_FIELDS if isinstance(record.get(name), str | int | float)}
        return msgspec.json.encode(kept)
    except (msgspec.MsgspecError, TypeError, AttributeError, UnicodeDecodeError, RecursionError):
        return None
