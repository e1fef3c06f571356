"""The `jianfu` command."""

import os
import signal
import sys
import time
from importlib import metadata
from typing import Annotated

import httpx
import typer

from deploy.cli import case as case_cli
from deploy.cli import desk as desk_cli
from deploy.cli import setup as setup_cli
from deploy.cli import token as token_cli
from deploy.cli import up as up_cli
from deploy.local import datadir
from deploy.local.datadir import HERE, Data
from deploy.terminal import StackError, say

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.add_typer(case_cli.app, name="case", help="Cases and their files: list, approve, export, verify. 个案与案卷。")
desk_cli.add(app)
setup_cli.add(app)
up_cli.add(app)
token_cli.add(app)


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


def main() -> None:
    """Entry point; errors of the stack are one line, not a traceback, and so is a full disk or a file of another's."""
    try:
        app()
    except (StackError, OSError) as error:
        say(f"error: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
