"""The rows of a source's list: the declaration of each, or its problem; a bad row never stops the rest. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from pydantic import ValidationError

from libs.common.errors import DomainError, Invalid
from libs.common.events.intake import AssetDeclared, Kind, UnitRef
from libs.common.text import Text
from services.registry.assets import domain
from services.registry.assets.domain import Key
from services.registry.identity.canonical import Canonical, canonical
from services.registry.lists import columns, days
from services.registry.lists import words as listwords
from services.registry.lists.columns import Header
from services.registry.lists.tables import Line, Table, UnreadableFile, plain
from services.registry.platforms.names import is_known_platform
from services.registry.spelling.languages import language_tag
from services.registry.units import codes
from services.registry.units.domain import unit_code, unit_id

MAX_ROWS = 200_000  # the verdict on each is kept until all have one: more, however short, would not fit into memory
# Columns with a meaning of their own; the declaration takes every other one of `COLUMNS` as plain text.
MEANT = frozenset({"name", "platform", "unit", "code", "language", "address", "opened_on", "kind", "running"})
TEXTS = tuple(field for field in columns.COLUMNS if field not in MEANT)
MODEL_ERRORS = {"string_too_short": "不能为空", "string_too_long": "过长", "string_unfit": "含有不能保存的字符"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A problem or oddity of a row, in both languages; `field` is its column."""

    code: str
    field: str | None = None
    zh: str
    en: str

    @classmethod
    def of(cls, error: DomainError) -> "Remark":
        return cls(code=error.code, field=error.field, zh=error.text.zh, en=error.text.en)


class UnknownPlatform(DomainError):
    """A list names a platform that is not known: a slip, or one that a person should look at."""

    code = "unknown_platform"
    kind = "refused"
    says = Text(
        "平台 {platform} 无人知晓;确认无误的,请带 allow_unknown_platforms=true 再次导入。",
        "Nobody knows the platform {platform}; if it is right, import with allow_unknown_platforms=true.",
    )


