"""The real input: the register, its change log, and what they amount to. Pure; knows nothing of the product.

The identity function here is written apart from the registry's on purpose: the demo counts twins, additions and
returns with it before the run, and the registry has to come to the same numbers.
"""

import csv
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

DATA = Path(__file__).parent / "data"
REGISTER = DATA / "register-2024-10-24.csv"
CHANGES = DATA / "changes-2024-10-25_2025-12-31.csv"
AS_OF = date(2024, 10, 24)
LAST_DAY = date(2025, 12, 31)

Change = Literal["added", "amended", "removed"]
Identity = tuple[str, str]

HOSTS = {
    "twitter.com": "x",
    "x.com": "x",
    "facebook.com": "facebook",
    "instagram.com": "instagram",
    "youtube.com": "youtube",
    "linkedin.com": "linkedin",
    "flickr.com": "flickr",
    "snapchat.com": "snapchat",
    "reddit.com": "reddit",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the register (`change` is None, `day` its date) or of the change log; `line` counts from 2."""

    line: int
    day: date
    change: Change | None
    account: str
    platform: str
    department: str
    language: str
    url: str

    @property
    def identity(self) -> Identity:
        return identity(self.url)


@dataclass(slots=True)
class Account:
    """What the input says of one account over time; `department` is that of its first line, before amendments."""

    identity: Identity
    department: str
    language: str
    listed: list[date]
    delisted: list[date]
    departments: list[tuple[date, str]]

    def listed_on(self, day: date) -> bool:
        """Whether the register lists it at the end of the day."""
        if not self.delisted:
            return self.listed[0] <= day
        return sum(d <= day for d in self.listed) > sum(d <= day for d in self.delisted)

    def department_on(self, day: date) -> str:
        """Who answers for it on the day."""
        return [name for since, name in self.departments if since <= day][-1]

    @property
    def touched(self) -> bool:
        """Whether the log says anything of it after its first mention."""
        return bool(self.delisted) or len(self.departments) > 1


def read_register(path: Path = REGISTER) -> list[Row]:
    """The register's lines, in order."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            Row(line, AS_OF, None, r["account"], r["platform"], r["department"], r["language"], r["url"])
            for line, r in enumerate(csv.DictReader(file), start=2)
        ]


def read_changes(path: Path = CHANGES) -> list[Row]:
    """The change log's lines, in order."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            Row(
                line,
                date.fromisoformat(r["date"]),
                _change(r["change"]),
                r["account"],
                r["platform"],
                r["department"],
                r["language"],
                r["url"],
            )
            for line, r in enumerate(csv.DictReader(file), start=2)
        ]


def _change(text: str) -> Change:
    for known in ("added", "amended", "removed"):
        if text == known:
            return known
    raise ValueError(f"the change log says {text!r}; known are added, amended, removed")


def identity(url: str) -> Identity:
    """The network an address lies on and the account's name there, so that two spellings of one account agree.

    Host decides the network: five lines of the real register name another one than their address. Raises
    ValueError for an address on no known network.
    """
    parts = urlsplit(url.strip())
    host = ".".join((parts.hostname or "").split(".")[-2:])
    if host not in HOSTS:
        raise ValueError(f"{url}: no known network")
    network = HOSTS[host]
    path = [piece for piece in unquote(parts.path).split("/") if piece]
    match network, path:
        case "facebook", ["profile.php", *_]:
            return network, parse_qs(parts.query)["id"][0]
        case "facebook", ["pages" | "people", _, number, *_]:
            return network, number
        case "facebook", ["pg", name, *_]:
            return network, name.lower()
        case "facebook", [name, *_]:
            numbered = re.search(r"-(\d{6,})$", name)
            return network, numbered[1] if numbered else name.lower()
        case "youtube", ["channel", number, *_]:
            return network, f"channel/{number}"  # the one kind of name whose letters' case counts
        case "youtube" | "linkedin", [kind, name, *_] if not kind.startswith("@"):
            return network, f"{kind}/{name}".lower()
        case "flickr" | "snapchat" | "reddit", [_, name, *_]:
            return network, name.lower()
        case _, [name, *_]:
            return network, name.lower() if network == "youtube" else name.lower().removeprefix("@")
    raise ValueError(f"{url}: no account in the address")


def accounts(register: list[Row], changes: list[Row]) -> dict[Identity, Account]:
    """Every account the input names, in the order of first mention, with what happened to it."""
    found: dict[Identity, Account] = {}
    for row in register:
        if row.identity not in found:
            found[row.identity] = _first(row)
    for row in changes:
        known = found.get(row.identity)
        if known is None:
            if row.change != "added":
                raise ValueError(f"line {row.line} of the log: {row.change} an account nobody added")
            found[row.identity] = _first(row)
            continue
        listed = known.listed_on(row.day)
        if row.change == "removed" and listed:
            known.delisted.append(row.day)
        elif row.change == "added" and not listed:
            known.listed.append(row.day)
        if row.change != "removed":
            known.departments.append((row.day, row.department))
    return found


def _first(row: Row) -> Account:
    return Account(row.identity, row.department, row.language, [row.day], [], [(row.day, row.department)])


def twins(register: list[Row]) -> list[tuple[Row, Row]]:
    """Lines that name an account an earlier line names already: (the later line, the earlier one)."""
    first: dict[Identity, Row] = {}
    pairs = []
    for row in register:
        if row.identity in first:
            pairs.append((row, first[row.identity]))
        else:
            first[row.identity] = row
    return pairs


def by_day(changes: list[Row]) -> dict[date, list[Row]]:
    """The log's lines by their day, in order."""
    days: dict[date, list[Row]] = defaultdict(list)
    for row in changes:
        days[row.day].append(row)
    return dict(days)
