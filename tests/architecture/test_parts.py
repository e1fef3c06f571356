"""The parts of a whole run leave no test out, and their last line is the sum of all, whatever fails on the way."""

import re
from pathlib import Path

import pytest

from tests import parts
from tests.architecture.tree import ROOT


def below(argument: str, file: Path) -> bool:
    return file.is_relative_to(ROOT / argument)


def runs(part: parts.Part, file: Path) -> bool:
    """Whether a part runs the tests of a file."""
    ignored = [argument.partition("=")[2] for argument in part.command if argument.startswith("--ignore=")]
    folders = [argument for argument in part.command if argument.startswith("tests/")]
    return any(below(name, file) for name in folders) and not any(below(name, file) for name in ignored)


def test_each_file_of_tests_is_run_by_one_part() -> None:
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    assert len(files) > 100
    times = {str(file): sum(runs(part, file) for part in parts.PARTS) for file in files}
    assert {file: count for file, count in times.items() if count != 1} == {}


def test_the_last_line_is_the_sum_of_all_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def part(name: str, text: str) -> parts.Part:
        (tmp_path / f"test_{name}.py").write_text(text)
        return parts.tests(name, "-p", "no:cacheprovider", str(tmp_path / f"test_{name}.py"))

    fails = part("fails", "def test_a(): assert False\ndef test_b(): pass\n")
    passes = part("passes", "def test_c(): pass\n")
    no_code = part("code", "import nothing_of_this_name\n")
    lint = parts.Part("lint", ("make", "no-such-target"))
    monkeypatch.setattr(parts, "PARTS", (lint, fails, no_code, passes))
    assert parts.main([]) == 1
    *_, said, last = capfd.readouterr().out.rstrip().splitlines()
    assert re.fullmatch(r"=+ 2 passed, 1 failed, 2 errors in \d+\.\d\ds =+", last)
    assert re.fullmatch(r"✔ passes +\d+ s +1 passed", said)
    assert parts.main(["passes"]) == 0
    assert re.search(r"=+ 1 passed in \d+\.\d\ds =+$", capfd.readouterr().out.rstrip())
    assert parts.main(["fails"]) == 1
    assert re.search(r"=+ 1 passed, 1 failed in \d+\.\d\ds =+$", capfd.readouterr().out.rstrip())
    assert parts.main(["elsewhere"]) == 2
    assert "there are lint, fails, code, passes" in capfd.readouterr().err
