"""Names of each platform in lists and circulars, in Chinese, English and French. Pure."""

import re
import unicodedata

from services.registry.platforms.table import PLATFORMS
from services.registry.spelling.letters import lowered, simple

WEB = "web"
# Platforms without a table of their own: their servers may be on any host.
ANYWHERE = {
    "mastodon": "fediverse|长毛象",
    WEB: "网页|网址|网站地址|网站首页|官方网址|单位网站|政府门户|政府官网|官方网站pc|pc端|web端|h5"
    "|www|homepage|website|web site|webpage"
    "|网站|官网|官方网站|门户网站|政府网站|政务网站|政府门户网站|site web|site internet",
}
# Names of each platform in lists. Blanks and signs between words are ignored: `X (Twitter)`, `You Tube`.
USUAL = {platform.name: tuple(filter(None, platform.usual.split("|"))) for platform in PLATFORMS} | {
    name: tuple(known.split("|")) for name, known in ANYWHERE.items()
}


def _key(text: str) -> str:
    return "".join(char for char in simple(text) if char.isalnum())


_NAMES = {_key(name): platform for platform, known in USUAL.items() for name in (platform, *known)}


# Prefixes and suffixes that do not change which platform is meant.
_BEFORE = re.compile(
    r"^(?:政务|官方|新浪|腾讯|字节跳动|阿里巴巴?|百度|原名?|前|即|平台|formerly|anciennement|compte|chaine"
    r"|chaîne|page|page sur|official)"
)
_BEHIND = re.compile(
    r"(?:官方账号|官方帐号|政务账号|政务号|企业号|机构号|学习平台|新媒体平台|平台|客户端|频道|主页|专页|公共主页|账号|帐号|账户|官方号|官网|短视频|极速版|群组|工作群组|工作群"
    r"|app|officialaccount|accounts?|pages?|channels?|profiles?|handles?|platform|corp|inc|com|号|网|版|端)$"
)
_PARTS = re.compile(r"[()/、,,;|+&\-—:]|\bor\b|或")
_MOST_PARTS = 4


def _known(text: str) -> str | None:
    """The platform that a name means, also in brackets, in another order, or with words around it that add nothing."""
    key = _key(text)
    if key in _NAMES or not key or len(key) > _LONGEST:
        return _NAMES.get(key)
    parts = [part for part in map(_key, _PARTS.split(unicodedata.normalize("NFKC", text))) if part]
    if 1 < len(parts) <= _MOST_PARTS:
        turned = _NAMES.get("".join(reversed(parts)))
        meant = {turned} if turned else {_bare(part) for part in parts}
        return meant.pop() if len(meant) == 1 else None
    return _bare(key)


def _bare(key: str) -> str | None:
    """The platform of a name without the words around it; None where no platform is left, or two are."""
    for _ in range(_MOST_PARTS):
        if key in _NAMES:
            return _NAMES[key]
        if (behind := _NAMES.get(_BEFORE.sub("", key))) is not None:
            return behind
        less = _BEHIND.sub("", key)
        if less == key:
            less = _BEFORE.sub("", key)
        if less in ("", key):
            return None
        key = less
    return _NAMES.get(key)


_LONGEST = 40  # of a name that is taken apart


def platform_name(text: str) -> str:
    """A platform's one name; an unknown name is kept, in small letters and NFKC."""
    kept = lowered(" ".join(unicodedata.normalize("NFKC", text).split()))
    return _known(text) or kept


def is_known_platform(name: str) -> bool:
    """Whether a platform is known under this name: any other is a slip, or one that a person should look at."""
    return _known(name) is not None


def is_usual_name(text: str) -> bool:
    """Whether a text is the name of a platform, and so hardly the name of an account on it."""
    return (len(text) > 2 or not text.isascii()) and _known(text) is not None
