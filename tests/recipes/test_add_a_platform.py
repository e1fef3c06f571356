"""docs/recipes/add-a-platform.md, followed."""

from pathlib import Path

from tests.recipes.following import follow

ENTRY = """    Platform(
        name="toynet",
        accepted="the address of its page",
        forms=(Form(name=HANDLE, gives="{}", at=("u/{}",), text=("@{}",)),),
        domains=("toynet.example",),
        usual="玩具网|toy net",
    ),
)
"""
DATA = """kind,platform,address,expected
account,玩具网,https://www.toynet.example/u/OneGov?from=qr,toynet|onegov
account,Toy Net,@OneGov,toynet|onegov
account,toynet,https://toynet.example/help,refused
"""


def test_a_platform_is_an_entry_and_its_test_data(tmp_path: Path) -> None:
    following = follow("add-a-platform", tmp_path, most=2)
    family = "services/registry/platforms/families/international.py"
    last = (following.copy.root / family).read_text().rstrip().removesuffix(")")
    following.change(family, (last, last + ENTRY.removesuffix(")\n")))
    following.write("tests/data/platforms/toynet.csv", DATA)
    following.copy.run("-m", "tests.contract.update", "platforms")
    wanted = "toynet or every_file or each_name or known_platforms"
    ran = following.test("tests/unit/registry/platforms", "tests/unit/common/test_known.py", "-k", wanted)
    assert "4 passed" in ran
