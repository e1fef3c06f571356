"""A table as text: its encoding, the separator of its cells, and its lines. Pure."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

from libs.common.errors import DomainError
from libs.common.text import Text

SEPARATORS = (",", "\t", ";")
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also as a Chinese keyboard types them
_BREAKS = re.compile(r"\r\n|\r|\n")


class UnreadableFile(DomainError):
    """The file as a whole cannot be read."""

    code = "unreadable_file"
    kind = "invalid"
    says = Text("文件无法读取:{why}", "The file cannot be read: {why}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a table: the line on which it begins, whether it ends there, and its cells."""

    number: int
    whole: bool
    cells: Sequence[str]

    @property
    def breaks(self) -> int:
        """The number of line breaks inside its cells."""
        return sum(len(_BREAKS.findall(cell)) for cell in self.cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Text in a known encoding with a known separator; its lines are read anew with every pass."""

    content: bytes
    encoding: str
    separator: str

    def lines(self) -> Iterator[Line]:
        """Each row that is not blank. Raises UnreadableFile."""
        # A row with an unclosed quotation mark swallows the line that is added, which reveals it.
        text = io.TextIOWrapper(io.BytesIO(self.content), self.encoding, newline="")
        reader = csv.reader(chain(text, ("\n",)), delimiter=self.separator)
        number = 1
        try:
            for cells in reader:
                whole = reader.line_num == number
                if not whole or any(cell.strip() for cell in cells):
                    yield Line(number=number, whole=whole, cells=cells)
                number = reader.line_num + 1
        except csv.Error as error:
            why = Text(f"第 {number} 行:{error}", f"line {number}: {error}")
            raise UnreadableFile(field="body", accepted="CSV", why=why) from None


def encodings(content: bytes) -> list[str]:
    """The encodings in which a file may be meant, the likeliest first. Raises UnreadableFile when there is none.

    GB18030 (GBK), as Excel writes it, is believed only where the header then names a column in Chinese: French in
    Windows-1252 would be read as GBK too, and as nonsense. The same goes for UTF-16 without its mark.
    """
    if content.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        why = Text("文件为 UTF-32,请另存为 UTF-8", "it is UTF-32; save it as UTF-8")
        raise UnreadableFile(field="body", accepted="CSV in UTF-8, UTF-16 or GBK, or XLSX", why=why)
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    bare = ("utf-16-le", "utf-16-be") if b"\0" in content[:4096] else ()
    wanted = ("utf-16",) if marked else (*bare, "utf-8-sig", "gb18030")
    readable = []
    for encoding in wanted:
        with suppress(UnicodeDecodeError):
            content.decode(encoding)
            readable.append(encoding)
    if readable:
        return readable
    raise UnreadableFile(
        field="body",
        accepted="CSV in UTF-8 or UTF-16, in GBK under a Chinese header, or XLSX",
        why=_first_bad_byte(content),
    )


def _first_bad_byte(content: bytes) -> Text:
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Text(f"第 {error.start} 字节不是 UTF-8", f"byte {error.start} is not UTF-8")
    return Text("无法识别字符编码", "its encoding is unknown")


def not_utf8(content: bytes) -> UnreadableFile:
    """The refusal of a text that is not UTF-8 and has no header that would prove another encoding."""
    accepted = "CSV in UTF-8 or UTF-16, in GBK under a Chinese header, or XLSX"
    return UnreadableFile(field="body", accepted=accepted, why=_first_bad_byte(content))


def plain(cell: str) -> str:
    """The text of a cell: blanks collapsed, without the apostrophe that keeps a spreadsheet from computing it."""
    text = " ".join(cell.split())
    return text[1:].lstrip() if text.startswith("'") and text[1:].lstrip().startswith(FORMULA) else text


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `plain` takes the apostrophe off again."""
    return f"'{cell}" if cell.lstrip().startswith(FORMULA) else cell


def folded(text: str) -> str:
    """A word of a list as compared: NFKC, without case and bracketed text, blanks collapsed."""
    kept = unicodedata.normalize("NFKC", plain(text)).casefold()
    return re.sub(r"\s+", " ", re.sub(r"\([^()]*\)|[*:\ufeff]", "", kept)).strip()
