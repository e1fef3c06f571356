"""docs/recipes/add-an-importer-format.md, followed."""

from pathlib import Path

from tests.recipes.following import follow

FORMAT = '''"""Lists as lines of JSON, each an array of texts. Pure."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import ClassVar

from services.registry.imports.files import refused
from services.registry.lists import columns
from services.registry.lists.columns import Header
from services.registry.lists.tables import Line, Table


class JsonLines:
    """A file that begins with an array."""

    media: ClassVar[str] = "application/jsonl"
    suffix: ClassVar[str] = "jsonl"
    binary: ClassVar[bool] = False

    def holds(self, content: bytes) -> bool:
        return content.startswith(b"[")

    def read(self, content: bytes) -> tuple[Table, Header]:
        out = io.StringIO()
        try:
            csv.writer(out).writerows(json.loads(line) for line in content.decode().splitlines())
        except ValueError:
            raise refused("不是 JSON 行", "not lines of JSON") from None
        return columns.find(out.getvalue().encode())

    def write(self, rows: Iterable[tuple[Line, Sequence[str]]]) -> bytes:
        return "".join(json.dumps(list(cells), ensure_ascii=False) + "\\n" for _, cells in rows).encode()
'''
PROBE = '''"""The toy format, end to end."""

import json

import httpx

from tests.integration.registry.conftest import Registry, bearer

HEAD = ["account", "platform", "department", "language", "url"]
ROW = ["One Gov", "X", "Unit", "English", "https://x.com/OneGov"]
FILE = "".join(json.dumps(row) + "\\n" for row in (HEAD, ROW, ["", *ROW[1:]]))


async def test_a_list_in_the_new_format_is_imported_and_comes_back_in_it(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    asked = {"source": "list", "on": "2025-06-01", "mode": "apply", "report": "file", "unit_scheme": "ca-name"}
    answer = await http.post("/imports", params=asked, content=FILE.encode(), headers=bearer("registrar"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/jsonl"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line[0] for line in lines] == ["结果 verdict", "新增 added", "拒绝 refused"]
    assert lines[1][2:] == ROW
    assert await registry.state("onegov") == "draft online"
'''


def test_a_format_is_one_file_and_one_entry(tmp_path: Path) -> None:
    following = follow("add-an-importer-format", tmp_path, most=2)
    following.write("services/registry/imports/formats/jsonl.py", FORMAT)
    following.change(
        "services/registry/imports/jobs.py",
        ("(Xlsx(sheets=sheets_of), Csv())", "(Xlsx(sheets=sheets_of), JsonLines(), Csv())"),
        (
            "from services.registry.imports.formats.xlsx import",
            "from services.registry.imports.formats.jsonl import JsonLines\n"
            "from services.registry.imports.formats.xlsx import",
        ),
    )
    probe = "tests/integration/registry/imports/test_toy.py"
    following.probe(probe, PROBE)
    assert "1 passed" in following.test(probe)
