"""What a platform is, as data: its hosts, its pages that stand for one thing, and what may be a name there. Pure.

`networks.py` and `stores.py` hold the tables; `accountnames.py` reads them.
"""

import re
import unicodedata
from dataclasses import dataclass

from libs.common.events.intake import Kind


def lowered(text: str) -> str:
    """In small letters, each by itself; ß stays ß and ς stays ς, which full case folding makes ss and σ."""
    return unicodedata.normalize("NFC", "".join(char.lower() for char in unicodedata.normalize("NFC", text)))


# The characters of the other Chinese script in the words that lists use; names keep theirs.
_SIMPLE = str.maketrans(
    "無沒暫號賬帳戶開設見詳認證註冊備補連結網關閉請掃碼點擊銷眾訂閱頻視紅書嗶蘋應釘飛華為榮騰訊頭條組體運營廢終門與單碼聯繫確終離線鏈臺辦稱類態語種狀屬",
    "无没暂号账账户开设见详认证注册备补连结网关闭请扫码点击销众订阅频视红书哔苹应钉飞华为荣腾讯头条组体运营废终门与单码联系确终离线链台办称类态语种状属",
)


def simple(text: str) -> str:
    """A word of a list as it is compared: NFKC, small letters, simple characters, no blanks around it."""
    return lowered(unicodedata.normalize("NFKC", text)).strip().translate(_SIMPLE)


@dataclass(frozen=True, slots=True)
class Name:
    """One kind of names: `shape` is all that may stand in one (a group in it is the name within it).

    Where `folds`, the case of letters says nothing.
    """

    shape: str
    accepted: str
    folds: bool = True

    def read(self, text: str) -> str | None:
        """The name in its one spelling; None where this is none. A full-width letter is the letter (NFKC)."""
        kept = unicodedata.normalize("NFKC", text)
        kept = lowered(kept) if self.folds else kept
        found = re.fullmatch(self.shape, kept)
        if found is None:
            return None
        return found[1] if found.re.groups else kept


@dataclass(frozen=True, slots=True)
class Form:
    """One way in which a thing is named: the pages on which it stands, and `gives`, its identity.

    A page is a path with the name in braces, `*` for a piece that only decorates, `??` for a country, and after `?` the
    query name that holds it; with `//host/` before it, it stands on that host alone. `text` is what stands for it where
    no address is given; `gives` always does.
    """

    name: Name
    gives: str
    at: tuple[str, ...] = ()
    text: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Platform:
    """`domains` are the platform's own; of the hosts below them only those under `subs` show what they name.

    `posts` are query names with which a page shows one post, whoever wrote it. `hash` is what stands between `#` and
    `/` where the site keeps its paths there. `gbk`: older pages write names in GBK. A `free` one has names of any text.
    """

    name: str
    accepted: str
    forms: tuple[Form, ...] = ()
    kinds: tuple[Kind, ...] = ("account",)
    domains: tuple[str, ...] = ()
    subs: frozenset[str] = frozenset({"", "www", "m"})
    locales: str = ""
    routes: frozenset[str] = frozenset()
    tabs: frozenset[str] = frozenset()
    posts: frozenset[str] = frozenset()
    hash: str | None = None
    gbk: bool = False
    free: bool = False

    @property
    def has_pages(self) -> bool:
        """Whether what stands elsewhere is not on this platform, whatever a list says."""
        return any(form.at for form in self.forms)

    def shows(self, host: str, domain: str) -> bool:
        """Whether a host of the platform shows what its addresses name, and not others' pages."""
        sub = host.removesuffix(domain).removesuffix(".")
        return sub in self.subs or bool(self.locales and re.fullmatch(self.locales, sub))


def words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())
