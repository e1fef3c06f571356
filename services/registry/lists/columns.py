"""The columns of a list: the field of each header, and the line of the header row. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from libs.common.text import Text
from services.registry.lists.tables import SEPARATORS, Line, Table, UnreadableFile, encodings, folded, not_utf8, plain
from services.registry.spelling.letters import simple

COLUMNS = {
    "name": (
        "account",
        "name",
        "账号名称",
        "帐号名称",
        "名称",
        "应用名称",
        "群名称",
        "群组名称",
        "新媒体名称",
        "账号名",
    ),
    "platform": ("platform", "平台", "平台名称", "所属平台", "开设平台", "发布平台"),
    "unit": ("department", "unit", "agency", "主办单位", "主办单位名称", "单位", "单位名称", "开办单位"),
    "code": ("uscc", "统一社会信用代码", "社会信用代码", "主办单位统一社会信用代码", "单位统一社会信用代码"),
    "language": ("language", "语言", "语种"),
    "address": ("url", "address", "store_url", "地址", "链接", "网址", "链接地址", "账号链接", "账号地址"),
    "opened_on": ("opened_on", "开通日期", "开通时间", "开设日期", "开设时间"),
    "kind": ("kind", "类型", "对象类型", "类别"),
    "running": ("status", "running", "状态", "运行状态", "账号状态", "当前状态", "使用状态"),
}
# Titles in other lists, read only where no column has one of the names above.
ALSO = {
    "name": "账号|帐号|账号全称|账号昵称|昵称|政务新媒体名称|新媒体账号名称|新媒体账号|政务新媒体账号"
    "|公众号名称|小程序名称|app名称|群名|工作群名称"
    "|应用程序名称|account name|account_name|display name|nom du compte|nom",
    "platform": "平台类型|平台类别|账号平台|账号所属平台|发布渠道|渠道|运行平台|应用平台|群平台|上架平台"
    "|platform name|platform_name|network|social network"
    "|social_network|plateforme|channel",
    "unit": "主管主办单位|责任单位|所属单位|运营单位|运维单位|主办部门|主办机构|建设单位|开设单位|建群单位"
    "|使用单位|主办(使用)单位|部门|机构|organization|organisation"
    "|organization name|department name|department_name|agency name|owner|ministry|ministère|ministere|département",
    "code": "统一信用代码|社会统一信用代码|信用代码|主办单位信用代码|主办单位社会信用代码|统一社会信用代码证号"
    "|单位信用代码|unified social credit code",
    "address": "url地址|链接网址|网址链接|账号网址|主页链接|主页地址|访问地址|访问链接|下载地址|下载链接"
    "|平台链接|平台地址|网页链接|账号主页|主页|账号id|帐号id|appid"
    "|app id|群号|账号(id)|微信号|抖音号|link|links|profile url|account url|web address|adresse|lien"
    "|handle|username",
    "kind": "资产类型|资产类别|对象类别|载体类型|载体类别|asset type|asset_type",
    "running": "运营状态|目前状态|现状|账号现状|运维状态|在用状态|存续状态|账号运行状态|账号使用状态|运营现状"
    "|account status|account_status|état|etat|statut"
    "|是否注销|是否已注销|是否关停|是否已关停|是否停用|是否关闭|是否在用|是否正常|是否正常运行|是否运行|是否启用|是否正常使用|是否关停注销|是否注销关停",
}
REQUIRED = ("name", "platform", "unit", "address")
VERDICT, DETAIL = "结果 verdict", "说明 detail"  # the columns that a download adds in front
FIELD = {name: field for field, names in COLUMNS.items() for name in names}
ELSE = {name: field for field, names in ALSO.items() for name in names.split("|")}
SEARCHED = 20  # rows searched for the header: titles and remarks may precede it
SHOWN = 50  # of the unknown columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The header row of a table. `width` counts the columns up to the last that has a name."""

    line: int
    cells: tuple[str, ...]
    columns: Mapping[str, int]
    width: int
    added: tuple[int, ...]

    @property
    def chinese(self) -> bool:
        """Whether a column that is read has a Chinese name."""
        return any(not self.cells[column].isascii() for column in self.columns.values())

    @property
    def unknown(self) -> list[str]:
        """The titles of the columns that belong to no field and are not read, at most `SHOWN`."""
        known = {*self.columns.values(), *self.added}
        others = ((n, cell) for n, cell in enumerate(self.cells[: self.width]) if n not in known)
        return [plain(cell)[:100] or f"(column {self.numbered(n)})" for n, cell in islice(others, SHOWN)]

    def numbered(self, column: int) -> int:
        """The number of a column, from 1, as the file had it before a download put its own in front."""
        return column + 1 - sum(added < column for added in self.added)

    def title(self, field: str) -> str:
        """A field's column as it is written in the file; the field's own name where it has none."""
        column = self.columns.get(field)
        return field if column is None else plain(self.cells[column])[:100]

    def again(self, cells: Sequence[str]) -> bool:
        """Whether a row is the header once more."""
        return _likely(cells) and all(field in _fields(cells) for field in REQUIRED)

    def refuse_another(self, line: Line) -> None:
        """Raises UnreadableFile where a second header has another order of columns: later rows would be misread."""
        if not self.again(line.cells):
            return
        if {field: at[0] for field, at in _fields(line.cells).items()} != dict(self.columns):
            why = Text(f"第 {line.number} 行另有不同的表头", f"line {line.number} has another header")
            raise UnreadableFile(field="header", accepted="one table with one header", why=why)


