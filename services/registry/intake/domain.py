"""Refusals of events, and the notes that declarations leave in the history of an asset. Pure."""

from libs.common.errors import DomainError
from libs.common.events.intake import AssetCorrected, AssetDeclared
from libs.common.text import Text
from services.registry.assets.domain import Asset
from services.registry.identity.canonical import Canonical


class EventReused(DomainError):
    """An event's source and id name one event; a different event under them would be lost as its repetition."""

    code = "event_reused"
    kind = "conflict"
    says = Text(
        "来源 {source} 已用编号 {event_id} 报送过内容不同的事件。",
        "The source {source} has sent another event under the id {event_id}.",
    )


def history_note(event: AssetDeclared | AssetCorrected, current: Asset | None, identity: Canonical) -> str | None:
    """The note of a version where its cause is not the whole story; `current` is the asset before the event."""
    if isinstance(event, AssetCorrected) and (current is None or current.record == "closed"):
        return "corrected by its source before anybody declared it"
    if current is not None and current.record == "closed":
        return f"reopens {current.asset_id}"
    if identity.corrected:
        return f"declared as {event.platform}, its address is on {identity.platform}"
    return None
