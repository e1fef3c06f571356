"""The monitor's HTTP application: one router per noun."""

from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI

from libs.common.consumer.subscription import Handler
from libs.common.http.app import clock_router, create_app, seal, status_router
from libs.common.process.run import Base
from libs.common.refusals import noting
from libs.common.refusals.reread import Reread
from libs.common.security.tokens import Authenticator
from services.monitor.admissions import api as api_admissions
from services.monitor.dead_letters import api as api_letters
from services.monitor.policy import api as api_packs
from services.monitor.policy.rulebook import RuleBook
from services.monitor.sources import api as api_sources
from services.monitor.sweeps.run import Sweeper
from services.monitor.usage import api as api_usage
from services.monitor.usage import fold
from services.monitor.usage.senders import Gate
from services.monitor.verdicts import api as api_findings

DESCRIPTION = (
    "监测:使用信号、来源健康、规则包、结论与发现。没有数据不等于没有使用:信号缺失时结论为 UNKNOWN,既不立也不销。\n\n"
    "Watching: signals of use, health of sources, policy packs, verdicts and findings. No data is not no use: "
    "where a signal is missing the verdict is UNKNOWN, which opens nothing and clears nothing."
)


def build(
    base: Base,
    authenticator: Authenticator,
    book: RuleBook,
    sweeper: Sweeper,
    calendar: fold.Calendar,
    gate: Gate,
    handlers: Mapping[str, Mapping[str, Handler]],
) -> FastAPI:
    """Assemble the application; every route asks for a role or says that it is public."""
    app = create_app(
        "monitor",
        title="Jianfu monitor 减负·监测",
        description=DESCRIPTION,
        authenticator=authenticator,
        examples=Path(__file__).with_name("examples.yaml"),
    )
    database, clock = base.database, base.clock
    reread = Reread(base.ends.options, authenticator)
    app.include_router(api_usage.router(database, clock, calendar, gate))
    app.include_router(api_sources.router(database, clock))
    app.include_router(api_admissions.router(database, clock))
    app.include_router(api_findings.router(database, book, sweeper, clock))
    app.include_router(api_packs.router(book))
    app.include_router(api_letters.router(database, handlers, authenticator, calendar, gate, reread))
    app.include_router(noting.router("monitor", database))
    app.include_router(clock_router("monitor", database, clock))
    app.include_router(status_router(base.health, base.quiet))
    seal(app)
    return app
