"""What lists say in words: kinds, whether something runs, and cells that say nothing."""

import pytest

from libs.common.errors import Invalid
from services.registry.lists.words import has_ended, kind_of, stated


@pytest.mark.parametrize(
    "text",
    [
        "已注销",
        "注销",
        "已关停",
        "关停",
        "已关停注销",
        "已关闭",
        "已停用",
        "已下线",
        "已删除",
        "已解散",
        "已于2023年6月注销",
        "已依法注销",
        "注销(2023年)",
        "Closed",
        "deleted",
        " ARCHIVED ",
        "offline",
        "已自行关停、注销",
    ],
)
def test_what_a_list_calls_closed_has_ended(text: str) -> None:
    assert has_ended(text)


@pytest.mark.parametrize("text", ["", "正常", "在用", "运行中", "正常运行", "Active", "online", "正常(试运行)"])
def test_what_a_list_says_nothing_of_or_calls_running_has_not(text: str) -> None:
    assert not has_ended(text)


@pytest.mark.parametrize(
    "text", ["未注销", "待注销", "拟关停", "注销中", "停更", "暂停", "suspended", "是", "1", "已注销?", "不明"]
)
def test_what_lies_between_is_for_a_person_and_taken_for_neither(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        has_ended(text)
    assert refused.value.field == "running"


@pytest.mark.parametrize(
    ("text", "platform", "kind"),
    [
        ("", "微博", "account"),
        ("", "QQ群", "group"),
        ("", "微信群", "group"),
        ("", "钉钉群组", "group"),
        ("", "微信小程序", "app"),
        ("", "iOS", "app"),
        ("", "Google Play", "app"),
        ("", "华为应用市场", "app"),
        ("", "应用宝", "app"),
        ("", "安卓", "app"),
        ("APP", "应用宝", "app"),
        ("应用", "web", "app"),
        ("群", "微信", "group"),
        ("工作群组", "钉钉", "group"),
        ("订阅号", "微信", "account"),
        ("Group", "slack", "group"),
        ("政务 APP", "web", "app"),
    ],
)
def test_a_kind_is_what_its_column_says_else_what_the_platform_does(text: str, platform: str, kind: str) -> None:
    assert kind_of(text, platform) == kind


@pytest.mark.parametrize(
    ("text", "platform"), [("topic", "slack"), ("账号", "微信群"), ("群", "iOS"), ("其他", "微博")]
)
def test_a_kind_that_is_none_or_disagrees_with_its_platform_is_refused(text: str, platform: str) -> None:
    with pytest.raises(Invalid) as refused:
        kind_of(text, platform)
    assert refused.value.field == "kind"


@pytest.mark.parametrize("text", ["同上", "〃", "#N/A", "#REF!", "Ditto"])
def test_a_cell_that_points_elsewhere_states_nothing_even_where_nothing_is_needed(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        stated("code", text, needed=False)
    assert refused.value.field == "code"


def test_nothing_may_be_stated_only_where_nothing_is_needed() -> None:
    for text in ("无", "-", "N/A", "见附件"):
        assert stated("opened_on", text, needed=False) == ""
        with pytest.raises(Invalid):
            stated("unit", text, needed=True)
    assert stated("unit", "办公厅", needed=True) == "办公厅"
