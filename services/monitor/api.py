"""The monitor's HTTP application: one router per capability."""

from functools import partial
from pathlib import Path

from fastapi import FastAPI

from libs.common.http.app import Health, clock_router, create_app, seal, status_router
from libs.common.refusals import noting
from libs.common.refusals.reread import Reread
from services.monitor.admissions import api as admission_api
from services.monitor.dead_letters import api as dead_letter_api
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
    app = create_app(
        "monitor",
        title="Jianfu monitor 减负·监测",
        description=DESCRIPTION,
        authenticator=deps.authenticator,
        examples=Path(__file__).with_name("examples.yaml"),
    )
    database, clock = deps.database, deps.clock
    app.include_router(usage_api.router(database, deps.calendar, deps.gate))
    app.include_router(source_api.statements(database, clock, deps.gate))
    app.include_router(source_api.router(database, clock))
    app.include_router(admission_api.router(database, clock))
    app.include_router(sweep_api.router(database, partial(deps.sweeper.sweep, asked=True)))
    app.include_router(verdict_api.router(database, deps.book, clock))
    app.include_router(policy_api.router(deps.book))
    app.include_router(dead_letter_api.router(database, handlers, deps.authenticator, deps.calendar, deps.gate, reread))
    app.include_router(noting.router("monitor", database))
    app.include_router(clock_router("monitor", database, clock))
    app.include_router(status_router(health, quiet))
    seal(app)
    return app
