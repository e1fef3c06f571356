"""The arrows between modules: each contract sees a planted break in a copy of the tree, and the tree keeps them all."""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, below

# contract → breaks: the module to write into, and the line that must not stand there.
PLANTED: dict[str, list[tuple[str, str]]] = {
    "services-independent": [
        ("services/monitor/verdicts/store.py", "import services.registry.assets.domain"),
        ("services/decommission/cases/usecases.py", "from services.monitor.verdicts import domain"),
        ("services/registry/intake/handlers.py", "import services.decommission.cases.store"),
    ],
    "libs-below": [
        ("libs/common/http/app.py", "import services.registry.assets.domain"),
        ("libs/common/consumer/subscription.py", "import deploy.cli.app"),
    ],
    "services-unaware-of-deploy": [("services/registry/main.py", "import deploy.cli.app")],
    "order-libs": [
        ("libs/common/db/pool.py", "import libs.common.outbox.relay"),
        ("libs/common/outbox/emit.py", "import libs.common.consumer.inbox"),
        ("libs/common/http/guards.py", "import libs.common.refusals.noting"),
        ("libs/common/dead_letters/store.py", "import libs.common.senders.aside"),
        ("libs/common/kafka/fetching.py", "import libs.common.security.tokens"),
        ("libs/common/text.py", "import libs.common.errors"),
    ],
    "order-deploy": [
        ("deploy/local/stack.py", "import deploy.cli.app"),
        ("deploy/kafka/topics.py", "import deploy.local.kafka"),
        ("deploy/terminal.py", "import deploy.gateway.app"),
    ],
    "events-flat": [
        ("libs/common/events/registry.py", "import libs.common.db.pool"),
        ("libs/common/events/monitor.py", "import asyncpg"),
    ],
    "inside": [
        ("services/registry/assets/store.py", "import services.registry.assets.usecases"),
        ("services/decommission/cases/usecases.py", "import services.decommission.cases.api"),
        ("services/decommission/cases/casework.py", "import services.decommission.cases.usecases"),
        ("services/registry/units/usecases.py", "import services.registry.units.api"),
    ],
    "pure": [
        ("services/registry/assets/domain.py", "import asyncpg"),
        ("services/registry/assets/domain.py", "import libs.common.clock"),
        ("services/registry/platforms/families/social.py", "import pathlib"),
        ("services/registry/imports/formats/xlsx.py", "import subprocess"),
        ("services/registry/intake/cloudevents.py", "import fastapi"),
        ("services/monitor/policy/pack.py", "import httpx"),
        ("services/monitor/signals/catalogue.py", "import asyncpg"),
        ("services/monitor/usage/batch.py", "import aiokafka"),
        ("services/monitor/verdicts/judgement.py", "import time"),
        ("services/monitor/verdicts/explain.py", "import libs.common.db.pool"),
        ("services/decommission/cases/next_move.py", "import libs.common.db.pool"),
        ("services/decommission/cases/domain.py", "import os"),
        ("services/decommission/gates/domain.py", "import services.decommission.gates.store"),
        ("services/decommission/connectors/domain.py", "import httpx"),
        ("services/decommission/cases/case.py", "import services.decommission.cases.store"),
    ],
    "order-decommission": [
        ("services/decommission/cases/store.py", "import services.decommission.plans.store"),
        ("services/decommission/limits/domain.py", "import services.decommission.deps"),
        ("services/decommission/routes/close.py", "import services.decommission.cases.next_move"),
        ("services/decommission/notices/usecases.py", "import services.decommission.mandates.store"),
    ],
    "connectors-independent": [
        ("services/decommission/connectors/types/other.py", "import services.decommission.connectors.types.webhook"),
    ],
    "channels-independent": [
        ("services/decommission/channels/types/other.py", "import services.decommission.channels.types.webhook"),
    ],
    "probes-independent": [
        ("services/decommission/probes/types/other.py", "import services.decommission.probes.types.page"),
    ],
    "contents-independent": [
        ("services/decommission/archives/contents/other.py", "import services.decommission.archives.contents.account"),
    ],
    "inner-rooms": [
        ("services/registry/assets/store.py", "import fastapi"),
        ("services/monitor/sweeps/usecases.py", "import libs.common.consumer.subscription"),
        ("services/decommission/cases/store.py", "import httpx"),
    ],
    "order-registry": [
        ("services/registry/units/usecases.py", "import services.registry.assets.domain"),
        ("services/registry/guard/usecases.py", "import services.registry.intake.usecases"),
        ("services/registry/tombstones/pages.py", "import services.registry.verification.schemas"),
        ("services/registry/platforms/names.py", "import services.registry.lists.words"),
        ("services/registry/intake/api.py", "import services.registry.verification.answers"),
    ],
    "formats": [("services/registry/imports/formats/csv.py", "import services.registry.imports.formats.xlsx")],
    "platforms": [
        ("services/registry/platforms/families/stores.py", "import services.registry.platforms.families.social"),
    ],
    "order-monitor": [
        ("services/monitor/signals/store.py", "import services.monitor.policy.pack"),
        ("services/monitor/policy/rulebook.py", "import services.monitor.verdicts.judgement"),
        ("services/monitor/policy/pack.py", "import services.monitor.usage.fold"),
        ("services/monitor/sources/store.py", "import services.monitor.usage.store"),
        ("services/monitor/verdicts/store.py", "import services.monitor.sweeps.store"),
        ("services/monitor/sweeps/usecases.py", "import services.monitor.rechecks.domain"),
        ("services/monitor/newcomer.py", "import services.monitor.metrics"),
    ],
}
BREAKS = [(contract, module, line) for contract, breaks in PLANTED.items() for module, line in breaks]


def contracts() -> list[str]:
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    return [name.split(":")[2] for name in config.sections() if name.startswith("importlinter:contract:")]


def lint(tree: Path, *only: str) -> subprocess.CompletedProcess[str]:
    cache = tree.parent / "imports"  # one for all copies: a module is read again only where it was changed
    command = [Path(sys.executable).parent / "lint-imports", "--no-logo", "--cache-dir", cache]
    command += [part for contract in only for part in ("--contract", contract)]
    environment = {**os.environ, "COLUMNS": "200", "PYTHONPATH": f"{tree}{os.pathsep}{ROOT}"}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules of the product and the contracts, in a place where they may be broken."""
    tmp_path = tmp_path_factory.mktemp("tree")
    for path in below(ROOT, "services", "libs", "deploy", suffix=".py"):
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    shutil.copyfile(ROOT / ".importlinter", tmp_path / ".importlinter")
    return tmp_path


@pytest.mark.parametrize(("contract", "module", "line"), BREAKS, ids=[f"{c}: {m}: {li}" for c, m, li in BREAKS])
def test_a_planted_break_is_caught(copy: Path, contract: str, module: str, line: str) -> None:
    (copy / module).parent.mkdir(exist_ok=True)
    (copy / module).parent.joinpath("__init__.py").touch()
    with (copy / module).open("a") as file:
        file.write(f"\n{line}\n")
    ran = lint(copy, contract)
    broken = module.removesuffix(".py").replace("/", ".")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "Contracts: 0 kept, 1 broken." in ran.stdout
    assert broken in ran.stdout


def test_every_contract_has_a_planted_break() -> None:
    assert sorted(PLANTED) == sorted(contracts())


def test_the_tree_keeps_every_contract(copy: Path) -> None:
    ran = lint(copy)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"Contracts: {len(contracts())} kept, 0 broken." in ran.stdout
