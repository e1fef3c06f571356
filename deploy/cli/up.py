"""`jianfu up`: the whole stack behind one address."""

import os
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from deploy.local.datadir import HERE, Data
from deploy.local.external import Outside
from deploy.local.stack import Options, Stack
from deploy.terminal import StackError

EGRESS_PURPOSES = ("notice", "connector", "probe")


class Clock(StrEnum):
    """Which business clock the services take."""

    SYSTEM = "system"
    STEPPED = "stepped"


def add(app: typer.Typer) -> None:
    """Give the application this command."""
    app.command()(up)


def up(
    data: Data = HERE,
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="port of the one address; picked free if absent 端口")
    ] = None,
    clock: Annotated[Clock | None, typer.Option(help="business clock; as before, or system 时钟")] = None,
    egress_allow: Annotated[
        list[str] | None,
        typer.Option(
            help="host:port that may be called though not public; notice=…, connector=… or "
            "probe=… for one purpose 例外地址"
        ),
    ] = None,
    partitions: Annotated[
        int | None, typer.Option(min=1, help="partitions per topic; as before, or those of topics.yaml 分区")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="zone of the business day, fixed at the first start; Asia/Shanghai 时区")
    ] = None,
    per_caller: Annotated[
        int | None, typer.Option(min=1, help="connections that one address may hold at once; 100 每个地址的连接数上限")
    ] = None,
    env: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for the services 环境变量")] = None,
) -> None:
    """Start PostgreSQL, Kafka and the three services behind one address. 启动整套系统。

    Ctrl-C stops everything, the data stays. KAFKA_BOOTSTRAP_SERVERS and JIANFU_<SERVICE>_DATABASE_URL name parts of
    your own to use instead.
    """
    options = Options(
        data,
        port,
        clock,
        _exceptions(egress_allow or []),
        partitions,
        _zone(timezone),
        per_caller,
        dict(map(_pair, env or [])),
    )
    Stack(options, Outside.read(os.environ)).run()


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise StackError(f"--env wants NAME=VALUE, not {text!r}")
    return name, value


def _exceptions(asked: list[str]) -> dict[str, tuple[str, ...]]:
    """Places by what they may be called for; one that names no purpose is open to all of them."""
    found: dict[str, tuple[str, ...]] = {}
    for text in asked:
        purpose, _, place = text.rpartition("=")
        if purpose not in ("", *EGRESS_PURPOSES) or not place:
            raise StackError(f"--egress-allow wants HOST:PORT or {'|'.join(EGRESS_PURPOSES)}=HOST:PORT, not {text!r}")
        for one in (purpose,) if purpose else EGRESS_PURPOSES:
            found[one] = (*found.get(one, ()), place)
    return found


def _zone(name: str | None) -> str | None:
    if name is not None:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise StackError(f"--timezone wants an IANA zone such as Asia/Shanghai, not {name!r}") from None
    return name
