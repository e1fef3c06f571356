"""`jianfu token`: a token of the local issuer, for development."""

from typing import Annotated

import typer

from deploy.local.datadir import HERE, Data
from deploy.local.keys import Keys
from deploy.terminal import StackError
from libs.common.security.roles import ROLES


def add(app: typer.Typer) -> None:
    """Give the application this command."""
    app.command()(token)


def token(
    role: Annotated[list[str], typer.Option(help=f"one of {', '.join(sorted(ROLES))}; may be repeated 角色")],
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
