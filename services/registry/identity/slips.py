"""Texts in a cell or form that identify nothing: words for none, spreadsheet numbers, broken schemes. Pure."""

import re
import unicodedata

from services.registry.lists.columns import FIELD
from services.registry.lists.words import is_list_word
from services.registry.platforms.names import is_usual_name
from services.registry.spelling.letters import simple
from services.registry.spelling.nothing import says_nothing


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split("|"))


# Single words that belong into another column, or into a form's own model row.
_OTHER = _words(
    "no|yes|0|y|n|true|false|有|是|否|对|错|可|test|testing|测试|示例|例|例如|样例|范例|模板|sample|example|如附件|无|序号|编号|行号",
    "url|urls|link|links|website|email|e-mail|phone|qr code|qrcode|title|id|username|user name|handle|password",
    "备注|说明|填写说明",
    "链接|网址|地址|二维码|账号|帐号|昵称|名称|平台|单位|主办单位|联系人|联系电话|头像|简介|粉丝数|关注数|单选|多选|下拉",
)
_TOTAL = re.compile(
    r"(?:合计|总计|小计|共计|总数|汇总|(?:sub|grand )?totals?|sum)[::]?\s*\d*|共\s*\d+\s*[个家项条户款]?"
    r"|\d+\s*[个家项条户款]"
)
# Instructions to a reader on how to get there.
_DO = re.compile(
    r"(?:请|可|在|到|用|的|即可|微信|支付宝|qq|手机|打开|进入|下载|安装|扫码|扫描|扫一扫|扫|搜一搜|搜索|搜|查找|添加|关注|公众号|二维码|小程序|点击|点|查看|访问|链接"
    r"|填写|填报|选择|输入|登录|注册|此处|这里|在此|如下|下方|下图|右侧|右图|左侧|长按|识别|识别图中|图片|图|app|名称|账号|官网|网址|咨询|联系|工作人员|管理员){2,}"
)
_ACTS = ("扫", "搜", "点击", "关注", "下载", "填", "选择", "输入", "长按", "识别", "联系", "咨询", "查看", "访问")
_LANGUAGES = _words("english|anglais|français|french|bilingual|bilingue|chinese|中文|汉语|英文|英语|双语")
_BRACKETS = "()[]{}<>《》【】〔〕「」“”‘’\"' "
# `1.00064E+14`: the number is lost; `100064111111119.0`, `="100064111111119"` and `'100064111111119` are guarded ones.
_SHEET = re.compile(
    r"[+-]?\d+(?:[.,]\d+)?\s?e\s?[+-]?\s?\d+(?:\.0+)?|[+-]?\d+[.,]\d+%?|[+-]\d+|\d+%|[¥$€]\s?\d[\d.,]*|\d{1,4}|=.*|'.*|#+"
    r"|\d{1,3}(?:[, ]\d{3})+|\d+(?:\.\d+)?[×x*]10\^?\d+",
    re.IGNORECASE,
)
_DAY = re.compile(
    r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:[ t]\d{1,2}:\d{2}(?::\d{2})?)?"
    r"|(?:\d{4}年)?\d{1,2}月(?:\d{1,2}[日号])?|\d{4}年"
)
_PHONE = re.compile(r"\+?\d[\d ]*[- ][\d -]{4,}\d")
_UNIT_CODE = re.compile(r"[1-79any][1-9a-g]\d{6}(?=.*[a-z])[0-9a-hj-npqrtuwxy]{10}")  # 统一社会信用代码
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", re.ASCII)
# `http//x.example`, `https;//`, `htttps:/`, `hxxp://`: a slip in the scheme is neither a host nor a name.
_SCHEME = re.compile(r"h?[tx]{1,3}ps?\W*[:;.,/\\]\W*/|.*//|h?ttps?\W*$", re.IGNORECASE)


def names_nothing(text: str) -> bool:
    """Whether a text without an address means "none", or belongs into another column."""
    kept = simple(text)
    if kept.startswith("@"):
        return not any(char.isalnum() for char in kept)  # a name is meant, of any form
    word = kept.strip(_BRACKETS)
    if not any(char.isalnum() for char in word):
        return True
    if (
        says_nothing(text)
        or word in _OTHER
        or word in _LANGUAGES
        or is_usual_name(word)
        or is_list_word(word)
        or word in FIELD
    ):
        return True
    tight = re.sub(r"[\s,。!:;、,.]", "", word)
    if _TOTAL.fullmatch(word) or (any(act in tight for act in _ACTS) and _DO.fullmatch(tight)):
        return True
    return any(form.fullmatch(kept) for form in (_SHEET, _DAY, _MAIL, _PHONE, _UNIT_CODE))


def slipped_scheme(text: str) -> bool:
    """Whether a text that is not a web address was meant as one."""
    return _SCHEME.match(unicodedata.normalize("NFKC", text)) is not None
