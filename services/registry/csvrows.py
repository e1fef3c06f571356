"""Reading a source's file: every row gets a verdict, a bad row never stops the others. Pure."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import ValidationError

from libs.common.errors import DomainError
from libs.common.events.intake import AssetDeclared, UnitRef
from services.registry import domain
from services.registry.identity import Canonical, canonical

COLUMNS = {
    "name": ("account", "name", "账号名称", "名称"),
    "platform": ("platform", "平台"),
    "unit": ("department", "unit", "主办单位", "单位"),
    "language": ("language", "语言"),
    "address": ("url", "address", "地址", "链接"),
    "opened_on": ("opened_on", "开通日期"),
}
REQUIRED = ("name", "platform", "unit", "address")
MAX_BYTES = 20 * 1024 * 1024


class UnreadableFile(DomainError):
    """The file as a whole cannot be read."""

    code = "unreadable_file"
    kind = "invalid"
    zh = "文件无法读取:{why}"
    en = "The file cannot be read: {why}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file (the first after the header is 2): what it declares, or what is wrong with it."""

    line: int
    told: AssetDeclared | None
    what: Canonical | None
    code: str | None = None
    field: str | None = None
    zh: str = ""
    en: str = ""
    twin_line: int | None = None


def read(content: bytes, *, source: str, on: date, unit_scheme: str) -> list[Row]:
    """Every row with what it declares or why it cannot. Raises UnreadableFile for the file as a whole."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile(field="body", accepted="at most 20 MiB", why=f"{len(content)} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(field="body", accepted="CSV in UTF-8", why=f"byte {error.start} is not UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    places = _places(next(reader, []))
    rows: list[Row] = []
    first_seen: dict[Canonical, int] = {}
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        row = _row(reader.line_num, cells, places, source, on, unit_scheme)
        if row.what is not None:
            key = Canonical(row.what.platform, row.what.identity)
            twin = first_seen.setdefault(key, row.line)
            if twin != row.line:
                row = Row(
                    row.line, None, row.what, "duplicate_row", "address",
                    f"与第 {twin} 行为同一对象", f"the same asset as line {twin}", twin,
                )  # fmt: skip
        rows.append(row)
    return rows


def _places(header: Sequence[str]) -> dict[str, int]:
    names = [cell.strip().lower() for cell in header]
    places = {field: names.index(n) for field, known in COLUMNS.items() for n in known if n in names}
    missing = [field for field in REQUIRED if field not in places]
    if missing:
        wanted = "; ".join(" or ".join(COLUMNS[field]) for field in missing)
        raise UnreadableFile(field="header", accepted=wanted, why=f"columns are missing: {', '.join(missing)}")
    return places


def _row(line: int, cells: Sequence[str], places: dict[str, int], source: str, on: date, scheme: str) -> Row:
    def cell(field: str) -> str:
        place = places.get(field)
        return cells[place].strip() if place is not None and place < len(cells) else ""

    language = domain.language(cell("language"))
    try:
        told = AssetDeclared(
            source=source, on=on, kind="account", platform=cell("platform"), address=cell("address"),
            name=cell("name"), language=language,
            sponsor=UnitRef(
                scheme=scheme, value=cell("unit"), name=cell("unit"),
                language=language if language in ("en", "fr", "zh") else "und",
            ),
            opened_on=date.fromisoformat(cell("opened_on")) if cell("opened_on") else None,
        )  # fmt: skip
        return Row(line, told, canonical("account", told.platform, told.address))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = str(fault["loc"][-1])
        return Row(line, None, None, "invalid", field, f"{field} 无效:{fault['msg']}", f"{field}: {fault['msg']}")
    except ValueError as error:
        return Row(line, None, None, "invalid", "opened_on", f"日期无效:{error}", f"no ISO date: {error}")
    except DomainError as error:
        return Row(line, None, None, error.code, error.field, error.text("zh"), error.text("en"))
