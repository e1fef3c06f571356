"""CloudEvents in Kafka's structured mode: attributes and data together, as one JSON object in a record's value.

JSON format 1.0.2; Kafka protocol binding 1.0.2 §3.3. The names of faults are those of the object's own fields.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_json

MEDIA = "application/cloudevents"  # what a structured record's content-type begins with
TAKEN = "application/cloudevents+json"
DATA = ("data", "data_base64")
AGREE = ("id", "source", "type", "subject")  # what a record may say twice, in its headers too, if it is the same
Faults = list[tuple[str, str]]


def media_type(text: str | None) -> str:
    """A content type without its parameters, in small letters."""
    return (text or "").partition(";")[0].strip().lower()


def opened(
    headers: Mapping[str, str], value: bytes | None, faults: Faults
) -> tuple[dict[str, str], bytes | None] | None:
    """The attributes of a structured record as texts, and its data as JSON text; what is wrong goes into `faults`.

    None where the record holds no event at all.
    """
    if (media := media_type(headers.get("content-type"))) != TAKEN:
        faults.append(("content-type", f"{media[:100]} is not taken; expected {TAKEN} with one event"))
        return None
    try:
        told = from_json(value or b"", allow_inf_nan=False)
    except ValueError as error:
        told = str(error)
    if not isinstance(told, dict):
        more = f": {told}" if isinstance(told, str) else ""
        faults.append(("value", f"expected a JSON object, a CloudEvent in structured mode{more[:200]}"))
        return None
    found: dict[str, str] = {}
    for name, given in told.items():
        if name in DATA or given is None:  # null is how JSON may say that an attribute is not there
            continue
        if isinstance(given, bool | int):  # two of the types of CloudEvents that JSON writes without quotation marks
            found[name] = str(given).lower()
        elif isinstance(given, str):
            found[name] = given
        else:
            faults.append((name, "expected text, as all attributes of CloudEvents are"))
    for name in AGREE:
        if headers.get(f"ce_{name}", found.get(name)) != found.get(name):
            faults.append((f"ce_{name}", f"the header says another {name} than the event in the record's value"))
    if media_type(found.get("datacontenttype", "application/json")) != "application/json":
        faults.append(("datacontenttype", "expected application/json"))
    return found, _data(told, faults)


def _data(told: Mapping[str, Any], faults: Faults) -> bytes | None:
    """The event's data as JSON text: what stands under `data`, or the text that `data_base64` holds."""
    if all(told.get(name) is not None for name in DATA):
        faults.append(("data_base64", "expected either data or data_base64, not both"))
    elif told.get("data") is not None:
        return to_json(told["data"])
    elif isinstance(packed := told.get("data_base64"), str):
        try:
            return base64.b64decode(packed, validate=True)
        except (binascii.Error, ValueError):
            faults.append(("data_base64", "expected the event's JSON object in base64"))
    else:
        faults.append(("data", "it is missing; expected the event's JSON object"))
    return None
