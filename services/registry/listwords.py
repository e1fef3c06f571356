"""What lists say in words: which kind an asset is of, whether it still runs, and that nothing is said. Pure."""

import re

from libs.common.errors import Invalid
from libs.common.events.intake import Kind
from services.registry.tables import folded


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
    r"小程序|客户端|应用市场|应用商店|应用宝|快应用|安卓|苹果|鸿蒙|app ?store|google ?play|appgallery"
    r"|^apps?$|\b(android|ios"
    r"|iphone|ipad|harmonyos|blackberry|windows( phone)?|mobile web)\b"
)
_GROUPS = re.compile(r"群组?$")
_ENDS = r"(?:注销|关停|关闭|停用|下线|下架|删除|撤销|解散|停办|停运|停止运营|停止使用|废止|终止|取消|封停|注消)"
_ENDED = re.compile(
    rf"(?:(?:现?已经?|已于.{{1,20}})(?:自行|主动|依法)?)?{_ENDS}"
    rf"(?:[、,并和及/ ]?{_ENDS})*(?:了|备案)?"
)
ENDED = _words(
    "closed|deleted|removed|deactivated|gone|archived|retired|decommissioned|dissolved|cancelled",
    "canceled|discontinued|terminated|shut down|shutdown|offline|defunct|disabled|fermé|supprimé",
    "désactivé",
)
RUNS = _words(
    "正常|运行|正常运行|在运行|运行中|运行正常|在用|使用中|正常使用|启用|已启用|启用中|开通|已开通|在线|上线",
    "已上线|运营|运营中|正常运营|在运营|更新中|正常更新|活跃|有效",
    "保留|active|online|open|live|normal|in use|running|enabled|operational|actif|en ligne",
)
DITTO = _words("同上|同左|同前|同上行|〃|″|\"|''|ditto|do.|idem|same as above")
NOTHING = _words(
    "无|暂无|没有|空|未填|未知|不详|待定|待填|见附件|详见附件|略|-|--|---|—|——|/|\\|.|*|?|n/a|na|none|null|nil|nan|tbd",
    "unknown|undefined|see attachment",
)
FAULTY = _words("#n/a|#ref!|#value!|#div/0!|#name?|#null!|#num!|#spill!|#calc!")
ACCEPTED_KINDS = "app, account or group; 应用, 账号 or 群组"
ACCEPTED_RUNNING = "正常, 在用, 运行中 … or active; 已注销, 已关停 … or closed; nothing where it is not known"


def kind_of(text: str, platform: str) -> Kind:
    """Of which kind a row is: as its column says, else as its platform does, else an account.

    Raises Invalid where the column says what is no kind, or another one than the platform.
    """
    implied = _implied(platform)
    word = folded(text)
    if not word:
        return implied or "account"
    stated = next((kind for kind, words in KINDS.items() if word.replace(" ", "") in words or word in words), None)
    if stated is None or implied not in (None, stated):
        shown = text[:40]
        why = (
            (f"类型 {shown!r} 无法识别", f"the kind {shown!r} is none")
            if stated is None
            else (f"类型 {shown!r} 与平台 {platform[:40]!r} 不符", f"the kind {shown!r} and {platform[:40]!r} disagree")
        )
        raise Invalid(field="kind", accepted=ACCEPTED_KINDS, why=why)
    return stated


def _implied(platform: str) -> Kind | None:
    word = folded(platform)
    return "group" if _GROUPS.search(word) else "app" if _APPS.search(word) else None


def has_ended(text: str) -> bool:
    """Whether a list calls an asset closed. Raises Invalid for a word that says neither this nor that it runs.

    What is about to be closed, or stands still, is for a person to say: it is not taken for either.
    """
    word = folded(text)
    if not word:
        return False
    if word in RUNS:
        return False
    if word in ENDED or _ENDED.fullmatch(word):
        return True
    why = (f"状态 {text[:40]!r} 无法识别", f"the state {text[:40]!r} is not known")
    raise Invalid(field="running", accepted=ACCEPTED_RUNNING, why=why)


def stated(field: str, text: str, *, needed: bool) -> str:
    """What a cell states, "" where it says that there is nothing to state.

    Raises Invalid for a cell that points to another one or holds a spreadsheet's error, and where nothing is stated
    in a cell that is needed.
    """
    word = text.casefold().strip()
    if word in DITTO or word in FAULTY or (needed and word in NOTHING):
        why = (
            f"{text[:40]!r} 不是内容",
            f"{text[:40]!r} stands for something that is not written here",
        )
        raise Invalid(field=field, accepted="the value itself, in every row", why=why)
    return "" if word in NOTHING else text
