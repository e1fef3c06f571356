"""A whole case and its package, taken out and checked by a stranger: one file, a bare interpreter, his own keys."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from uuid import UUID

import pytest

from libs.common.security import tokens
from tests.integration.decommission.conftest import SERVICE_KEY, Story
from tests.kit.bare import standalone


async def taken_out(story: Story, case: UUID, folder: Path) -> list[str | Path]:
    """A case's file, package and keys on a stranger's disk, and how he asks about them."""
    (folder / "case.json").write_bytes(await story.file(case))
    reply = await story.request("GET", f"/cases/{case}/package", role="auditor")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/zip")
    (folder / "package.zip").write_bytes(reply.content)
    (folder / "service.pub").write_text(json.dumps(tokens.public_key(SERVICE_KEY)))
    keys = [story.world.public_key(name) for name in story.units.values()]
    (folder / "units.pub").write_text(json.dumps({"keys": keys}))
    return [
        folder / "case.json",
        "--service-key",
        folder / "service.pub",
        "--unit-key",
        folder / "units.pub",
        "--package",
        folder / "package.zip",
    ]


async def test_a_whole_case_and_its_package_verify_alone(story: Story, unit: UUID, tmp_path: Path) -> None:
    asset, case = await story.flagged("whole", unit)
    await story.flag(asset, "C16")
    await story.until(case, "announced")
    await story.act(case, "hold", until=story.day.isoformat())
    await story.until(case, "closed")
    asked = await taken_out(story, case, tmp_path)
    done = standalone(*asked)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    for text in ("by this log the case is closed", "the unit's key signed the receipt", "nothing beside it"):
        assert text in done.stdout
    stranger = tmp_path / "stranger.pub"
    stranger.write_text(json.dumps(tokens.public_key(tokens.new_key("other"))))
    assert standalone(*asked[:3], "--unit-key", stranger).returncode == 1
    assert standalone(asked[0], "--service-key", stranger).returncode == 1


async def test_a_package_is_the_same_bytes_each_time_and_is_the_bag(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("packed", unit)
    await story.until(case, "verifying")
    first, again = [await story.request("GET", f"/cases/{case}/package", role="auditor") for _ in range(2)]
    assert first.content == again.content
    archived = [e["data"]["sha256"] for e in (await story.case(case))["log"] if e["kind"] == "archived"]
    with zipfile.ZipFile(io.BytesIO(first.content)) as package:
        assert package.namelist() == sorted(package.namelist())
        assert {info.compress_type for info in package.infolist()} == {zipfile.ZIP_STORED}
        assert hashlib.sha256(package.read("tagmanifest-sha256.txt")).hexdigest() == archived[-1]
        root = story.deps.archive.place(case)
        for name in package.namelist():
            assert package.read(name) == (root / name).read_bytes()
        assert len(package.namelist()) == len([path for path in root.rglob("*") if path.is_file()])


async def test_a_package_is_for_auditors_and_only_where_there_is_one(story: Story, unit: UUID) -> None:
    _, case = await story.flagged("early", unit)
    assert (await story.request("GET", f"/cases/{case}/package", role="auditor")).status_code == 404
    for role in ("viewer", "operator", "approver", "unit"):
        assert (await story.request("GET", f"/cases/{case}/package", role=role)).status_code == 403


@pytest.mark.parametrize("where", ["more.txt", "data/more.txt", "more/hidden"])
async def test_what_lies_beside_the_package_shuts_the_gate_and_is_refused_offline(
    story: Story, unit: UUID, tmp_path: Path, where: str
) -> None:
    """Before the stop, where the package is read back once more, and after it, by whoever fetches it."""
    _, case = await story.flagged("beside", unit)
    await story.until(case, "announced")
    story.verdicts[UUID((await story.case(case))["asset_id"])] = "nothing"
    await story.until(case, "archived", "rechecking")
    more = story.deps.archive.place(case) / where
    more.parent.mkdir(exist_ok=True)
    more.write_text("more")
    asked = await taken_out(story, case, tmp_path)
    done = standalone(*asked)
    assert done.returncode == 1
    assert f"package: {where} is not in the manifests" in done.stdout
    story.verdicts.clear()
    await story.next_day()
    assert "archive_failed" in await story.kinds(case)
    assert story.world.calls("stop") == []


async def test_a_link_in_a_package_is_neither_followed_nor_handed_out(story: Story, unit: UUID, tmp_path: Path) -> None:
    _, case = await story.flagged("linked", unit)
    await story.until(case, "verifying")
    secret = tmp_path / "secret"
    secret.write_text("a secret of the machine")
    (story.deps.archive.place(case) / "data" / "link").symlink_to(secret)
    reply = await story.request("GET", f"/cases/{case}/package", role="auditor")
    assert reply.status_code == 409
    assert reply.json()["code"] == "package_damaged"
    assert b"a secret" not in reply.content
