"""Letters in the form in which words are compared. Pure."""

import unicodedata

# The characters of the other Chinese script in the words that lists use; names keep theirs.
_SIMPLE = str.maketrans(
    "無沒暫號賬帳戶開設見詳認證註冊備補連結網關閉請掃碼點擊銷眾訂閱頻視紅書嗶蘋應釘飛華為榮騰訊頭條組體運營廢終門與單碼聯繫確終離線鏈臺辦稱類態語種狀屬",
    "无没暂号账账户开设见详认证注册备补连结网关闭请扫码点击销众订阅频视红书哔苹应钉飞华为荣腾讯头条组体运营废终门与单码联系确终离线链台办称类态语种状属",
)


def lowered(text: str) -> str:
    """In small letters, each by itself; ß stays ß and ς stays ς, which full case folding makes ss and σ."""
    return unicodedata.normalize("NFC", "".join(char.lower() for char in unicodedata.normalize("NFC", text)))


def simple(text: str) -> str:
    """A word of a list as it is compared: NFKC, small letters, simple characters, no blanks around it."""
    return lowered(unicodedata.normalize("NFKC", text)).strip().translate(_SIMPLE)
