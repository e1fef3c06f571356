"""`jianfu case`: list, show and approve cases; take a case file and its package out, and check it without a server."""

import sys
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.client import Address, Desk, Json, Token
from deploy.cli.desk import show as as_text
from deploy.cli.desk import table
from deploy.local.datadir import HERE, Data, typed
from deploy.local.keys import Keys
from deploy.terminal import StackError, say
from deploy.verify import jianfu_verify
from deploy.verify.jianfu_verify import Key, Refused

app = typer.Typer(no_args_is_help=True, add_completion=False)
Out = Annotated[Path, typer.Option(help="file to write 输出文件")]
CASES = "/decommission/v1/cases"


@app.command("list")
def list_cases(
    state: Annotated[str | None, typer.Option(help="only in this state 状态")] = None,
    most: Annotated[int, typer.Option(min=1, max=1000, help="so many, the newest first 条数")] = 50,
    data: Data = HERE,
    address: Address = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Cases, the newest first, with what they are about. 个案列表。"""
    desk = Desk(data, address, token)
    found = list(islice(desk.pages(CASES, most=most, state=state), most))
    if as_json:
        as_text(found)
        return
    columns = ("opened_at", "state", "rule", "due_at", "case_id", "unit_name")
    rows = [(*(case[name] for name in columns), _named(case) or case["asset_id"]) for case in found]
    heads = ("opened 立案", "state 状态", "rule 规则", "moves at 下一步", "case 个案", "unit 单位", "asset 对象")
    table(*heads, rows=rows)


@app.command("show")
def show_case(
    case_id: str, data: Data = HERE, address: Address = None, token: Token = None, as_json: Json = False
) -> None:
    """A case and all that happened to it. 个案详情。"""
    desk = Desk(data, address, token)
    found = desk.get(f"{CASES}/{case_id}")
    if as_json:
        as_text(found)
        return
    print(_named(found) or found["asset_id"])
    print(f"unit 单位 {found['unit_name'] or found['unit_id'] or 'unknown 未知'}")
    moves = found["due_at"] or "when somebody acts 待人处理"
    print(f"{found['state']}, rule 规则 {found['rule']}, moves at 下一步 {moves}")
    if found.get("fault"):
        print(f"NOTHING RESTS ON ITS LOG 日志不可信: {found['fault']}")
    rows = [(e["seq"], e["at"], e["actor"], e["kind"], _brief(e["data"])) for e in found["log"]]
    table("", "at 时间", "by 操作人", "what 事项", "more 内容", rows=rows)


@app.command()
def approve(
    case_id: str,
    yes: Annotated[bool, typer.Option("--yes", help="sign without asking 不再询问")] = False,
    data: Data = HERE,
    address: Address = None,
    token: Token = None,
) -> None:
    """Read the plan that holds a case, and sign it. 阅读并批准个案所在方案。"""
    desk = Desk(data, address, token)
    log = desk.get(f"{CASES}/{case_id}", role="approver")["log"]
    plans = [entry["data"]["plan_id"] for entry in log if entry["kind"] == "planned"]
    if not plans or log[-1]["kind"] == "unplanned":
        raise StackError(
            f"case {case_id} stands in no plan; {desk.typed(f'case show {case_id}')} says what it waits for"
        )
    path = f"/decommission/v1/plans/{plans[-1]}"
    plan = desk.get(path, role="approver")
    print(f"plan 方案 {plan['plan_id']}: {plan['state']}; signed by 已签 {', '.join(plan['approvers']) or 'nobody 无'}")
    if plan["members"] is None:
        raise StackError("the plan's text is not what was sealed; reject it, so that its cases are planned anew")
    rows = [
        (_named(m), m["unit_name"] or m["unit_code"], _rules(m), _answer(m), m["out"] or m["fault"], m["case_id"])
        for m in plan["members"]
    ]
    table("asset 对象", "unit 单位", "rules 规则", "answer 答复", "not closed 不关停", "case 个案", rows=rows)
    if not all(m["names_signed"] for m in plan["members"]):
        print("This plan is from before names were signed: these are today's 此方案封存时未载名称,以上为现名")
    if not yes:
        if not sys.stdin.isatty():
            raise StackError("nobody can be asked here; read the plan, then say --yes")
        typer.confirm(f"Sign {plan['sha256']}? 确认签署?", abort=True)
    body = {"sha256": plan["sha256"]}
    signed = desk.ask("POST", f"{path}/approvals", role="approver", json=body).json()
    print(f"{signed['state']}; signed by 已签 {', '.join(signed['approvers'])}")


def _named(told: dict[str, Any]) -> str:
    """How an asset is called: name, platform and address; nothing where that is not known."""
    if told["name"] is None:
        return ""
    return f"{told['name']} ({told['platform']}) {told['address']}"


def _rules(member: dict[str, Any]) -> str:
    """The rules that a member is closed under, in words, each with what it rests on."""
    told = [each["rule"] for each in member["evidence"] if each["rule"] is not None]
    words = [f"{rule['rule']} {rule['words'] or ''} [{rule['basis']}; {rule['label']}]" for rule in told]
    missing = len(member["evidence"]) - len(told)
    return "; ".join([*words, *["evidence ALTERED 证据已被改动"] * missing]) or ", ".join(member["rules"])


def _answer(member: dict[str, Any]) -> str:
    said = member["answer"]
    if said is None:
        return "none 未答复"
    parts = [said["answer"], said["reason"], said["until"] and f"until 至 {said['until']}"]
    own = "on its behalf 代答" if said["on_behalf"] else ""
    late = "after the sealing 封存后" if said["after_sealing"] else ""
    return ", ".join(filter(None, [*parts, own, late]))


def _brief(data: dict[str, Any]) -> str:
    """An entry's content on one line, without what only machines compare."""
    told = {name: value for name, value in data.items() if value is not None and "sha256" not in name}
    text = ", ".join(f"{name} {value}" for name, value in told.items())
    return text if len(text) <= 160 else f"{text[:160]}…"


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
    reply = Desk(data, address, token).ask("GET", f"{CASES}/{what}", role="auditor")
    out.write_bytes(reply.content)
    say(f"{out}: {len(reply.content)} bytes")


@app.command()
def key(data: Data = HERE) -> None:
    """Print the public key that case files of this stack are signed with. 案卷签名公钥。"""
    file = Keys(data / "keys").signing_public
    if not file.exists():
        raise StackError(f"no stack has been made in {data}; {typed('up', data)} makes one")
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
        text = key if key.lstrip().startswith("{") else jianfu_verify.read_file(Path(key)).decode()
        return jianfu_verify.read_keys(text)
    except (Refused, OSError, ValueError) as error:
        raise StackError(
            f"{option} wants a public JWK or the path of a file that holds one, as `jianfu case key --data DIR` "
            f"prints it of the stack in DIR: {error}"
        ) from None
