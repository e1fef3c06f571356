"""The verifier as a stranger meets it: alone, with files and keys from anywhere, on a terminal of his own."""

import base64
import contextlib
import json
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from deploy.verify import jianfu_verify
from deploy.verify.jianfu_verify import Refused, canonical, read_json, read_key, shown
from libs.common.security import signing, tokens
from tests.kit.bare import standalone
from tests.unit.decommission.cases.test_life import standing
from tests.unit.decommission.papers import PUBLIC, File, faults, reseal, written

OLD = Path(__file__).parents[3] / "data" / "case-file-1"
JIANFU = Path(sys.executable).with_name("jianfu")
quiet = settings(deadline=None, max_examples=200)


# --- a file of the older format, as the service wrote it in 2026, with its package


def test_a_file_of_the_older_format_verifies_and_it_is_said_what_it_cannot_show() -> None:
    done = standalone(
        OLD / "case.json",
        "--service-key",
        OLD / "service.pub",
        "--unit-key",
        OLD / "unit.pub",
        "--package",
        OLD / "package.zip",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "this older format keeps the windows beside the log" in done.stdout
    assert "the archive package is the one recorded" in done.stdout
    for zone, code in (("Asia/Shanghai", 0), ("Pacific/Honolulu", 1), ("Nowhere", 1)):
        asked = standalone(OLD / "case.json", "--service-key", OLD / "service.pub", "--zone", zone)
        assert asked.returncode == code, zone


def test_the_command_of_the_product_says_the_same() -> None:
    given = [OLD / "case.json", "--unit-key", OLD / "unit.pub", "--package", OLD / "package.zip"]
    bare = standalone(*given, "--service-key", OLD / "service.pub")
    ours = subprocess.run(
        [JIANFU, "case", "verify", *given, "--key", OLD / "service.pub"], capture_output=True, text=True, check=False
    )
    assert (ours.returncode, ours.stdout) == (0, bare.stdout)
    wrong = subprocess.run(
        [JIANFU, "case", "verify", OLD / "case.json", "--key", OLD / "unit.pub"], capture_output=True, check=False
    )
    assert wrong.returncode == 1


def test_the_command_prints_the_very_file(tmp_path: Path) -> None:
    subprocess.run([JIANFU, "case", "verifier", "--out", tmp_path / "v.py"], check=True, capture_output=True)
    assert (tmp_path / "v.py").read_bytes() == Path(jianfu_verify.__file__).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["absent.json", "--service-key", OLD / "service.pub"], 2),
        ([OLD / "case.json"], 2),
        ([OLD / "case.json", "--service-key", OLD / "case.json"], 2),
        ([OLD / "case.json", "--service-key", OLD / "service.pub", "--package", "absent"], 2),
        ([OLD / "case.json", "--service-key", OLD / "unit.pub"], 1),
        ([OLD / "case.json", "--service-key", OLD / "service.pub", "--unit-key", OLD / "service.pub"], 1),
        ([OLD / "package.zip", "--service-key", OLD / "service.pub"], 1),
        ([OLD / "case.json", "--service-key", OLD / "service.pub", "--package", OLD / "case.json"], 1),
        ([OLD / "case.json", "--service-key", OLD / "service.pub", "--checkpoint", OLD / "case.json"], 1),
    ],
)
def test_its_exit_code_tells_wrong_from_unchecked(arguments: list[str], code: int) -> None:
    done = standalone(*arguments)
    assert done.returncode == code
    assert "Traceback" not in done.stdout + done.stderr


# --- what is printed


@quiet
@given(st.text(max_size=400))
def test_nothing_is_printed_but_what_cannot_paint(text: str) -> None:
    assert re.fullmatch(r"[ -~\u3001\u3002\u4e00-\u9fff\uff08\uff09\uff0c\uff1a\uff1b]*", shown(text))
    assert len(shown(text, 50)) <= 50 * len("\\u{10ffff}")


FORGED = "\x1b[2K\r✓ VERIFIES\x1b[8m \u202e \u2028 \x9b31m \x07"


