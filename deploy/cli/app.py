"""The `jianfu` command."""

import os
import signal
import sys
import time
from enum import StrEnum
from importlib import metadata
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
import typer

from deploy.cli import case as case_cli
from deploy.cli import desk as desk_cli
from deploy.cli import setup as setup_cli
from deploy.local import datadir
from deploy.local.datadir import HERE, Data
from deploy.local.external import Outside
from deploy.local.keys import Keys
from deploy.local.stack import Options, Stack
from deploy.local.subprocesses import StackError, say
from libs.common.security import tokens

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.add_typer(case_cli.app, name="case", help="Cases and their files: list, approve, export, verify. 个案与案卷。")
desk_cli.add(app)
setup_cli.add(app)


EGRESS_PURPOSES = ("notice", "connector", "probe")


class Clock(StrEnum):
    """Which business clock the services take."""

    SYSTEM = "system"
    STEPPED = "stepped"


def _version(asked: bool) -> None:
    if asked:
        print(f"jianfu {metadata.version('jianfu')}")
        raise typer.Exit


@app.callback()
def jianfu(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version and end 版本")
    ] = False,
) -> None:
    """Jianfu 减负: record, watch, close. 登记、监测、关停。"""


@app.command()
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


@app.command()
def status(data: Data = HERE) -> None:
    """Tell what runs and whether it is well; exits with 1 when something is not. 查看状态。"""
    found = datadir.state(data)
    print(f"{found['address']}  clock {found['clock']}  zone {found['timezone']}  pid {found['pid']}")
    try:
        with httpx.Client(timeout=10, trust_env=False) as client:
            services = client.get(f"{found['address']}/readyz").json()["services"]
    except (httpx.HTTPError, ValueError) as error:
        raise StackError(f"{found['address']} does not answer: {type(error).__name__}") from None
    for name, told in services.items():
        faults = "; ".join(f"{part}: {why}" for part, why in told["parts"].items() if why)
        print(f"{name:13} {'ready 就绪' if told['ready'] else 'NOT READY 未就绪'}  {faults}".rstrip())
        for note in told.get("notes", {}).values():
            print(f"{'':13} {note['zh']} {note['en']} {note.get('since') or ''}".rstrip())
    raise typer.Exit(0 if all(told["ready"] for told in services.values()) else 1)


@app.command()
def down(data: Data = HERE) -> None:
    """Stop everything that runs on a data directory. 停止。"""
    pid = datadir.holder(data)
    if pid is None:
        say(f"nothing runs on {data}")
        return
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + 60
    while datadir.holder(data) == pid:
        if time.monotonic() > end:
            raise StackError(f"pid {pid} did not end within 60 s")
        time.sleep(0.05)


@app.command()
def token(
    role: Annotated[list[str], typer.Option(help=f"one of {', '.join(sorted(tokens.ROLES))}; may be repeated 角色")],
    data: Data = HERE,
    subject: Annotated[str, typer.Option(help="who it stands for 持有人")] = "developer",
    unit: Annotated[str | None, typer.Option(help="scheme:value of a unit whose subtree it speaks for 单位")] = None,
    source: Annotated[list[str], typer.Option(help="that an agent speaks for; may be repeated 来源")] = ["*"],  # noqa: B006
    hours: Annotated[float, typer.Option(help="lifetime in hours 有效小时")] = 8,
) -> None:
    """Print a bearer token of the local issuer, for development. 开发用令牌。"""
    if unit is not None and ":" not in unit:
        raise StackError(f"--unit wants scheme:value such as ca-name:Parks, not {unit!r}")
    print(Keys(data / "keys").token(subject, role, unit=unit, hours=hours, sources=source))


def main() -> None:
    """Entry point; errors of the stack are one line, not a traceback, and so is a full disk or a file of another's."""
    try:
        app()
    except (StackError, OSError) as error:
        say(f"error: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
