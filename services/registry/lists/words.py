"""Words of lists: the kind of an asset, whether it still runs, and that nothing is stated. Pure."""

import re
import unicodedata

from libs.common.errors import Invalid
from libs.common.events.intake import Kind
from libs.common.text import Text
from services.registry.lists.tables import folded, plain
from services.registry.platforms.names import is_known_platform, platform_name
from services.registry.platforms.table import TABLE
from services.registry.spelling.letters import simple
from services.registry.spelling.nothing import NOTHING, points_elsewhere, says_nothing


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split("|"))


KINDS: dict[Kind, frozenset[str]] = {
    "app": _words(
        "app|apps|application|mobile app|应用|应用程序|移动应用|移动应用程序|政务应用|政务应用程序",
        "移动互联网应用程序|移动互联网政务应用程序",
        "政务移动互联网应用程序|客户端|移动客户端|政务app|移动app|手机app|小程序|微信小程序|支付宝小程序|百度小程序|抖音小程序|快应用",
    ),
    "account": _words(
        "account|accounts|账号|帐号|公众账号|公众帐号|政务公众账号|公众号|微信公众号|政务新媒体|新媒体|政务新媒体账号",
        "订阅号|服务号|视频号|微博|抖音号|头条号|短视频账号",
        "social media",
    ),
    "group": _words(
        "group|groups|chat group|群|群组|工作群|工作群组|微信群|微信工作群|qq群|qq工作群|钉钉群|企业微信群",
        "网络工作群|网络工作群组",
    ),
}
_APPS = re.compile(
    r"小程序|客户端|应用市场|应用商店|应用宝|快应用|安卓|苹果|鸿蒙|豌豆荚|手机助手|app ?store|google ?play|appgallery"
    r"|^apps?$|^ios|\b(android|ios"
    r"|iphone|ipad|harmonyos|blackberry|windows( phone)?|mobile web)\b"
)
_GROUPS = re.compile(r"群(?:组|聊)?$")
_MADE: dict[Kind, re.Pattern[str]] = {
    "group": re.compile(r"群(?:组|聊)?$"),
    "app": re.compile(r"(?:小程序|应用|应用程序|应用软件|客户端|软件|app|快应用|移动端|手机端)$"),
    "account": re.compile(
        r"(?:账|帐|公众|订阅|服务|短?视频|官方|政务|企业|媒体|机构)号$|^(?:短视频|新媒体平台|官方新媒体"
        r"|social media accounts?)$|mediaaccounts?$"
    ),
}
_SUM = re.compile(r"(?:合计|总计|小计|共计|总数|汇总|(?:sub|grand )?totals?|sum)[::]?\s*\d*|共\s*\d+\s*[个家项条户款]?")
_THING = r"(?:该|此|本|原)?(?:政务)?(?:账号|帐号|账户|公众号|应用|小程序|app|群组?|平台|网站|号)?"
_DAY = r"(?:\d{2,4}[-/.年](?:\d{1,2}[-/.月]?)?(?:\d{1,2}日?)?(?:[上中下]旬|[初中末底])?|去年|今年|上月|目前|日前)"
_END = (
    r"(?:注销|关停|关闭|停用|下线|下架|删除|撤销|解散|停办|停运|停服|停止(?:运[营行维]|使用|服务)|废止|废弃|作废|弃用|终止|取消"
    r"|封停|封禁|封号|注消|销号|销户|清退|清理|取缔|裁撤|撤并|不再(?:使用|运[营行]|保留|更新使用)|退出运[营行]|永久(?:停用|关闭))"
)
_ENDED = re.compile(
    rf"{_THING}(?:(?:现|均|都|全部|已|已经|业已|已?于?{_DAY}|已于.{{1,20}}|由平台|被|自行|主动|依法|正式|统一|强制|按要求|永久|完成|办理|办结)*)"
    rf"{_END}(?:[、,并和及/ ]*(?:已)?{_END})*{_THING}(?:登记|手续|备案)?(?:完成|完毕|成功|了|办结)?{_DAY}?"
)
ENDED = _words(
    "closed|deleted|removed|deactivated|gone|archived|retired|decommissioned|dissolved|cancelled|canceled|discontinued",
    "terminated|shut down|shutdown|shuttered|offline|defunct|disabled|sunset|taken down|taken offline|unpublished",
    "no longer in use|no longer used|no longer active|no longer exists|no longer available|out of service|abolished",
    "fermé|fermée|supprimé|supprimée|désactivé|désactivée|clos|archivé|retiré",
)
_ENDED_ENGLISH = re.compile(
    r"(?:(?:the )?(?:account|app|page|group|site)?\s*(?:(?:is|was|has been|have been|been)\s)?(?:now |already "
    r"|permanently )?)"
    rf"({'|'.join(sorted(ENDED, key=len, reverse=True))})(?: (?:account|page|permanently))?(?:,? (?:(?:on|in"
    rf"|since) )?[\d/.-]+)?"
)
RUNS = _words(
    "正常|运行|正常运行|在运行|运行中|运行正常|在用|使用中|正常使用|启用|已启用|启用中|开通|已开通|在线|上线",
    "已上线|运营|运营中|正常运营|在运营|更新中|正常更新|活跃|有效|存续|在营|可用|已运行|已使用|开放|已开设|已建成|在使用",
    "保留|active|online|open|live|normal|in use|running|enabled|operational|actif|active|en ligne",
    "actif en ligne|in service",
    "in operation|working|ok|up|up and running|currently active|still active|published|maintained|opérationnel",
    "en service",
)
_RUNS = re.compile(
    r"(?:目前|现|现在|仍|还|均|都|正在?|继续|持续|日常|每日|每天|定期|稳定|上线|予以|整改后)?(?:正常|稳定|持续|继续|日常|予以|保留)?"
    r"(?:保留|运[营行维转]|在?使用|在用|更新|启用|开通|在线|上线试?运行|试运行|活跃|有效|可用)(?:中|状态)?(?:正常|良好|稳定)?(?:中|状态)?"
)
# Words in brackets, or before, that leave the state open.
_OPEN = re.compile(
    r"[拟待未?]|将|计划|申请|审[批核]|进行|办理中|流程|恢复|重新|误|疑似|准备|建议|pending|plan|to be|request"
    r"|reopen|not "
)
_STOPS = re.compile(rf"{_END}|停|closed|deleted|suspended|inactive|archived|offline")
_YES, _NO = _words("是|yes|y|√"), _words("否|no|n|×")
ACCEPTED_KINDS = "app, account or group; 应用, 账号 or 群组"
ACCEPTED_RUNNING = "正常, 在用, 运行中 … or active; 已注销, 已关停 … or closed; nothing where it is not known"


