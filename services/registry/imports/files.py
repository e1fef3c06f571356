"""A file as it was sent, and the port through which its format is read and written. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import ClassVar, Literal, Protocol
from uuid import UUID

from libs.common.ids import derive
from libs.common.security.signing import sha256
from libs.common.text import Text
from services.registry.lists.columns import Header
from services.registry.lists.tables import Line, Table, UnreadableFile

Answer = Literal["all", "problems", "file"]
MAX_BYTES = 20 * 1024 * 1024
ACCEPTED = "XLSX, or CSV in UTF-8, UTF-16 or, under a Chinese header, GBK"


class Format(Protocol):
    """How lists are stored in one kind of file: one implementation per file in `formats/`, one entry in `jobs.FORMATS`.

    Reading may take up to a minute and a process of its own: call `read` and `write` in a thread.
    """

    media: ClassVar[str]  # the content type of an answer
    suffix: ClassVar[str]  # of the name of a download
    binary: ClassVar[bool]

    def holds(self, content: bytes) -> bool:
        """Whether a file is of this format, by its first bytes."""
        ...

    def read(self, content: bytes) -> tuple[Table, Header]:
        """The list in a file, each of its rows on the line of its own number. Raises UnreadableFile."""
        ...

    def write(self, rows: Iterable[tuple[Line, Sequence[str]]]) -> bytes:
        """A file of this format: each row, given with its line, on that line; no cell is a formula."""
        ...


@dataclass(frozen=True, kw_only=True)
class File:
    """A file as sent, with its sender's statements about it."""

    content: bytes
    source: str
    on: date
    unit_scheme: str
    complete: bool
    answer: Answer = "all"
    allow_unknown_platforms: bool = False

    @cached_property
    def sha256(self) -> str:
        return sha256(self.content)

    @property
    def import_id(self) -> UUID:
        return derive("import", self.source, self.on, self.sha256, self.complete, self.unit_scheme)

    @property
    def request(self) -> bytes:
        answer = () if self.answer == "all" else (self.answer,)
        allowed = ("unknown platforms",) if self.allow_unknown_platforms else ()
        return " ".join((str(self.import_id), *answer, *allowed)).encode()


def format_of(content: bytes, formats: Sequence[Format]) -> Format:
    """The first format that reads a file; the last format accepts every file."""
    return next((each for each in formats if each.holds(content)), formats[-1])


def listed(content: bytes, formats: Sequence[Format]) -> tuple[Table, Header]:
    """The list in a file of any format. Raises UnreadableFile for a file that is too large or cannot be read."""
    _refuse_other_formats(content)
    if len(content) > MAX_BYTES:
        why = Text(f"{len(content)} 字节", f"{len(content)} bytes")
        raise UnreadableFile(field="body", accepted="at most 20 MiB", why=why)
    return format_of(content, formats).read(content)


def _refuse_other_formats(content: bytes) -> None:
    """Raises UnreadableFile in words for the files that people often take for a list that can be read."""
    start = content[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise refused(
            "旧版 XLS 或加密的工作簿,请另存为未加密的 XLSX", "an XLS workbook, or one with a password: save it as XLSX"
        )
    if start.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"%pdf", b"{\\rtf")):
        raise refused("网页、XML 或 PDF,请另存为 XLSX 或 CSV", "a web page, XML or PDF: save it as XLSX or CSV")


def refused(zh: str, en: str) -> UnreadableFile:
    return UnreadableFile(field="body", accepted=ACCEPTED, why=Text(zh, en))