def find(content: bytes) -> tuple[Table, Header]:
    """A file's table and its header. Raises UnreadableFile naming the missing or repeated columns."""
    meant = encodings(content)
    for encoding in meant:
        for separator in SEPARATORS:
            table = Table(content=content, encoding=encoding, separator=separator)
            header = _header(table)
            if header is not None and (encoding != "gb18030" or header.chinese):
                return table, header
    table = Table(content=content, encoding=meant[0], separator=SEPARATORS[0])
    if meant[0] == "gb18030":
        raise not_utf8(content)
    if meant[0].startswith("utf-16-") and "utf-8-sig" in meant:
        table = Table(content=content, encoding="utf-8-sig", separator=SEPARATORS[0])
    raise _no_header(table)


def _likely(cells: Sequence[str]) -> bool:
    """Whether a row may be a header; quickly, since every row is asked."""
    return sum((name := cell.strip().lower()) in FIELD or name in ELSE for cell in cells) >= len(REQUIRED)


def _fields(cells: Sequence[str]) -> dict[str, list[int]]:
    """The columns of each field."""
    named: dict[str, list[int]] = {}
    other: dict[str, list[int]] = {}
    for column, cell in enumerate(cells):
        name = simple(folded(cell))
        for names, fields in ((FIELD, named), (ELSE, other)):
            if (field := names.get(name) or names.get(name.replace(" ", ""))) is not None:
                fields.setdefault(field, []).append(column)
    return named | {field: at for field, at in other.items() if field not in named}


def _rows(table: Table) -> Iterator[tuple[int, bool, tuple[str, ...], dict[str, list[int]]]]:
    for line in islice(table.lines(), SEARCHED):
        cells = tuple(line.cells)
        yield line.number, line.whole, cells, _fields(cells)


def _header(table: Table) -> Header | None:
    try:
        for number, whole, cells, named in _rows(table):
            if any(field not in named for field in REQUIRED):
                continue
            if not whole:
                why = Text("表头的引号未在本行闭合", "a quotation mark in the header is not closed on its line")
                raise UnreadableFile(field="header", accepted="a header on one line", why=why)
            _once(cells, named)
            width = max(column for column, cell in enumerate(cells) if cell.strip()) + 1
            added = tuple(n for n, cell in enumerate(cells) if plain(cell).lower() in (VERDICT, DETAIL))
            return Header(
                line=number,
                cells=cells,
                columns={field: at[0] for field, at in named.items()},
                width=width,
                added=added,
            )
    except UnreadableFile as error:
        if error.field == "header":
            raise
    return None


def _once(cells: Sequence[str], named_columns: Mapping[str, Sequence[int]]) -> None:
    twice = {field: at for field, at in named_columns.items() if len(at) > 1}
    if not twice:
        return
    named = "; ".join(
        f"{field}: {', '.join(f'{plain(cells[n])[:60]!r} (column {n + 1})' for n in at)}" for field, at in twice.items()
    )
    why = Text(f"同一字段有多列:{named}", f"more than one column for a field: {named}")
    raise UnreadableFile(field="header", accepted="one column for each field", why=why)


def _no_header(table: Table) -> UnreadableFile:
    """The fields missing from the likeliest header: the row that names most fields, the first of several."""
    rows = list(_rows(table))  # a file that cannot be read as CSV is refused here
    likeliest = max((fields for _, _, _, fields in rows), key=len, default={})
    if rows and not likeliest and not rows[0][1]:
        why = Text("表头的引号未在本行闭合", "a quotation mark in the header is not closed on its line")
        return UnreadableFile(field="header", accepted="a header on one line", why=why)
    missing = [field for field in REQUIRED if field not in likeliest]
    wanted = "; ".join(" or ".join(COLUMNS[field]) for field in missing)
    named = ", ".join(missing)
    why = Text(
        f"前 {SEARCHED} 行中没有表头,缺少列:{named};列以逗号、制表符或分号分隔",
        f"no header in the first {SEARCHED} rows, columns are missing: {named}; "
        "columns are parted by commas, tabs or semicolons",
    )
    return UnreadableFile(field="header", accepted=wanted, why=why)
