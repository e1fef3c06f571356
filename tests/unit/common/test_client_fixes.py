"""What is mended in client libraries is mended for the versions whose inside was looked at, and for no other."""

import ast

import pytest
from aiokafka.consumer import fetcher

from libs.common.kafka import client_fixes
from tests.architecture.tree import ROOT, below


@pytest.mark.parametrize("library", sorted(client_fixes.MENDED))
def test_another_version_is_refused_by_name(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_fixes, "version", lambda name: "9.9" if name == library else client_fixes.MENDED[name])
    with pytest.raises(client_fixes.UnknownVersion, match=f"{library} 9.9 is installed"):
        client_fixes.install()


def test_once_installed_every_consumer_fetches_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MemoryRecords", object)
    client_fixes.install()
    client_fixes.install()
    assert fetcher.MemoryRecords is client_fixes.Records


def test_nothing_else_reaches_into_private_parts_of_the_clients() -> None:
    found = []
    for path in below(ROOT, "libs", "services", suffix=".py"):
        for node in ast.walk(ast.parse(path.read_text())):
            private = (
                isinstance(node, ast.ImportFrom)
                and (node.module or "").split(".")[0] in client_fixes.MENDED
                and any(
                    part.startswith("_") for part in [*(node.module or "").split("."), *(a.name for a in node.names)]
                )
            )
            patched = isinstance(node, ast.Attribute) and node.attr in ("get_msg", "wait_release")
            if private or patched:
                found.append(path.relative_to(ROOT).as_posix())
    assert set(found) == {"libs/common/kafka/client_fixes.py"}