NOT_CLOSED = Remark(
    code="row_over_lines",
    zh="本行的引号未在本行闭合,其后各行无法区分,至下一引号为止",
    en="a quotation mark on this line is not closed on it: where the line ends, up to the next mark, is unknown",
)
HEADER_AGAIN = Remark(
    code="header_again", zh="本行为重复的表头,请删除", en="this line is the header once more: take it out"
)
ENDED = Remark(
    code="not_running",
    field="running",
    zh="名录称其已注销或已关停,不作为在线对象登记",
    en="the list calls it closed: it is not recorded as online",
)
STATED_TWICE = Remark(
    code="running_disputed",
    field="running",
    zh="本行称其已注销,另一行仍将其列为在用",
    en="this line lists the asset as closed, another line as running",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the file, counted from 1: its declaration or its problem.

    Without `identity` it is unknown which asset the line means; with `twin_line` it names that line's asset again. A
    row that has `ended` declares nothing: the list calls its asset closed.
    """

    line: int
    event: AssetDeclared | None = None
    identity: Canonical | None = None
    remark: Remark | None = None
    twin_line: int | None = None
    kind: Kind = "account"
    ended: bool = False

    @property
    def key(self) -> Key | None:
        """The asset that the line means, even if the line has a problem."""
        return None if self.identity is None else (self.kind, *self.identity.key)

    @property
    def readable(self) -> bool:
        """Whether the line can be applied."""
        return self.event is not None or self.ended


@dataclass(frozen=True, slots=True, kw_only=True)
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
        """Every row with its declaration or its problem."""
        first_seen: dict[Key, int] = {}
        for line in self.table.lines():
            if line.number > self.header.line:
                yield _unless_twin(self._row(line), first_seen)

    def _row(self, line: Line) -> Row:
        if not line.whole:
            return Row(line=line.number, remark=NOT_CLOSED)  # the lines in its open quotation may be rows
        if self.header.again(line.cells):
            return Row(line=line.number, remark=HEADER_AGAIN)
        beyond = next((n for n, cell in enumerate(line.cells) if n >= self.header.width and cell.strip()), None)
        if beyond is not None:
            return Row(
                line=line.number,
                remark=_beyond(self.header.numbered(self.header.width - 1), self.header.numbered(beyond)),
            )
        return _row(line, self)


def read(table: Table, header: Header, *, source: str, on: date, unit_scheme: str, now: datetime) -> Rows:
    """The rows of a list. Raises UnreadableFile for the list as a whole, before any of its rows is read."""
    counted = 0
    for line in table.lines():
        if line.number <= header.line:
            continue
        counted += 1
        if counted > MAX_ROWS:
            why = Text(f"超过 {MAX_ROWS} 行", f"more than {MAX_ROWS} rows")
            raise UnreadableFile(field="body", accepted=f"at most {MAX_ROWS} rows", why=why)
        header.refuse_another(line)
    return Rows(table=table, header=header, count=counted, source=source, on=on, unit_scheme=unit_scheme, now=now)


def _beyond(width: int, number: int) -> Remark:
    return Remark(
        code="more_cells",
        zh=f"第 {number} 格超出表头的 {width} 列,各格可能错位(逗号须加引号)",
        en=f"cell {number} is beyond the {width} columns of the header: are the cells shifted by an unquoted comma?",
    )


def _unless_twin(row: Row, first_seen: dict[Key, int]) -> Row:
    if not row.readable or row.key is None:
        return row
    twin = first_seen.setdefault(row.key, row.line)
    if twin == row.line:
        return row
    remark = Remark(
        code="duplicate_row", field="address", zh=f"与第 {twin} 行为同一对象", en=f"the same asset as line {twin}"
    )
    return replace(row, event=None, remark=remark, twin_line=twin)


def _row(line: Line, rows: Rows) -> Row:
    def cell(field: str, *, needed: bool = False) -> str:
        column = rows.header.columns.get(field)
        text = plain(line.cells[column]) if column is not None and column < len(line.cells) else ""
        return listwords.stated(field, text, needed=needed)

    kind: Kind = "account"
    identity: Canonical | None = None
    try:
        platform, address = cell("platform"), cell("address")
        kind = listwords.kind_of(cell("kind", needed=True), platform)
        identity = canonical(kind, platform, address)
        ended = listwords.has_ended(cell("running", needed=True), title=rows.header.title("running"))
        language = language_tag(cell("language"))
        event = AssetDeclared(
            source=rows.source,
            on=rows.on,
            kind=kind,
            platform=platform,
            address=address,
            name=cell("name", needed=True),
            language=language,
            sponsor=_sponsor(cell("code"), cell("unit", needed=True), language, rows),
            opened_on=days.listed_day(day) if (day := cell("opened_on")) else None,
            **{field: cell(field) or None for field in TEXTS},
        )
        domain.declaration(event, identity, unit_id(event.sponsor), now=rows.now)
    except ValidationError as error:
        return Row(line=line.number, identity=identity, remark=_titled(_model_error(error), rows.header), kind=kind)
    except DomainError as error:
        return Row(line=line.number, identity=identity, remark=_titled(Remark.of(error), rows.header), kind=kind)
    if ended:
        return Row(line=line.number, identity=identity, remark=ENDED, kind=kind, ended=True)
    return Row(line=line.number, event=event, identity=identity, remark=_oddity(event, identity), kind=kind)


def _sponsor(code: str, name: str, language: str, rows: Rows) -> UnitRef:
    """The unit under its 统一社会信用代码 where the row has one, else under its name in the file's scheme.

    Raises Invalid for a code that cannot be one, and without one where the file's scheme is that of the codes.
    """
    scheme, value, field = (codes.USCC, code, "code") if code else (rows.unit_scheme, name, "unit")
    if not code and "code" in rows.header.columns and codes.scheme_name(scheme) == codes.USCC:
        why = Text("缺少统一社会信用代码", "the 统一社会信用代码 is missing")
        raise Invalid(field="code", accepted=codes.USCC_ACCEPTED, why=why)
    if name:  # the model refuses a blank one, like any blank cell
        scheme, value = unit_code(scheme, value, field=field)
    known = language if language in ("en", "fr", "zh") else "und"
    try:
        return UnitRef(scheme=scheme, value=value, name=name, language=known)
    except ValidationError as error:
        remark = _model_error(error)
        raise Invalid(field="unit", accepted="the unit's name", why=Text(remark.zh, remark.en)) from None


def _model_error(error: ValidationError) -> Remark:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][-1])
    return Remark(code="invalid", field=name, zh=MODEL_ERRORS.get(first["type"], "无效"), en=str(first["msg"]))


def _titled(remark: Remark, header: Header) -> Remark:
    """A remark that names the column as the file does."""
    if remark.field is None or remark.field not in columns.COLUMNS:
        return remark
    title = header.title(remark.field)
    shown = remark.field if title == remark.field else f"{remark.field} ({title})"
    return replace(remark, zh=f"{shown}:{remark.zh}", en=f"{shown}: {remark.en}")


def unknown_platform(identity: Canonical) -> UnknownPlatform | None:
    """The remark of a dry run on an asset of an unknown platform, and the reason why applying refuses it."""
    if is_known_platform(identity.platform):
        return None
    accepted = "a platform that is known, or allow_unknown_platforms=true"
    return UnknownPlatform(field="platform", accepted=accepted, platform=identity.platform)


def _oddity(event: AssetDeclared, identity: Canonical) -> Remark | None:
    """The remark for a person on a row that is accepted."""
    if (unknown := unknown_platform(identity)) is not None:
        return Remark.of(unknown)
    if identity.corrected:
        site = identity.identity.split("/")[0] if identity.platform == "web" else identity.platform
        return Remark(
            code="platform_corrected",
            field="platform",
            zh=f"地址属于 {site},而非 {event.platform}",
            en=f"the address is on {site}, not on {event.platform}",
        )
    if identity.blank:
        return Remark(
            code="blank_in_address",
            field="address",
            zh="地址中有空格,可能有误",
            en="the address holds a blank: a slip?",
        )
    return None
