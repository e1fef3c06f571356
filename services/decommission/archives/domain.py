"""What a package is made of, and what may be wrong with one. Pure."""

from dataclasses import dataclass
from typing import Any

from libs.common.text import Text
from services.decommission.reasons import Reasoned


class PackageDamaged(Reasoned):
    """What stands where a package was kept cannot be handed out as one."""

    code = "package_damaged"
    kind = "conflict"
    says = Text("归档包已损坏,无法导出:{why}", "The archive package is damaged and cannot be handed out: {why}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What is known of a case when its package is written, as plain data.

    `notice` is the text and its receipt, `plan` the text and its approvals; None where there is none. `page` is what
    was seen of the asset, `page_body` what it showed, None where it did not answer.
    """

    asset: dict[str, str]
    log: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    notice: tuple[str, str] | None
    plan: tuple[str, list[dict[str, Any]]] | None
    page: dict[str, Any]
    page_body: bytes | None
