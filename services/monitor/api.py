"""The monitor's HTTP application: one router per capability."""

from functools import partial
from pathlib import Path

from fastapi import FastAPI

from libs.common.http.status import Health
from libs.common.process.assembly import Shared, assemble
from libs.common.senders.reread import Reread
from services.monitor.admissions import api as admission_api
from services.monitor.dead_letters import api as dead_letters
from services.monitor.deps import Deps
from services.monitor.handlers import Handlers
from services.monitor.policy import api as policy_api
from services.monitor.sources import api as source_api
from services.monitor.sweeps import api as sweep_api
from services.monitor.usage import api as usage_api
from services.monitor.verdicts import api as verdict_api

DESCRIPTION = (
    "监测:使用信号、来源健康、规则包、结论与发现。没有数据不等于没有使用:信号缺失时结论为 UNKNOWN,既不立也不销。\n\n"
    "Watching: signals of use, health of sources, policy packs, verdicts and findings. No data is not no use: "
    "where a signal is missing the verdict is UNKNOWN, which opens nothing and clears nothing."
)


def build(deps: Deps, handlers: Handlers, reread: Reread, *, health: Health, quiet: Health) -> FastAPI:
    """Assemble the application; every route asks for a role or says that it is public."""
    database, clock = deps.database, deps.clock
    shared = Shared(
        database=database,
        clock=clock,
        authenticator=deps.authenticator,
        handlers=handlers,
        health=health,
        quiet=quiet,
        streams=dead_letters.streams(database, deps.authenticator, deps.calendar, deps.gate),
        reread=reread,
    )
    routers = [
        usage_api.router(database, deps.calendar, deps.gate),
        source_api.statements(database, clock, deps.gate),
        source_api.router(database, clock),
        admission_api.router(database, clock),
        sweep_api.router(database, partial(deps.sweeper.sweep, asked=True)),
        verdict_api.router(database, deps.book, clock),
        policy_api.router(deps.book),
    ]
    return assemble(
        "monitor",
        shared,
        routers,
        title="Jianfu monitor 减负·监测",
        description=DESCRIPTION,
        examples=Path(__file__).with_name("examples.yaml"),
    )
