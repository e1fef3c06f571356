"""Connectors: how a platform's assets are stopped and restored, one module for each type.

A module has `Connector`, the settings as a request states them, and `connect`, which makes the connector of them.
"""

from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Discriminator, Tag

from services.decommission.connectors import domain
from services.decommission.connectors.stated import ConnectorBody
from services.decommission.connectors.types import webhook

TYPES: dict[str, ModuleType] = {
    "webhook": webhook,
}


def _type_of(given: Any) -> str:
    """The type that settings name; those from before types are a webhook's."""
    return str(given.get("type", "webhook") if isinstance(given, dict) else given.type)


def _stated() -> Any:
    models = [Annotated[module.Connector, Tag(name)] for name, module in TYPES.items()]
    alone = TYPES["webhook"].Connector
    return alone if len(models) == 1 else Annotated[Union[tuple(models)], Discriminator(_type_of)]  # noqa: UP007


# The body of a request that sets a connector: the settings of one of the types.
if TYPE_CHECKING:
    Stated = ConnectorBody
else:
    Stated = _stated()


def connect(name: str, settings: dict[str, Any]) -> domain.Connector:
    """The connector of a type with its settings, as they were stored."""
    connector: domain.Connector = TYPES[name].connect(settings)
    return connector