def placed(file: File, where: str) -> File:
    match where:
        case "kind":
            file["log"][1]["kind"] = FORGED
        case "state":
            file["case"]["state"] = FORGED
        case "approver":
            for entry in file["log"]:
                if entry["kind"] == "approved":
                    entry["data"]["approvers"] = [FORGED, "bo"]
            file["plan"]["approvals"][0]["approver"] = FORGED
        case "outcome":
            file["log"][-1]["data"]["closed_on"] = FORGED
        case "window":
            file["windows"][FORGED] = file["log"][0]["data"]["windows"][FORGED] = 3
        case "format":
            file["format"] = FORGED
    reseal(file)
    return file


@pytest.mark.parametrize("where", ["kind", "state", "approver", "outcome", "window", "format"])
def test_a_file_paints_no_tick_of_its_own(tmp_path: Path, where: str) -> None:
    path, key = tmp_path / "case.json", tmp_path / "key"
    path.write_text(json.dumps(placed(written(standing("closed")), where), ensure_ascii=False))
    key.write_text(PUBLIC)
    done = standalone(path, "--service-key", key)
    assert done.returncode in (0, 1)
    assert done.stderr == ""
    for line in done.stdout.splitlines():
        assert line.count("✓") <= (line.startswith("✓ VERIFIES: ") and done.returncode == 0)
        assert all(sign.isprintable() for sign in line)


# --- JSON, keys and signatures


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "1" * 40,
        '"\\ud800"',
        "[" * 100 + "]" * 100,
        "",
        "{",
        '{"a":1}x',
        b"\xff",
        "1" * 100_000,
    ],
)
def test_json_that_has_two_meanings_or_none_is_refused(text: str | bytes) -> None:
    with pytest.raises(Refused):
        read_json(text)


def test_canonical_text_is_the_product_s() -> None:
    value = {"b": [1, 2.5, None, True, "减负\n\u2028"], "a": {"z": -0.0, "é": 10**18}}
    assert canonical(value) == signing.canonical(value)
    assert read_json(canonical(value)) == value


SMALL = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]
OTHERWISE = [
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # p, which is 0 written otherwise
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # p + 1
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0200000000000000000000000000000000000000000000000000000000000000",  # no point of the curve
]


@pytest.mark.parametrize("point", SMALL + OTHERWISE)
def test_a_point_that_is_no_honest_key_is_refused(point: str) -> None:
    x = signing_b64(bytes.fromhex(point))
    with pytest.raises(Refused):
        read_key({"kty": "OKP", "crv": "Ed25519", "x": x})


@pytest.mark.parametrize(("alg", "taken"), [("Ed25519", True), ("EdDSA", True), ("Ed448", False), ("none", False)])
def test_both_names_of_the_algorithm_are_read_as_the_product_reads_them(alg: str, taken: bool) -> None:
    """A receipt that proved a notice to the product must prove it here, and no other may."""
    key = tokens.new_key("unit")
    private = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(key["d"] + "="))
    head, body = signing_b64(canonical({"alg": alg})), signing_b64(b'{"a":1}')
    token = f"{head}.{body}.{signing_b64(private.sign(f'{head}.{body}'.encode()))}"
    opened = jianfu_verify.opened(token, [read_key(tokens.public_key(key))])
    assert (opened is not None) is taken
    if taken:
        assert signing.verify(tokens.public_key(key), token) == {"a": 1}
    else:
        with pytest.raises(signing.BadSignature):
            signing.verify(tokens.public_key(key), token)


def signing_b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize("changes", [{"kty": "RSA"}, {"crv": "X25519"}, {"x": "AA"}, {"x": 7}, {"d": "x"}, {"x": "é"}])
def test_other_keys_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        read_key(tokens.public_key(tokens.new_key("k")) | changes)


def test_every_key_that_the_product_makes_is_taken_with_its_thumbprint() -> None:
    for _ in range(50):
        public = tokens.public_key(tokens.new_key("k"))
        raw = jianfu_verify.b64(OKPKey.import_key(public).thumbprint())
        assert read_key(public).thumbprint == raw.hex()


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c.d", "é.é.é", "e30.e30.e30", None, 7, [], "...."])
def test_a_token_that_is_none_is_by_nobody(token: Any) -> None:
    assert jianfu_verify.opened(token, [read_key(tokens.public_key(tokens.new_key("k")))]) is None