def kind_of(text: str, platform: str) -> Kind:
    """The kind of a row: from its column, else from its platform, else an account.

    Raises Invalid where the column names no kind, or another one than the platform.
    """
    implied = _implied(platform)
    word = simple(folded(text))
    if not word:
        table = TABLE.get(platform_name(platform))
        return implied or (table.kinds[0] if table is not None and "account" not in table.kinds else "account")
    stated = _said(word)
    if stated is None or implied not in (None, stated):
        shown = text[:40]
        why = (
            Text(f"类型 {shown!r} 无法识别", f"unknown kind {shown!r}")
            if stated is None
            else Text(
                f"类型 {shown!r} 与平台 {platform[:40]!r} 不符", f"the kind {shown!r} and {platform[:40]!r} disagree"
            )
        )
        raise Invalid(field="kind", accepted=ACCEPTED_KINDS, why=why)
    return stated


def _said(word: str) -> Kind | None:
    tight = word.replace(" ", "")
    for kind, known in KINDS.items():
        if word in known or tight in known:
            return kind
    if is_known_platform(word):
        table = TABLE.get(platform_name(word))
        return _implied(word) or (table.kinds[0] if table is not None else "account")
    return next((kind for kind, form in _MADE.items() if form.search(tight)), None)


def _implied(platform: str) -> Kind | None:
    word = re.sub(r"[\s()]", " ", unicodedata.normalize("NFKC", plain(platform)).casefold()).strip()
    tight = word.replace(" ", "")
    return "group" if _GROUPS.search(tight) else "app" if _APPS.search(word) or _APPS.search(tight) else None


def has_ended(text: str, *, title: str = "") -> bool:
    """Whether a list calls an asset closed. Raises Invalid for a word that means neither closed nor running.

    Under a title that asks (是否注销), 是 and 否 answer it. What is about to be closed, or stands still, is for a
    person to say: it is not taken for either.
    """
    word = simple(folded(text))
    if not word:
        return False
    asked = simple(folded(title))
    if asked.startswith("是否") and word in _YES | _NO:
        if _STOPS.search(asked):
            return word in _YES
        if word in _YES:
            return False
    beside = " ".join(re.findall(r"\(([^()]*)\)", simple(text)))
    doubted = _OPEN.search(beside) is not None
    if (word in RUNS or _RUNS.fullmatch(word)) and not doubted and not _STOPS.search(beside):
        return False
    if (_ENDED_ENGLISH.fullmatch(word) or _ENDED.fullmatch(word)) and not doubted:
        return True
    why = Text(f"状态 {text[:40]!r} 无法识别", f"unknown state {text[:40]!r}")
    raise Invalid(field="running", accepted=ACCEPTED_RUNNING, why=why)


def is_list_word(text: str) -> bool:
    """Whether a word is a kind or a state, and so belongs into their columns."""
    word = simple(text)
    tight = word.replace(" ", "")
    if any(word in known or tight in known for known in KINDS.values()) or word in RUNS or word in ENDED:
        return True
    return len(word) < 30 and not word.isascii() and (_RUNS.fullmatch(word) or _ENDED.fullmatch(word)) is not None


def stated(field: str, text: str, *, needed: bool) -> str:
    """The value of a cell, "" where it says "none".

    Raises Invalid for a cell that points to another one or holds a spreadsheet's error, and where nothing is stated
    in a cell that is needed.
    """
    if points_elsewhere(text) or (needed and _empty(field, text)):
        why = Text(
            f"{text[:40]!r} 不是内容",
            f"{text[:40]!r} refers to a value that is not written here",
        )
        raise Invalid(field=field, accepted="the value itself, in every row", why=why)
    return "" if _empty(field, text) else text


def _empty(field: str, text: str) -> bool:
    if field in ("kind", "running"):  # where words such as 未运行 are a value
        return text.casefold().strip() in NOTHING
    return bool(text) and (
        says_nothing(text) or (field in ("name", "unit") and _SUM.fullmatch(simple(text)) is not None)
    )
