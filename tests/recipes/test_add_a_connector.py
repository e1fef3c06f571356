"""docs/recipes/add-a-connector.md, followed: a case stops and restores an account through a new type of connector."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.conftest import Urls
from tests.recipes.followed import Copy, files_of

TOY = '''"""Orders are lines in a file, which somebody at the platform reads."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from libs.common.strings import Plain
from services.decommission.calls.domain import Accepted, Outcome
from services.decommission.connectors.domain import Order, Purpose
from services.decommission.connectors.stated import ConnectorBody


class Connector(ConnectorBody):
    """A file, and what every connector states."""

    type: Literal["toy"]
    file: Annotated[str, Plain(400)]


def connect(settings: dict[str, Any]) -> "Toy":
    return Toy(Path(settings["file"]))


class Toy:
    def __init__(self, file: Path) -> None:
        self._file = file

    def target(self, purpose: Purpose) -> str | None:
        return None

    async def carry_out(self, tools: Any, order: Order, *, key: UUID, at: datetime) -> Outcome:
        with self._file.open("a") as lines:
            lines.write(f"{order.purpose} {order.identity}\\n")
        return Accepted(status=200)

    async def test(self, tools: Any, purpose: Purpose, body: bytes, *, key: UUID, at: datetime) -> Outcome:
        return Accepted(status=200)
'''


async def test_a_connector_is_added_in_two_files(
    tmp_path: Path, fresh_database: Callable[[str], Awaitable[Urls]]
) -> None:
    module, table = files_of("add-a-connector.md")
    copy = Copy.into(tmp_path / "tree")
    copy.append(module, TOY)
    text = (copy.root / table).read_text("utf-8").replace("import webhook\n", "import toy, webhook\n")
    (copy.root / table).write_text(text, "utf-8")
    copy.insert(table, '    "webhook": webhook,\n', '    "toy": toy,\n')
    assert copy.changed() == sorted([module, table])

    urls, orders = await fresh_database("decommission"), tmp_path / "orders.txt"
    changes = json.dumps({"connector": {"type": "toy", "file": str(orders)}})
    told = json.loads(
        copy.run("-m", "tests.recipes.closing", urls.owner, urls.service, str(tmp_path), changes).splitlines()[-1]
    )
    assert orders.read_text().splitlines() == ["stop toy", "restore toy"]
    assert (told["state"], told["stops"]) == ("restored", 0)
    assert {"stop_accepted", "restore_accepted", "restored"} <= set(told["kinds"])
    assert (told["connector"]["type"], told["connector"]["settings"]) == ("toy", {"file": str(orders)})
