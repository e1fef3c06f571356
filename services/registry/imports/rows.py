"""Reading a source's list: every row gets a verdict, a bad row never stops the others. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from pydantic import ValidationError

from libs.common.errors import DomainError, Invalid
from libs.common.events.intake import AssetDeclared, Kind, UnitRef
from services.registry.assets import domain
from services.registry.identity.canonical import Canonical, canonical, is_known_platform
from services.registry.lists import columns, days
from services.registry.lists import words as listwords
from services.registry.lists.columns import Header
from services.registry.lists.tables import Line, Table, UnreadableFile, plain
from services.registry.refusals import UnknownPlatform
from services.registry.units import codes

__all__ = ["MAX_BYTES", "MAX_ROWS", "Remark", "Row", "Rows", "UnreadableFile", "read"]

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 200_000  # the verdict on each is kept until all have one: more, however short, would not fit into memory
FAULTS = {"string_too_short": "不能为空", "string_too_long": "过长", "string_unfit": "含有不能保存的字符"}
Key = tuple[Kind, str, str]


@dataclass(frozen=True, slots=True)
class Remark:
    """What is wrong or odd with a row, in both languages; `field` is the column it is about."""

    code: str
    field: str | None
    zh: str
    en: str


NOT_CLOSED = Remark(
    "row_over_lines",
    None,
    "本行的引号未在本行闭合,其后各行无法区分,至下一引号为止",
    "a quotation mark on this line is not closed on it: it cannot be told from the lines up to the next one",
)
HEADER_AGAIN = Remark("header_again", None, "本行为重复的表头,请删除", "this line is the header once more: take it out")
ENDED = Remark(
    "not_running",
    "running",
    "名录称其已注销或已关停,不作为在线对象登记",
    "the list calls it closed: it is not recorded as online",
)
SAID_TWICE = Remark(
    "running_disputed",
    "running",
    "本行称其已注销,另一行仍将其列为在用",
    "this line calls it closed, another one lists it as running",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file, counted from 1: what it declares, or what is wrong with it.

    Without `what` nobody can tell which asset the line means; with `twin_line` it names that line's asset again. One
    that has `ended` declares nothing: the list calls its asset closed.
    """

    line: int
    told: AssetDeclared | None = None
    what: Canonical | None = None
    remark: Remark | None = None
    twin_line: int | None = None
    kind: Kind = "account"
    ended: bool = False

    @property
    def key(self) -> Key | None:
        """The asset that the line means, whatever else is wrong with it."""
        return None if self.what is None else (self.kind, *self.what.key)

    @property
    def readable(self) -> bool:
        """Whether it says something that can be done."""
        return self.told is not None or self.ended


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a file that can be read as a whole: how many there are, and each of them anew with every pass.

    They are never all in memory: 200,000 rows with what they declare take a hundred times what the file does.
    """

    table: Table
    header: Header
    count: int
    source: str
    on: date
    unit_scheme: str
    now: datetime

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Row]:
        """Every row with what it declares or why it cannot."""
        first_seen: dict[Key, int] = {}
        for line in self.table.lines():
            if line.number > self.header.line:
                yield _unless_twin(self._row(line), first_seen)

    def _row(self, line: Line) -> Row:
        if not line.whole:
            return Row(line.number, remark=NOT_CLOSED)  # what it swallowed may be rows of their own
        if self.header.again(line.cells):
            return Row(line.number, remark=HEADER_AGAIN)
        beyond = next((n for n, cell in enumerate(line.cells) if n >= self.header.width and cell.strip()), None)
        if beyond is not None:
            return Row(
                line.number, remark=_beyond(self.header.numbered(self.header.width - 1), self.header.numbered(beyond))
            )
        return _row(line, self)


def read(content: bytes, *, source: str, on: date, unit_scheme: str, now: datetime) -> Rows:
    """What a file holds. Raises UnreadableFile for the file as a whole, before any of its rows is read."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile(
            field="body", accepted="at most 20 MiB", why=(f"{len(content)} 字节", f"{len(content)} bytes")
        )
    table, header = columns.find(content)
    counted = 0
    for line in table.lines():
        if line.number <= header.line:
            continue
        counted += 1
        if counted > MAX_ROWS:
            why = (f"超过 {MAX_ROWS} 行", f"more than {MAX_ROWS} rows")
            raise UnreadableFile(field="body", accepted=f"at most {MAX_ROWS} rows", why=why)
        header.refuse_another(line)
    return Rows(table, header, counted, source, on, unit_scheme, now)


def _beyond(width: int, number: int) -> Remark:
    return Remark(
        "more_cells",
        None,
        f"第 {number} 格超出表头的 {width} 列,各格可能错位(逗号须加引号)",
        f"cell {number} stands after the {width} columns of the header: are the cells shifted by an unquoted comma?",
    )


