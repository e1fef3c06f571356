"""Reading a source's file: every row gets a verdict, a bad row never stops the others. Pure."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import chain, islice

from pydantic import ValidationError

from libs.common import exact
from libs.common.errors import DomainError, Invalid
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
CHINESE = {name for names in COLUMNS.values() for name in names if not name.isascii()}
MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 200_000  # the verdict on each is kept until all have one: more, however short, would not fit into memory
FAULTS = {"string_too_short": "不能为空", "string_too_long": "过长", "string_unfit": "含有不能保存的字符"}


class UnreadableFile(DomainError):
    """The file as a whole cannot be read."""

    code = "unreadable_file"
    kind = "invalid"
    zh = "文件无法读取:{why}"
    en = "The file cannot be read: {why}"


@dataclass(frozen=True, slots=True)
class Remark:
    """What is wrong or odd with a row, in both languages; `field` is the column it is about."""

    code: str
    field: str | None
    zh: str
    en: str


NOT_CLOSED = Remark(
    "row_over_lines", None, "本行的引号未在本行闭合,其后各行无法区分,至下一引号为止",
    "a quotation mark on this line is not closed on it: it cannot be told from the lines up to the next one",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file (the first after the header is 2): what it declares, or what is wrong with it.

    Without `what` nobody can tell which asset the line means; with `twin_line` it names that line's asset again.
    """

    line: int
    told: AssetDeclared | None = None
    what: Canonical | None = None
    remark: Remark | None = None
    twin_line: int | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a file that can be read as a whole: how many there are, and each of them anew with every pass.

    They are never all in memory: 200,000 rows with what they declare take a hundred times what the file does.
    """

    content: bytes
    encoding: str
    places: dict[str, int]
    count: int
    source: str
    on: date
    unit_scheme: str
    now: datetime

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Row]:
        """Every row with what it declares or why it cannot."""
        first_seen: dict[tuple[str, str], int] = {}
        lines = _rows(self.content, self.encoding)
        next(lines, None)
        for line, whole, cells in lines:
            if not whole:
                yield Row(line, remark=NOT_CLOSED)  # what it swallowed may be rows of their own
            else:
                row = _row(line, cells, self.places, self.source, self.on, self.unit_scheme, self.now)
                yield _unless_twin(row, first_seen)


def read(content: bytes, *, source: str, on: date, unit_scheme: str, now: datetime) -> Rows:
    """What a file holds. Raises UnreadableFile for the file as a whole, before any of its rows is read."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile(
            field="body", accepted="at most 20 MiB", why=(f"{len(content)} 字节", f"{len(content)} bytes")
        )
    encoding = _encoding(content)
    counted = sum(1 for _ in islice(_rows(content, encoding), MAX_ROWS + 2))
    if counted > MAX_ROWS + 1:  # with the header
        why = (f"超过 {MAX_ROWS} 行", f"more than {MAX_ROWS} rows")
        raise UnreadableFile(field="body", accepted=f"at most {MAX_ROWS} rows", why=why)
    _, whole, header = next(_rows(content, encoding), (1, True, []))
    if not whole:
        raise UnreadableFile(field="header", accepted="a header on one line", why=(NOT_CLOSED.zh, NOT_CLOSED.en))
    return Rows(content, encoding, _places(header), max(0, counted - 1), source, on, unit_scheme, now)


def _rows(content: bytes, encoding: str) -> Iterator[tuple[int, bool, list[str]]]:
    """Each row that is not blank, with the line on which it begins and whether it ends there. Raises UnreadableFile."""
    # A row whose quotation mark nobody closes takes in the line that is added, and is seen by that.
    text = io.TextIOWrapper(io.BytesIO(content), encoding, newline="")
    reader = csv.reader(chain(text, ("\n",)))
    line = 1
    try:
        for cells in reader:
            whole = reader.line_num == line
            if not whole or any(cell.strip() for cell in cells):
                yield line, whole, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise UnreadableFile(
            field="body", accepted="CSV", why=(f"第 {line} 行:{error}", f"line {line}: {error}")
        ) from None


