"""What stands in a cell or a form and names nothing: words for none, a spreadsheet's numbers, a broken scheme. Pure."""

import re
import unicodedata

from services.registry.listwords import DITTO, FAULTY, NOTHING
from services.registry.platformnames import is_usual_name
from services.registry.platforms import lowered


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split("|"))


_NONE = (
    NOTHING
    | DITTO
    | FAULTY
    | _words(
        "blank|empty|not applicable|not available|no account|none yet|to be determined|tba|tbc|todo|xxx|no|yes|0",
        "see attached|see above|aucun|néant|s/o|sans objet|空白|不适用|暂缺|缺|不清楚|否|是|有|如上|如附件",
        "附后|另附|后补|待补充|待补|待提供|待确认|待开通|待注册|已注销|已关停|已停用",
    )
)
_NONE_YET = re.compile(
    r"(?:暂|尚|目前|还)?(?:无|没有|未)(?:开通|开设|注册|建立|申请|填写|填报|提供|定|知|有|此|相关|官方|政务)*"
    r"(?:账号|帐号|链接|网址|地址|项|号)?|(?:详?见|参见|同|详)(?:附件|附表|附录|备注|下表|上表|公告|上|左|前)[\d一二三四五六七八九十、\-~至]*"
    r"|n[./\\ -]*a\.?"
)
_LANGUAGES = _words("english|anglais|français|french|bilingual|bilingue|chinese|中文|汉语|英文|英语|双语")
_BRACKETS = "()[]{}<>《》【】〔〕「」“”‘’\"' "
# `1.00064E+14`: the number is lost; `100064111111119.0`, `="100064111111119"` and `'100064111111119` are guarded ones.
_SHEET = re.compile(
    r"[+-]?\d+[.,]\d+e[+-]?\d+|[+-]?\d+e[+-]\d+|[+-]?\d+[.,]0+|=.*|'.*|#+|\d{1,3}(,\d{3})+", re.IGNORECASE
)
_DAY = re.compile(r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?( \d{1,2}:\d{2}(:\d{2})?)?")
_PHONE = re.compile(r"\+?\d[\d ]*[- ][\d -]{4,}\d")
_UNIT_CODE = re.compile(r"[1-79any][1-9a-g]\d{6}(?=.*[a-z])[0-9a-hj-npqrtuwxy]{10}")  # 统一社会信用代码
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
    if {kept, word} & _NONE or _NONE_YET.fullmatch(word) or word in _LANGUAGES or is_usual_name(word):
        return True
    return any(form.fullmatch(kept) for form in (_SHEET, _DAY, _MAIL, _PHONE, _UNIT_CODE))


def slipped_scheme(text: str) -> bool:
    """Whether a text that is no web address was meant as one."""
    return _SCHEME.match(unicodedata.normalize("NFKC", text)) is not None
