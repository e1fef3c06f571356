"""What may be kept of a record of usage that is not counted. Pure."""

import msgspec

KEPT_FIELDS = ("source", "asset_id", "measure", "ts", "count", "value", "day", "records")


def without_person(value: bytes | None) -> bytes | None:
    """The record as it may be kept: only fields that name no person, nothing at all of what cannot be read."""
    try:
        record = msgspec.json.decode(value or b"")
        kept = {name: record[name] for name in KEPT_FIELDS if isinstance(record.get(name), str | int | float)}
        return msgspec.json.encode(kept)
    except (msgspec.MsgspecError, TypeError, AttributeError, UnicodeDecodeError, RecursionError):
        return None
