"""What the package of an account holds. Pure."""

import json
from typing import Any

from services.decommission.archives.domain import Material

# Without one of these a package is not usable, and nothing is stopped on its strength.
EXPECTED = [
    "asset.json",
    "case/log.json",
    "case/findings.json",
    "case/answers.json",
    "notice/notice.json",
    "notice/receipt.jws",
    "plan/plan.json",
    "plan/approvals.json",
    "page/capture.json",
]


def documents(material: Material) -> dict[str, bytes]:
    """The files of the package, by their paths in it."""
    answers = [entry for entry in material.log if entry["kind"] == "answered"]
    files = {
        "asset.json": _json(material.asset),
        "case/log.json": _json(material.log),
        "case/findings.json": _json(material.findings),
        "case/answers.json": _json([{name: entry[name] for name in entry if name != "sha256"} for entry in answers]),
        "page/capture.json": _json(material.page),
    }
    if material.notice is not None:
        body, receipt = material.notice
        files |= {"notice/notice.json": body.encode(), "notice/receipt.jws": receipt.encode()}
    if material.plan is not None:
        content, approvals = material.plan
        files |= {"plan/plan.json": content.encode(), "plan/approvals.json": _json(approvals)}
    if material.page_body is not None:
        files["page/page.html"] = material.page_body
    return files


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode()
