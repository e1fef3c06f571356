"""docs/recipes/add-a-notice-channel.md, followed: a unit proves its key and its notice by a new channel."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.acceptance.world import unit_key
from tests.conftest import Urls
from tests.recipes.followed import Copy, files_of

TOY = '''"""A pigeonhole: a folder with the unit's key, where each text is left and answered at once."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from libs.common.security import signing
from services.decommission.calls.domain import Accepted, Outcome, Refused


class Toy:
    def check(self, address: str) -> None:
        if not urlsplit(address).path:
            raise ValueError("expected a folder")

    async def judge(self, tools: Any, field: str, address: str) -> None:
        return None

    def target(self, address: str) -> str | None:
        return None

    async def deliver(
        self, tools: Any, address: str, body: bytes, *, purpose: str, key: UUID, at: datetime
    ) -> Outcome:
        folder = Path(urlsplit(address).path)
        if not folder.is_dir():
            return Refused(why="it cannot be reached")
        (folder / f"{purpose}-{key}").write_bytes(body)
        private, digest = json.loads((folder / "key.json").read_text()), signing.sha256(body)
        if purpose == "challenge":
            proof = signing.sign(private, {"challenge_sha256": digest})
            return Accepted(status=200, body=json.dumps({"proof": proof}).encode())
        claims = {"notice_sha256": digest, "asset_id": json.loads(body).get("asset_id")}
        return Accepted(status=200, body=json.dumps({"receipt": signing.sign(private, claims)}).encode())
'''


async def test_a_channel_is_added_in_two_files(
    tmp_path: Path, fresh_database: Callable[[str], Awaitable[Urls]]
) -> None:
    module, table = files_of("add-a-notice-channel.md")
    copy = Copy.into(tmp_path / "tree")
    copy.append(module, TOY)
    text = (copy.root / table).read_text("utf-8").replace("import webhook\n", "import toy, webhook\n")
    (copy.root / table).write_text(text, "utf-8")
    copy.insert(table, '    "http": webhook', '    "pigeon": toy.Toy(),\n')
    assert copy.changed() == sorted([module, table])

    urls, hole = await fresh_database("decommission"), tmp_path / "alpha"
    hole.mkdir()
    (hole / "key.json").write_text(json.dumps(unit_key("alpha")))
    changes = json.dumps({"endpoint": {"url": f"pigeon://{hole}"}})
    told = json.loads(
        copy.run("-m", "tests.recipes.closing", urls.owner, urls.service, str(tmp_path), changes).splitlines()[-1]
    )
    left = sorted(file.name.partition("-")[0] for file in hole.iterdir() if file.name != "key.json")
    assert left == ["challenge", "notice"]
    assert (told["state"], told["notices"], told["stops"]) == ("restored", 0, 1)
    assert "noticed" in told["kinds"]
