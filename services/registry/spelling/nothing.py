"""Words that people write in place of a value: none, elsewhere, not yet. Pure.

A list has more of them than anybody could write down, so they are read as they are made: a text is none when all of its
words come from a small stock and one of them says no, not yet, or look there.
"""

import re

from services.registry.spelling.letters import simple


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split("|"))


DITTO = _words(
    "同上|同左|同前|同上行|〃|″|\"|''|ditto|do.|idem|same as above|dito|ibid|ibid.|as above|same|same as before"
    "|上同|如上|如前|与上同|与上行相同|与上一行相同|同上一行|相同|〻|々|仝|仝上|siehe oben|voir ci-dessus"
)
FAULTY = _words(
    "#n/a|#ref!|#value!|#div/0!|#name?|#null!|#num!|#spill!|#calc!|#getting_data|#blocked!|#busy!|#connect!|#field!",
    "#unknown!|#external!|#python!|#error!|#timeout!|#n/a n/a|err:502|err:504|err:508|err:522|[object object]",
)
NOTHING = _words(
    "无|暂无|没有|空|未填|未知|不详|待定|待填|见附件|详见附件|略|-|--|---|—|——|/|\\|.|*|?|n/a|na|none|null|nil|nan|tbd",
    "unknown|undefined|see attachment",
)
# Each piece means no, not yet, or look there.
_THING = (
    r"(?:账号|帐号|账户|号|链接|连结|网址|地址|网站|官网|平台|名称|信息|资料|内容|数据|项|此项|该项|此类|相关|官方|政务|固定|独立|单独|专门|公开|对外|新媒体"
    r"|情况|记录|备注|要求|说明|结果|微博|微信|抖音|公众号|小程序|二维码|代码|日期|时间|电话|人|者|或|和|及|、|的|了|过|任何|其他)"
)
_DONE = (
    r"(?:开通|开设|开办|注册|建立|建设|申请|填写|填报|填|报送|提供|设立|设置|设|建|定|知|有|认证|公布|公开|上线|启用|使用|查到|查询|查|找到|获取|取得|发布"
    r"|确定|确认|明确|收集|统计|备案|办理|审核|审批|通过|批准|完成|更新|录入|登记|关联|绑定|运营|涉及|适用|掌握|了解|清楚|详|报|需|要|可|能|便)"
)
_NO = re.compile(
    rf"(?:暂时?|尚|目前|现|还|均|皆|都|已|本单位|我单位|我局|该单位)*(?:没有?|无法?|未能?|不(?!断)|非|查无|[查找搜]不到|缺失?|免)(?:{_DONE}|{_THING})*"
)
_NOT_YET = re.compile(
    rf"(?:正在|尚在|待|拟|将|即将|仍|目前|等待|筹备|计划|后期|后续|近期|随后)+(?:{_DONE}|筹备|筹建|规划|整改|迁移|升级|维护|完善|补充?|提供|开发|测试|调试|核实"
    rf"|核对|调整|上报|处理|改版|建|注销|后|再|新|中|{_THING})*中?"
    rf"|(?:{_DONE}|筹备|筹建|规划|整改|迁移|升级|维护|完善|补充|开发|测试|调试|核实|核对|调整|处理|改版)+(?:当|进行|过程)?中"
    r"|(?:后补|另补|另报|另附|附后|另行.{0,4}|稍后.{0,4}|以后再?.{0,4}|暂缺|暂缓.{0,4}|暂停.{0,4}|暂空|空白?|空着|〇|略|从略|省略|另填|保密|内部|涉密|不公开|仅限?内部.{0,4})"
)
_THERE = re.compile(
    r"(?:请|详情?|具体|可|参|并|如|另)*(?:见|看|参照|参阅|参考|查看|查阅|同|如|附)(?:第|本|该|此|原|前述|所述)*"
    r"(?:附件|附表|附录|附页|附|备注|说明|清单|名单|目录|表格|表|图|文件|文|公告|通知|网站|官网|网页|正文|链接|二维码|截图|上|下|左|右|前|后|首|末|另|行|列|栏|格|项|条"
    r"|页|单元格|单位|一|面|边|侧|方|述|所示|示|[\d一二三四五六七八九十、\-~至#()]|sheet|excel|word|pdf)*"
    r"|附件[\d一二三四五六七八九十]*|附表[\d一二三四五六七八九十]*"
)
_SAME = re.compile(
    r"(?:与|和)?(?:同|上|前)*(?:第?[\d一二三四五六七八九十]+)(?:行|条|项|格|栏)(?:一样|相同|一致|同)?|(?:同|与)(?:上|前|左|第).{0,6}(?:行|条|项|格|栏|相同|一致|一样)"
)
# Texts of a form's sample rows: `××市`, `某某局`, `XX发布`.
_MODEL = re.compile(
    r"(?:[×✕✖○◯□*]{2,}|某{2,}|(?:x{2,}|×)(?=[省州市县区旗镇乡街村局委办厅院校部单]))[省州市县区旗镇乡街村局委办厅院校部单位发布公司平台号]*"
)
_ENGLISH_NO = _words(
    "no|not|none|nothing|n/a|na|nil|null|without|missing|absent|pending|unknown|unavailable|tbd|tba|tbc|tbs|todo|blank",
    "empty|void|undefined|unspecified|undetermined|undisclosed|confidential|withheld|redacted|see|soon|ditto|idem|same",
    "inapplicable|deferred|awaiting|forthcoming|n/k|n/r|n/d|never",
)
_ENGLISH_ANY = _words(
    "a|an|the|yet|at|this|time|available|applicable|provided|set|known|given|specified|stated|listed|found|assigned",
    "data|link|links|url|urls|web|website|webpage|site|page|account|accounts|handle|address|information|info|entry",
    "value|answer|response|longer|any|exists|exist|created|opened|registered|launched|entered|filled|in|be|to|is|has",
    "determined|confirmed|announced|defined|advised|assigned|supplied|coming|progress|above|below|attached|attachment",
    "attachments|annex|appendix|note|notes|list|row|line|column|cell|as|previous|before|on|for|yet|applicable|and|or",
    "public|official|file|table|required|needed|recorded|record|online|social|media|present|currently|now|of|it",
)
_FOREIGN = _words(
    "aucun|aucune|néant|s/o|s.o.|sans objet|à venir|à déterminer|à confirmer|non disponible|non applicable",
    "inconnu|inconnue",
    "non|vide|pas de compte|pas disponible|non précisé|non renseigné|ninguno|ninguna|nada|no aplica",
    "no disponible|vacío",
    "keine|kein|keiner|keine angabe|k.a.|k. a.|nicht vorhanden|unbekannt|leer|nessuno|nessuna|nenhum|nenhuma|não|vazio",
    "нет|отсутствует|неизвестно|없음|미정|해당없음|해당 없음|なし|無し|ナシ|該当なし|未定|不明|ingen|inget|geen",
    "brak|yok|không|không có",
)


