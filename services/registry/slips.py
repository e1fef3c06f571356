"""What stands in a cell or a form and names nothing: words for none, a spreadsheet's numbers, a broken scheme. Pure."""

import re
import unicodedata

from services.registry.listwords import DITTO, FAULTY, NOTHING
from services.registry.platformnames import is_usual_name
from services.registry.platforms import lowered

_NONE = (
    NOTHING
    | DITTO
    | FAULTY
    | frozenset(
        "blank|empty|not applicable|not available|no account|none yet|to be determined|todo|xxx|see attached|see above"
        "|aucun|néant|s/o|sans objet|空白|不适用|未开通|未开设|未注册|未建立|无账号|无帐号|没有账号|无链接|无网址|无地址"
        "|见附表|见附件1|见附件2|详见附表|见备注|详见备注|待补充|待补|待提供|待确认|暂缺|缺|未提供|不清楚|否|是|已注销|已关停"
        "|如上|如附件".split("|")
    )
)
_LANGUAGES = frozenset("english|anglais|français|french|bilingual|bilingue|chinese|中文|汉语|英文|英语|双语".split("|"))
_BRACKETS = "()[]{}<>《》【】〔〕「」“”‘’\"' "
# `1.00064E+14`: the number is lost; `100064111111119.0`, `="100064111111119"` and `'100064111111119` are guarded ones.
_SHEET = re.compile(
    r"[+-]?\d+[.,]\d+e[+-]?\d+|[+-]?\d+e[+-]\d+|[+-]?\d+[.,]0+|=.*|'.*|#+|\d{1,3}(,\d{3})+", re.IGNORECASE
)
_DAY = re.compile(r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?( \d{1,2}:\d{2}(:\d{2})?)?")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", re.ASCII)
# `http//x.example`, `https;//`, `htttps:/`, `hxxp://`: a slip in the scheme is no host and no name.
_SCHEME = re.compile(r"h?[tx]{1,3}ps?\W*[:;.,/\\]\W*/|.*//|h?ttps?\W*$", re.IGNORECASE)


def names_nothing(text: str) -> bool:
    """Whether a text without an address in it stands for none, or is what belongs into another column."""
    kept = lowered(unicodedata.normalize("NFKC", text)).strip()
    if kept.startswith("@"):
        return not any(char.isalnum() for char in kept)  # a name is meant, whatever it is
    word = kept.strip(_BRACKETS)
    if not any(char.isalnum() for char in word):
        return True
    if {kept, word} & _NONE or word in _LANGUAGES or is_usual_name(word):
        return True
    return bool(_SHEET.fullmatch(kept) or _DAY.fullmatch(kept) or _MAIL.fullmatch(kept))


def slipped_scheme(text: str) -> bool:
    """Whether a text that is no web address was meant as one."""
    return _SCHEME.match(unicodedata.normalize("NFKC", text)) is not None
