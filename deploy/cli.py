"""The `jianfu` command."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from deploy import case_cli, setup_cli
from deploy.local.children import StackError, say
from deploy.local.keys import Keys
from deploy.local.stack import Options, Stack
from libs.common import auth
from libs.common.settings import SERVICES

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Jianfu 减负: record, watch, close. 登记、监测、关停。"
)
app.add_typer(case_cli.app, name="case", help="Case files: export and verify. 案卷:导出与核验。")
setup_cli.add(app)

Data = Annotated[Path, typer.Option("--data", envvar="JIANFU_DATA", help="where the stack keeps everything 数据目录")]
HERE = Path(".jianfu")


@app.command()
def up(
    data: Data = HERE,
    port: Annotated[int | None, typer.Option(help="port of the one address; picked free if absent 端口")] = None,
    clock: Annotated[str, typer.Option(help="system or stepped 时钟")] = "system",
    egress_allow: Annotated[list[str] | None, typer.Option(help="host:port that probes may reach 例外地址")] = None,
    partitions: Annotated[int | None, typer.Option(help="partitions per topic, instead of topics.yaml's")] = 4,
    timezone: Annotated[str, typer.Option(help="zone of the business day 时区")] = "Asia/Shanghai",
    env: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for the services")] = None,
) -> None:
    """Start PostgreSQL, Kafka and the three services behind one address. 启动整套系统。"""
    extra = dict(pair.split("=", 1) for pair in env or [])
    options = Options(data, port, clock, tuple(egress_allow or ()), partitions, timezone, extra)
    try:
        Stack(options).run()
    except KeyboardInterrupt:
        pass
    except StackError as error:
        say(f"error: {error}")
        raise typer.Exit(1) from None


def state(data: Path) -> dict[str, Any]:
    """What `up` wrote of itself. Exits with a hint when nothing runs there."""
    file = data / "stack.json"
    if not file.exists():
        say(f"nothing runs on {data}; start it with `jianfu up --data {data}`")
        raise typer.Exit(1)
    found: dict[str, Any] = json.loads(file.read_text())
    return found


@app.command()
def status(data: Data = HERE) -> None:
    """Tell what runs and whether it is well. 查看状态。"""
    found = state(data)
    print(f"address {found['address']}  clock {found['clock']}  pid {found['pid']}")
    well = True
    for name in SERVICES:
        try:
            reply = httpx.get(f"{found['address']}/{name}/readyz", timeout=5).json()
        except (httpx.HTTPError, ValueError) as error:
            reply = {"ready": False, "parts": {"http": type(error).__name__}}
        faults = "; ".join(f"{part}: {why}" for part, why in reply.get("parts", {}).items() if why)
        well = well and bool(reply.get("ready"))
        print(f"{name:13} {'ready' if reply.get('ready') else 'NOT READY'}  {faults}")
    raise typer.Exit(0 if well else 1)


@app.command()
def down(data: Data = HERE) -> None:
    """Stop everything that runs on a data directory. 停止。"""
    pid = state(data)["pid"]
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists() and (data / "stack.json").exists():
        if time.monotonic() > end:
            say(f"pid {pid} did not end within 60 s")
            raise typer.Exit(1)
        time.sleep(0.1)


@app.command()
def token(
    role: Annotated[list[str], typer.Option(help=f"one of {', '.join(sorted(auth.ROLES))}; may be repeated 角色")],
    data: Data = HERE,
    subject: Annotated[str, typer.Option(help="who it stands for 持有人")] = "developer",
    unit: Annotated[str | None, typer.Option(help="scheme:value of a unit whose subtree it speaks for 单位")] = None,
    hours: Annotated[float, typer.Option(help="lifetime in hours 有效小时")] = 8,
) -> None:
    """Print a bearer token of the local issuer, for development. 开发用令牌。"""
    keys = Keys(data / "keys")
    keys.make()
    try:
        print(auth.issue(json.loads(keys.issuer.read_text()), subject, role, unit=unit, hours=hours))
    except ValueError as error:
        say(f"error: {error}")
        raise typer.Exit(2) from None


def main() -> None:
    """Entry point; errors of the stack are one line, not a traceback."""
    try:
        app()
    except StackError as error:
        say(f"error: {error}")
        sys.exit(1)
