"""From Kafka to use cases: what the monitor tells of findings and rechecks."""

from collections.abc import Callable

from libs.common.events.envelope import Incoming
from libs.common.events.monitor import (
    FindingCleared,
    FindingConfirmed,
    FindingOpened,
    FindingRefuted,
    RecheckInconclusive,
)
from libs.common.handler import Handler
from services.decommission.deps import Deps
from services.decommission.findings import usecases


def findings(deps: Deps, wake: Callable[[], None]) -> dict[str, Handler]:
    """Handlers of `jianfu.monitor`; each may make a case due."""

    async def opened(event: FindingOpened, incoming: Incoming) -> None:
        await usecases.open_case(deps, event, incoming.id)
        wake()

    async def cleared(event: FindingCleared, incoming: Incoming) -> None:
        await usecases.finding_cleared(deps, event, incoming.id)
        wake()

    async def answered(event: usecases.Reply, incoming: Incoming) -> None:
        await usecases.recheck_answered(deps, event, incoming.id)
        wake()

    handlers = {
        FindingOpened.TYPE: Handler(FindingOpened, opened),
        FindingCleared.TYPE: Handler(FindingCleared, cleared),
    }
    answers = (FindingConfirmed, FindingRefuted, RecheckInconclusive)
    return handlers | {model.TYPE: Handler(model, answered) for model in answers}
