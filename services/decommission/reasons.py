"""Reasons as logs hold them, in English, and in Chinese for a Chinese reader. Pure."""

from dataclasses import replace

from libs.common.errors import DomainError
from libs.common.text import Text

# Reasons as logs hold them, in English, and as a Chinese reader is told them.
CATALOGUE = {
    "The receipt proves nothing": "回执无效",
    "there is none": "没有回执",
    "there is nobody who could have signed it": "没有可以签署回执的单位",
    "it is not signed with the unit's key": "并非由该单位的密钥签名",
    "it names another notice": "所指的是另一份通知",
    "it names another asset": "所指的是另一个对象",
    "it was received on no such day": "收到日期不在通知发出之日至今日之间",
    "answer is no object": "答复不是一个 JSON 对象",
    "it is none of the three answers": "不是三种答复之一",
    "until is no date": "until 不是日期",
    "a fix needs a date": "整改须写明完成日期",
    "the fix is too early or too late": "承诺的整改日期过早或过晚",
    "The answer is not valid": "答复无效",
    "it cannot be stored": "含有无法保存的文字",
    "the hash signed is not this plan's": "所签哈希不是本方案的哈希",
    "its stored content has changed since it was sealed": "封存后内容已被改动",
    "its content does not have the hash it was sealed with": "内容与封存时的哈希不符",
    "a signature it was approved with is missing or is for another hash": "批准时的签名缺失,或签的是另一个哈希",
    "it does not hold this case": "其中没有本个案",
    "it does not exist": "方案不存在",
    "one person approved it, and no standing approval of its rule is signed by two others": (
        "仅一人批准,且该规则没有另外两人签署的授权"
    ),
    "the package could not be read back": "归档包无法读回",
    "no receipt proves the notice": "尚无回执证明通知已送达",
    "no plan with this case is approved": "本个案尚无已批准的方案",
    "it has no slot of today": "今日未占用限额",
    "the finding was not confirmed today": "今日复核尚未确认",
    "no package is archived": "尚无归档包",
    "the limits in force leave no room": "现行限额已满",
    "its mandate allows no more today": "授权的今日数量已用尽",
    "the plan was rejected": "方案已被否决",
    "the mandate it was approved under was revoked": "批准所依据的授权已撤回",
    "the mandate it was approved under has ended": "批准所依据的授权已到期",
    "what is true of the asset today is not among the evidence that was signed": "今天成立的依据不在已签署的证据之列",
    "the package is no longer what was archived": "归档包与归档时不一致",
    "checks failed": "未通过的检查",
    "something in the package is no plain file": "归档包中有非普通文件",
    "the unit has no endpoint": "该单位没有登记通知地址",
    "no key of the unit is in force yet": "该单位尚无生效的密钥",
    "the unit's key has not been in force for long enough": "单位密钥生效时间尚短",
    "there is no proof": "没有证明",
    "its address is not public, or may not be called for this purpose": "该地址不是公网地址,或不得用于此目的",
    "it has failed too often and is left alone for a while": "该地址多次失败,暂停呼叫",
    "it was waited for no longer, so that an urgent order could go out": "为及时发出紧急指令,不再等待该地址",
    "too many calls to it are under way": "对该地址的呼叫过多",
    "it cannot be reached": "无法连接",
    "it did not answer in time": "未在时限内应答",
    "its address is no web address without a name or password": "地址须为不含用户名和密码的网址",
    "its answer could not be read": "应答无法读取",
    "the kill switch is on": "总开关已开启",
    "it is for another one": "所签的是另一个质询",
    "another key of the unit is in force": "该单位已启用另一把密钥",
    "its log cannot be read": "无法读取其日志",
    "it does not follow from the entry before it": "与前一条记录不相接",
    "its content is not what its hash covers": "内容与其哈希不符",
    "its row counts another number of entries than its log has": "个案行所记的条数与日志不符",
    "its row is not the one that its first entry opened": "个案行与立案时的记录不符",
    "the checkpoint that holds its head is missing": "记有其末条哈希的检查点缺失",
    "the checkpoint that holds its head is not what was signed": "记有其末条哈希的检查点与签名不符",
    "the row of its asset names another one than its id does": "对象行与其编号所指不是同一对象",
    "who set how its platform is stopped may not sign its plan": "设定该平台停用方式的人不得签署其方案",
    "who set or confirmed the unit's key may not sign its plan": "提交或确认过单位密钥的人不得签署其方案",
    "the evidence of a finding is not what its log recorded": "发现的证据与日志所记不符",
    "it is not the log whose head was signed": "日志与已签名的检查点不符",
    "its log is not the one that it was sealed with": "日志与封存方案时不符",
    "the asset's record changed after sealing": "封存后对象的登记已变更",
    "it has left the plan": "已移出方案",
    "the case has ended": "个案已终止",
    "the case was cancelled": "个案已撤销",
    "the finding is no longer true": "发现已不成立",
    "the unit keeps it": "单位保留",
    "who moved the case by hand may not sign its plan": "经手过本个案的人不得签署其方案",
    "who signed the plan of a case may not move it towards its stop": "签署过方案的人不得推动本个案走向停用",
}


def zh(why: str) -> str:
    """A reason in Chinese; what stands in no catalogue, such as a name or a number, stays as it is."""
    if why in CATALOGUE:
        return CATALOGUE[why]
    head, colon, tail = why.partition(": ")
    return f"{zh(head)}:{zh(tail)}" if colon else why


class Reasoned(DomainError):
    """A refusal whose `why` is told in the reader's language."""

    @property
    def text(self) -> Text:
        """The message; `why` is looked up in the catalogue."""
        why = str(self.params["why"])
        given = dict(self.params) | {"why": Text(zh(why), why)}
        return replace(self.says.format(**given), code=self.code, params=self.params)