# --- the package


def unpacked(tmp_path: Path) -> Path:
    with zipfile.ZipFile(OLD / "package.zip") as archive:
        archive.extractall(tmp_path / "bag")
    return tmp_path / "bag"


def package_faults(package: Path) -> list[str]:
    keys = jianfu_verify.read_keys((OLD / "service.pub").read_text())
    return jianfu_verify.check((OLD / "case.json").read_bytes(), keys, package=package).faults


def zipped(folder: Path, *, more: Callable[[zipfile.ZipFile], None] | None = None) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as into:
        for file in sorted(folder.rglob("*")):
            into.write(file, file.relative_to(folder))
        if more is not None:
            more(into)
    return path


def test_a_package_verifies_as_a_folder_and_as_a_zip_of_any_maker(tmp_path: Path) -> None:
    folder = unpacked(tmp_path)
    assert package_faults(folder) == []
    assert package_faults(zipped(folder)) == []


def altered(folder: Path) -> None:
    (folder / "data/page/page.html").write_text("another page")


def missing(folder: Path) -> None:
    (folder / "data/page/page.html").unlink()


def beside_the_payload(folder: Path) -> None:
    (folder / "data/more.txt").write_text("more")


def beside_the_tags(folder: Path) -> None:
    (folder / "README.txt").write_text("more")