def _encoding(content: bytes) -> str:
    """UTF-8, or GB18030 (GBK), as Excel writes it, where the header then names a column in Chinese.

    Without that proof nothing is guessed: French in Windows-1252 would be read as GBK too, and as nonsense.
    """
    try:
        content.decode("utf-8-sig")
        return "utf-8-sig"
    except UnicodeDecodeError as error:
        with suppress(UnicodeDecodeError):
            text = content.decode("gb18030")
            header = {cell.strip().strip('"') for cell in text.split("\n", 1)[0].split(",")}
            if header & CHINESE:
                return "gb18030"
        raise UnreadableFile(
            field="body", accepted="CSV in UTF-8, or in GBK under a Chinese header",
            why=(f"第 {error.start} 字节不是 UTF-8", f"byte {error.start} is not UTF-8"),
        ) from None  # fmt: skip


def _unless_twin(row: Row, first_seen: dict[tuple[str, str], int]) -> Row:
    if row.told is None or row.what is None:
        return row
    twin = first_seen.setdefault(row.what.key, row.line)
    if twin == row.line:
        return row
    remark = Remark("duplicate_row", "address", f"与第 {twin} 行为同一对象", f"the same asset as line {twin}")
    return replace(row, told=None, remark=remark, twin_line=twin)


def _places(header: Sequence[str]) -> dict[str, int]:
    names = [cell.strip().lower() for cell in header]
    places = {field: names.index(n) for field, known in COLUMNS.items() for n in known if n in names}
    missing = [field for field in REQUIRED if field not in places]
    if missing:
        wanted = "; ".join(" or ".join(COLUMNS[field]) for field in missing)
        raise UnreadableFile(
            field="header",
            accepted=wanted,
            why=(f"缺少列:{', '.join(missing)}", f"columns are missing: {', '.join(missing)}"),
        )
    return places


def _row(
    line: int, cells: Sequence[str], places: dict[str, int], source: str, on: date, scheme: str, now: datetime
) -> Row:
    def cell(field: str) -> str:
        place = places.get(field)
        return " ".join(cells[place].split()) if place is not None and place < len(cells) else ""

    what: Canonical | None = None
    try:
        what = canonical("account", cell("platform"), cell("address"))
        language = domain.language_tag(cell("language"))
        told = AssetDeclared(
            source=source, on=on, kind="account", platform=cell("platform"), address=cell("address"),
            name=cell("name"), language=language,
            sponsor=UnitRef(
                scheme=scheme, value=cell("unit"), name=cell("unit"),
                language=language if language in ("en", "fr", "zh") else "und",
            ),
            opened_on=_day(cell("opened_on")),
        )  # fmt: skip
        domain.facts(told, what, domain.unit_id(told.sponsor), now=now)
    except ValidationError as error:
        return Row(line, what=what, remark=_fault(error))
    except DomainError as error:
        remark = Remark(error.code, error.field, error.text("zh"), error.text("en"))
        return Row(line, what=what, remark=remark)
    return Row(line, told, what, _oddity(told, what))


def _day(text: str) -> date | None:
    try:
        return exact.day(text) if text else None
    except ValueError:
        raise Invalid(
            field="opened_on",
            accepted="2025-01-31",
            why=(f"opened_on:{text[:40]!r} 不是 ISO 日期", f"opened_on: {text[:40]!r} is no ISO date"),
        ) from None


def _fault(error: ValidationError) -> Remark:
    fault = error.errors(include_url=False)[0]
    field = {"value": "unit"}.get(name := str(fault["loc"][-1]), name)  # a unit's code and its name are one column
    return Remark("invalid", field, f"{field} {FAULTS.get(fault['type'], '无效')}", f"{field}: {fault['msg']}")


def _oddity(told: AssetDeclared, what: Canonical) -> Remark | None:
    """What a person should look at though the row is taken."""
    if what.corrected:
        where = what.identity.split("/")[0] if what.platform == "web" else what.platform
        return Remark(
            "platform_corrected", "platform", f"地址属于 {where},而非 {told.platform}",
            f"the address is on {where}, not on {told.platform}",
        )  # fmt: skip
    if what.blank:
        return Remark("blank_in_address", "address", "地址中有空格,可能有误", "the address holds a blank: a slip?")
    return None
