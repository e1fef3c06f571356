"""`jianfu case`: take a case file and its package out, show the key, print the verifier, and check without a server."""

from pathlib import Path
from typing import Annotated

import httpx
import typer

from deploy.local.children import StackError, say
from deploy.local.keys import Keys
from deploy.local.record import HERE, Data, state
from deploy.verify import jianfu_verify
from deploy.verify.jianfu_verify import Key, Refused

app = typer.Typer(no_args_is_help=True, add_completion=False)
Out = Annotated[Path, typer.Option(help="file to write 输出文件")]
Address = Annotated[str | None, typer.Option(envvar="JIANFU_ADDRESS", help="of another stack 其他地址")]
Token = Annotated[str | None, typer.Option(envvar="JIANFU_TOKEN", help="with the role auditor 令牌")]


@app.command()
def export(case_id: str, out: Out, data: Data = HERE, address: Address = None, token: Token = None) -> None:
    """Write a case file: its log as a hash chain with a signed head. 导出案卷。

    Without --address and --token it asks the stack of the data directory, with a token of its own issuer.
    """
    _fetch(f"{case_id}/file", out, data, address, token)


@app.command()
def package(case_id: str, out: Out, data: Data = HERE, address: Address = None, token: Token = None) -> None:
    """Write a case's archive package, a zip. 导出归档包。"""
    _fetch(f"{case_id}/package", out, data, address, token)


def _fetch(what: str, out: Path, data: Path, address: str | None, token: str | None) -> None:
    place = address or str(state(data)["address"])
    bearer = token or Keys(data / "keys").token("case-export", ["auditor"], hours=0.1)
    url = f"{place.rstrip('/')}/decommission/v1/cases/{what}"
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
def verifier(
    out: Annotated[Path | None, typer.Option(help="file to write, else it is printed 输出文件")] = None,
) -> None:
    """Print the one file that checks case files without any of this, for those you hand them to. 输出独立核验程序。"""
    text = Path(jianfu_verify.__file__).read_text("utf-8")
    if out is None:
        print(text, end="")
        return
    out.write_text(text, "utf-8")
    say(f"{out}: python {out} CASEFILE --service-key FILE --unit-key FILE")


@app.command()
def verify(
    file: Path,
    key: Annotated[
        list[str], typer.Option(help="the service's public key, a JWK or a file of it; from elsewhere 服务公钥")
    ],
    unit_key: Annotated[list[str], typer.Option(help="a unit's public key, from elsewhere than FILE 单位公钥")] = [],  # noqa: B006
    package: Annotated[Path | None, typer.Option(help="its archive package, a zip or a folder 归档包")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="a published checkpoint 检查点")] = None,
    zone: Annotated[str | None, typer.Option(help="IANA zone of an older file's business days 时区")] = None,
) -> None:
    """Check a case file offline with keys from outside; exits with 1 when something is wrong. 离线核验案卷。"""
    if package is not None and not package.exists():
        raise StackError(f"--package {package}: no such file or folder")
    try:
        content, published = (None if path is None else jianfu_verify.read_file(path) for path in (file, checkpoint))
    except (Refused, OSError) as error:
        raise StackError(f"{file} cannot be read: {error}") from None
    report = jianfu_verify.check(
        content or b"",
        [one for text in key for one in _public("--key", text)],
        [one for text in unit_key for one in _public("--unit-key", text)],
        package=package,
        checkpoint=published,
        zone=zone,
    )
    for line in report.lines():
        print(line)
    raise typer.Exit(1 if report.faults else 0)


def _public(option: str, key: str) -> list[Key]:
    try:
        text = key if key.lstrip().startswith("{") else Path(key).read_text()
        return jianfu_verify.read_keys(text)
    except (Refused, OSError, ValueError) as error:
        raise StackError(
            f"{option} wants a public JWK or the path of a file that holds one, see `jianfu case key`: {error}"
        ) from None
