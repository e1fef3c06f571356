"""`jianfu case`: take a case file out, show the public key, and check a file without any server."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import httpx
import typer

from deploy.local.children import StackError, say
from deploy.local.keys import Keys
from deploy.local.record import HERE, Data, state

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command()
def export(
    case_id: str,
    out: Annotated[Path, typer.Option(help="file to write 输出文件")],
    data: Data = HERE,
    address: Annotated[str | None, typer.Option(envvar="JIANFU_ADDRESS", help="of another stack 其他地址")] = None,
    token: Annotated[str | None, typer.Option(envvar="JIANFU_TOKEN", help="with the role auditor 令牌")] = None,
) -> None:
    """Write a case file: its log as a hash chain with a signed head. 导出案卷。

    Without --address and --token it asks the stack of the data directory, with a token of its own issuer.
    """
    place = address or str(state(data)["address"])
    bearer = token or Keys(data / "keys").token("case-export", ["auditor"], hours=0.1)
    url = f"{place.rstrip('/')}/decommission/v1/cases/{case_id}/file"
    try:
        with httpx.Client(timeout=60, trust_env=False) as client:
            reply = client.get(url, headers={"Authorization": f"Bearer {bearer}"})
    except httpx.HTTPError as error:
        raise StackError(f"{place} does not answer: {type(error).__name__}") from None
    if reply.is_error:
        raise StackError(f"{reply.status_code} {reply.text}")
    out.write_bytes(reply.content)
    say(f"{out}: {len(reply.content)} bytes")


@app.command()
def key(data: Data = HERE) -> None:
    """Print the public key that case files of this stack are signed with. 案卷签名公钥。"""
    file = Keys(data / "keys").signing_public
    if not file.exists():
        raise StackError(f"no stack has been made in {data}; `jianfu up --data {data}` makes one")
    print(file.read_text().strip())


@app.command()
def verify(
    file: Path,
    key: Annotated[str, typer.Option(help="public key (JWK), or a file of it, obtained elsewhere than FILE 公钥")],
) -> None:
    """Check a case file offline with a key from outside. 离线核验案卷。"""
    if not file.is_file():
        raise StackError(f"{file} is no file")
    problems = _check()(file, _public(key))
    for problem in problems:
        print(f"✗ {problem}")
    if problems:
        raise typer.Exit(1)
    print(f"✓ {file}: the log is whole and unaltered, its head is signed by this key. 案卷完整、未被改动。")


def _public(key: str) -> str:
    text = key if key.lstrip().startswith("{") else _read(Path(key))
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or "x" not in found or "d" in found:
        raise StackError("--key wants a public JWK or the path of a file that holds one; see `jianfu case key`")
    return text.strip()


def _read(file: Path) -> str:
    if not file.is_file():
        raise StackError(f"--key {file}: no such file, and no JWK either")
    return file.read_text()


def _check() -> Callable[[Path, str], list[str]]:
    # loaded when asked for: every other command starts without a service's code
    module = importlib.import_module("services.decommission.casefile")
    check: Callable[[Path, str], list[str]] = module.verify
    return check