def _unless_twin(row: Row, first_seen: dict[Key, int]) -> Row:
    if not row.readable or row.key is None:
        return row
    twin = first_seen.setdefault(row.key, row.line)
    if twin == row.line:
        return row
    remark = Remark("duplicate_row", "address", f"与第 {twin} 行为同一对象", f"the same asset as line {twin}")
    return replace(row, told=None, remark=remark, twin_line=twin)


def _row(line: Line, rows: Rows) -> Row:
    def cell(field: str, *, needed: bool = False) -> str:
        place = rows.header.places.get(field)
        text = plain(line.cells[place]) if place is not None and place < len(line.cells) else ""
        return listwords.stated(field, text, needed=needed)

    kind: Kind = "account"
    what: Canonical | None = None
    try:
        platform, address = cell("platform"), cell("address")
        kind = listwords.kind_of(cell("kind", needed=True), platform)
        what = canonical(kind, platform, address)
        ended = listwords.has_ended(cell("running", needed=True), title=rows.header.title("running"))
        language = domain.language_tag(cell("language"))
        told = AssetDeclared(
            source=rows.source,
            on=rows.on,
            kind=kind,
            platform=platform,
            address=address,
            name=cell("name", needed=True),
            language=language,
            sponsor=_sponsor(cell("code"), cell("unit", needed=True), language, rows),
            opened_on=days.listed_day(day) if (day := cell("opened_on")) else None,
        )
        domain.facts(told, what, domain.unit_id(told.sponsor), now=rows.now)
    except ValidationError as error:
        return Row(line.number, what=what, remark=_titled(_fault(error), rows.header), kind=kind)
    except DomainError as error:
        remark = Remark(error.code, error.field, error.text("zh"), error.text("en"))
        return Row(line.number, what=what, remark=_titled(remark, rows.header), kind=kind)
    if ended:
        return Row(line.number, what=what, remark=ENDED, kind=kind, ended=True)
    return Row(line.number, told, what, _oddity(told, what), kind=kind)


def _sponsor(code: str, name: str, language: str, rows: Rows) -> UnitRef:
    """The unit under its 统一社会信用代码 where the row has one, else under its name in the file's scheme.

    Raises Invalid for a code that cannot be one, and without one where the file's scheme is that of the codes.
    """
    scheme, value, field = (codes.USCC, code, "code") if code else (rows.unit_scheme, name, "unit")
    if not code and "code" in rows.header.places and codes.scheme_name(scheme) == codes.USCC:
        why = ("缺少统一社会信用代码", "the 统一社会信用代码 is missing")
        raise Invalid(field="code", accepted=codes.USCC_ACCEPTED, why=why)
    if name:  # a blank one is told by the model, as every other blank cell
        scheme, value = domain.unit_code(scheme, value, field=field)
    known = language if language in ("en", "fr", "zh") else "und"
    try:
        return UnitRef(scheme=scheme, value=value, name=name, language=known)
    except ValidationError as error:
        remark = _fault(error)
        raise Invalid(field="unit", accepted="the unit's name", why=(remark.zh, remark.en)) from None


def _fault(error: ValidationError) -> Remark:
    fault = error.errors(include_url=False)[0]
    name = str(fault["loc"][-1])
    return Remark("invalid", name, FAULTS.get(fault["type"], "无效"), str(fault["msg"]))


def _titled(remark: Remark, header: Header) -> Remark:
    """A remark that names the column as the file does."""
    if remark.field is None or remark.field not in columns.COLUMNS:
        return remark
    title = header.title(remark.field)
    shown = remark.field if title == remark.field else f"{remark.field} ({title})"
    return replace(remark, zh=f"{shown}:{remark.zh}", en=f"{shown}: {remark.en}")


def unknown_platform(what: Canonical) -> UnknownPlatform | None:
    """What a dry run remarks on an asset of a platform that nobody knows, and what refuses it when it is applied."""
    if is_known_platform(what.platform):
        return None
    accepted = "a platform that is known, or allow_unknown_platforms=true"
    return UnknownPlatform(field="platform", accepted=accepted, platform=what.platform)


def _oddity(told: AssetDeclared, what: Canonical) -> Remark | None:
    """What a person should look at though the row is taken."""
    if (unknown := unknown_platform(what)) is not None:
        return Remark(unknown.code, unknown.field, unknown.text("zh"), unknown.text("en"))
    if what.corrected:
        where = what.identity.split("/")[0] if what.platform == "web" else what.platform
        return Remark(
            "platform_corrected",
            "platform",
            f"地址属于 {where},而非 {told.platform}",
            f"the address is on {where}, not on {told.platform}",
        )
    if what.blank:
        return Remark("blank_in_address", "address", "地址中有空格,可能有误", "the address holds a blank: a slip?")
    return None