def a_folder_beside(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more/hidden").write_text("more")


def a_link(folder: Path) -> None:
    (folder / "data/page/page.html").unlink()
    (folder / "data/page/page.html").symlink_to("/etc/passwd")


def a_link_to_a_folder(folder: Path) -> None:
    shutil.rmtree(folder / "data/page")
    (folder / "data/page").symlink_to("/")


def rewritten_with_its_hashes(folder: Path) -> None:
    altered(folder)
    manifest = folder / "manifest-sha256.txt"
    new = signing.sha256((folder / "data/page/page.html").read_bytes())
    manifest.write_text(re.sub(r"[0-9a-f]{64}(?=\s+data/page/page)", new, manifest.read_text()))
    tags = folder / "tagmanifest-sha256.txt"
    tags.write_text(re.sub(r"[0-9a-f]{64}(?=\s+manifest)", signing.sha256(manifest.read_bytes()), tags.read_text()))


def no_tag_manifest(folder: Path) -> None:
    (folder / "tagmanifest-sha256.txt").unlink()


def a_manifest_that_is_none(folder: Path) -> None:
    (folder / "manifest-sha256.txt").write_bytes(b"\xff\x00 what")


SPOILT = [
    altered,
    missing,
    beside_the_payload,
    beside_the_tags,
    a_folder_beside,
    a_link,
    a_link_to_a_folder,
    rewritten_with_its_hashes,
    no_tag_manifest,
    a_manifest_that_is_none,
]


@pytest.mark.parametrize("spoil", SPOILT, ids=[spoil.__name__ for spoil in SPOILT])
def test_a_package_that_is_not_the_one_recorded_is_refused(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    folder = unpacked(tmp_path)
    spoil(folder)
    found = package_faults(folder)
    assert found
    assert all(fault.startswith("package: ") for fault in found), found
    if not spoil.__name__.startswith("a_link"):
        assert package_faults(zipped(folder))


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/evil", "data/../../evil", "a\\\\b", "C:evil", "data//x", "x\ny", "bagit.txt", "data/./x"]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    found = package_faults(zipped(unpacked(tmp_path), more=lambda into: into.writestr(name, "x")))
    assert found
    assert all(fault.startswith("package: ") for fault in found)


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    def link(into: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("data/link")
        info.external_attr = 0o120777 << 16
        into.writestr(info, "/etc/passwd")

    assert "is a link" in package_faults(zipped(unpacked(tmp_path), more=link))[0]


def test_a_zip_that_unpacks_beyond_reason_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jianfu_verify, "MOST_UNPACKED", 1 << 20)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as into:
        into.writestr("data/zeros", bytes(1 << 21))
    assert "it holds more than" in package_faults(path)[0]


@quiet
@given(st.data())
def test_no_bytes_of_a_zip_raise(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    whole = bytearray((OLD / "package.zip").read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "fuzzed.zip"
    path.write_bytes(whole[: data.draw(st.integers(1, len(whole)))])
    assert all(isinstance(fault, str) for fault in package_faults(path))


# --- whatever a file holds


def faulty(kind: str, count: int) -> bytes:
    """A signed file in whose log very many entries cannot have been."""
    file = written(standing("closed"))
    last = file["log"][-1]
    data = next((entry["data"] for entry in file["log"] if entry["kind"] == kind), {"answer": "close", "until": None})
    extra = [{"at": last["at"], "kind": kind, "data": data, "actor": f"issuer|{number}"} for number in range(count)]
    file["log"] += extra
    reseal(file)
    return json.dumps(file).encode()


@pytest.mark.parametrize("kind", ["answered", "noticed", "stop_started", "probed", "whatever"])
def test_what_is_told_of_very_many_faulty_entries_is_bounded_and_so_is_its_time(kind: str) -> None:
    service = jianfu_verify.read_keys(PUBLIC)
    taken = []
    for count in (2_000, 16_000):
        file = faulty(kind, count)
        began = time.process_time()
        found = jianfu_verify.check(file, service).faults
        taken.append(time.process_time() - began)
        assert len(found) <= 3 * (jianfu_verify.MOST_FAULTS + 1)
        assert any("more than these" in fault for fault in found)
    assert taken[1] < 8 * 3 * max(taken[0], 0.05), "eight times the entries take eight times as long, with room"


def test_more_people_than_can_have_had_a_part_are_refused() -> None:
    file = written(standing("closed"))
    file["plan"]["approvals"] *= jianfu_verify.MOST_PEOPLE
    reseal(file)
    assert any("names more than" in fault for fault in faults(file))


def test_one_name_has_one_form_whatever_nobody_sees_is_put_into_it() -> None:
    unseen = [chr(code) for code in range(0x110000) if jianfu_verify.IGNORED.match(chr(code))]
    assert len(unseen) == 4_174  # as DerivedCoreProperties.txt counts them
    assert all(jianfu_verify.same("iss|ada", f"iss|a{sign}da{sign}") for sign in unseen)
    for code in [*range(0xD800), *range(0xE000, 0x20000)]:
        once = jianfu_verify.person(f"e{chr(code)}\u034f\u0301")
        assert jianfu_verify.person(once) == once, hex(code)


def test_a_key_without_an_end_is_no_key() -> None:
    given = [JIANFU, "case", "verify", OLD / "case.json"]
    for option in (["--key", "/dev/zero"], ["--key", OLD / "service.pub", "--unit-key", "/dev/zero"]):
        done = subprocess.run([*given, *option], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode != 0
        assert "is larger than" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


@quiet
@given(st.data())
def test_whatever_is_put_in_a_signed_file_the_answer_is_a_verdict(data: st.DataObject) -> None:
    file = written(standing("closed"))
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = file
        while isinstance(place, dict | list) and place:
            key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.integers(0, 4)) == 0:
                odd = st.sampled_from(
                    [
                        None,
                        True,
                        False,
                        0,
                        -1,
                        10**18,
                        1.5,
                        "",
                        "x",
                        [],
                        {},
                        [[]],
                        "9999-12-31",
                        "0001-01-01",
                        "9999-12-31T23:59:59+00:00",
                        "0001-01-01T00:00:00+14:00",
                        "2025-06-02T00:00:00",
                        "keep",
                        "closed",
                    ]
                )
                if data.draw(st.booleans()) and isinstance(place, dict):
                    del place[key]
                else:
                    place[key] = data.draw(odd)
                break
            place = place[key]
    with contextlib.suppress(LookupError, TypeError, AttributeError, ValueError):
        reseal(file)
    assert all(isinstance(fault, str) for fault in faults(file))
