"""`jianfu case`: take a case file out, and check one without any server."""

from pathlib import Path
from typing import Annotated

import httpx
import typer

from deploy.local.children import say
from services.decommission import casefile

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command()
def export(
    case_id: str,
    out: Annotated[Path, typer.Option(help="file to write 输出文件")],
    address: Annotated[str, typer.Option(envvar="JIANFU_ADDRESS", help="address of the stack 地址")],
    token: Annotated[str, typer.Option(envvar="JIANFU_TOKEN", help="bearer token with the role auditor 令牌")],
) -> None:
    """Write a case file: its log as a hash chain with a signed head. 导出案卷。"""
    reply = httpx.get(
        f"{address}/decommission/v1/cases/{case_id}/file", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )
    if reply.is_error:
        say(f"error: {reply.status_code} {reply.text}")
        raise typer.Exit(1)
    out.write_bytes(reply.content)
    say(f"{out}: {len(reply.content)} bytes")


@app.command()
def verify(
    file: Path,
    key: Annotated[str, typer.Option(help="public key (JWK file), obtained elsewhere than the file 公钥")],
) -> None:
    """Check a case file offline with a key from outside. 离线核验案卷。"""
    problems = casefile.verify(file, key)
    for problem in problems:
        print(f"✗ {problem}")
    if problems:
        raise typer.Exit(1)
    print(f"✓ {file}: the log is whole and unaltered, its head is signed by this key. 案卷完整、未被改动。")
