"""A case file: everything that proves a case, taken out so that anybody can check it without us. Pure.

The file is JSON. Its log is a hash chain; its head (case, number of entries, last hash, hash of all the rest) is
signed, so that an altered, shortened, reordered or wholly re-hashed log is noticed, and so is a change beside it.
docs/case-file.md says what each part holds; `deploy/verify/jianfu_verify.py` checks it, alone.
"""

from datetime import datetime
from typing import Any

from libs.common.security import signing
from services.decommission.cases import chain

FORMAT, OLDER = "jianfu-case-file/2", "jianfu-case-file/1"


def head(file: dict[str, Any]) -> dict[str, Any]:
    """What is signed: `content` covers every part of the file but the head and its signature."""
    entries = file["log"]
    rest = {name: part for name, part in file.items() if name not in ("head", "signature")}
    return {
        "format": file["format"],
        "case_id": file["case"]["case_id"],
        "entries": len(entries),
        "last": entries[-1]["sha256"] if entries else chain.GENESIS,
        "content": signing.sha256(signing.canonical(rest)),
    }


def build(
    case: dict[str, Any],
    log: list[chain.Entry],
    private: dict[str, Any],
    *,
    findings: list[dict[str, Any]],
    notices: list[dict[str, Any]],
    plan: dict[str, Any] | None,
    archive: dict[str, Any] | None,
    windows: dict[str, int],
    exported_at: datetime,
) -> dict[str, Any]:
    """Put a case file together and sign its head. Where the log pins no windows yet, it has the older format."""
    file = {
        "format": FORMAT if log and "windows" in log[0].data else OLDER,
        "exported_at": max([exported_at, *(entry.at for entry in log[-1:])]).isoformat(),
        "case": case,
        "log": [entry.content() | {"sha256": entry.sha256} for entry in log],
        "windows": windows,
        "findings": findings,
        "notice": notices[-1] if notices else None,
        "notices": notices,
        "plan": plan,
        "archive": archive,
    }
    signed = head(file)
    return file | {"head": signed, "signature": signing.sign(private, signed)}
