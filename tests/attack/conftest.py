"""What attacks stand on: one real stack for all that need it, and the counts that are printed at the end."""

from collections.abc import AsyncIterator

import pytest

from tests.acceptance.house import House
from tests.attack.counting import Counts
from tests.conftest import open_folder

COUNTS = Counts()


@pytest.fixture(scope="session")
def size(request: pytest.FixtureRequest) -> int:
    """How many times as large as in a plain run an attack shall be: 1, or 10 under `make attack`."""
    return int(request.config.getoption("--attack-size"))


@pytest.fixture(scope="session")
def counts() -> Counts:
    """The counts of this run; every attack adds its own."""
    return COUNTS


@pytest.fixture(scope="session")
async def house() -> AsyncIterator[House]:
    """A running stack. Attacks share it: each leaves it so that the next one can begin."""
    with open_folder() as path:
        running = House(path / "data")
        try:
            running.start()
            yield running
        finally:
            await running.end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if COUNTS.requests or COUNTS.others:
        terminalreporter.section("attacks")
        for line in COUNTS.lines():
            terminalreporter.write_line(line)