def points_elsewhere(text: str) -> bool:
    """Whether a cell refers to another cell, is the error of a formula, or was too narrow for its value (`####`)."""
    kept = simple(text)
    return (
        bool({kept, kept.strip("()《》“”\"' ")} & (DITTO | FAULTY))
        or re.fullmatch(r"#+", kept) is not None
        or _SAME.fullmatch(kept) is not None
    )


def says_nothing(text: str) -> bool:
    """Whether a text says that there is nothing to state, not yet, or that it is stated elsewhere."""
    kept = simple(text)
    word = kept.strip("()[]{}<>《》【】〔〕「」“”‘’\"' ")
    if {kept, word} & (NOTHING | DITTO | FAULTY | _FOREIGN) or not any(char.isalnum() for char in word):
        return True
    if word.isascii():
        parts = re.findall(r"[a-z/.]+", word)
        stated = [part.strip(".") for part in parts]
        return (
            bool(stated)
            and len("".join(parts)) == len(re.sub(r"[\s,;:!-]", "", word))
            and bool(_ENGLISH_NO.intersection(stated))
            and all(part in _ENGLISH_NO or part in _ENGLISH_ANY for part in stated)
        ) or re.fullmatch(r"n[./\\ -]*[akdr]\.?|x{3,}|to be \w+|in (?:progress|preparation)", word) is not None
    tight = re.sub(r"[\s。,.;:!?…]", "", word)
    return any(form.fullmatch(tight) for form in (_NO, _NOT_YET, _THERE, _MODEL))
