"""The smaller rules of the house: each sees a planted break caught and the real tree kept."""

from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture import clients, hints, instruments, migrations, plumbing, sizes, sqltext, terms, traces, words

# In pieces, or the lint that looks for it would find it here.
HOST = "https://files." + "python" + "hosted.org/packages/x.whl"
HOME = "/ho" + "me/somebody/jianfu"

PLANTED: list[tuple[ModuleType, str, str, str]] = [
    (sizes, "services/monitor/long.py", "x = 1\n" * 401, "401 lines"),
    (sizes, "services/monitor/helpers.py", "", "'helper'"),
    (sizes, "deploy/kafka_util.py", "", "'util'"),
    (sizes, "libs/common/base.py", "", "'base'"),
    (sizes, "services/registry/case_manager.py", "", "'manager'"),
    (plumbing, "libs/common/own.py", "import os", "no service"),
    (plumbing, "libs/common/db/pool.py", "import os", "no service"),
    (words, "libs/common/http/app.py", "def asset_path(): ...", "'asset'"),
    (words, "libs/common/http/app.py", "class OpenFindings: ...", "'finding'"),
    (words, "libs/common/http/app.py", "# the sponsor answers\n", "'sponsor'"),
    (words, "libs/common/http/app.py", 'TEXT = "关停备案"\n', "'备案'"),
    (words, "libs/common/http/app.py", "def show(unit): ...", "'unit'"),
    (words, "libs/common/http/app.py", 'NOTICE_SENT = f"a {kind} tombstone"', "'tombstone'"),
    (words, "libs/common/db/plumbing.sql", "create table open_cases (id uuid);", "'case'"),
    (terms, "services/monitor/x.py", 'summary="Cases 案件"', "'案件'"),
    (terms, "deploy/gateway/templates/x.html", "<h1>关停计划</h1>", "'计划'"),
    (terms, "README.zh-CN.md", "每日巡检", "'巡检'"),
    (traces, "docs/install.md", f"pip install {HOST}", "hosted.org"),
    (traces, "deploy/kafka.py", f'JARS = "{HOME}/jars"', "somebody"),
    (sqltext, "services/monitor/verdicts/store.py", 'Q = "select id\\n from day_usage"', "select id"),
    (sqltext, "services/monitor/verdicts/store.py", 'Q = f"INSERT INTO {table} VALUES (1)"', "INSERT INTO"),
    (sqltext, "services/monitor/verdicts/store.py", 'Q = "update job set done = true"', "update job"),
    (sqltext, "services/monitor/verdicts/store.py", 'Q = "delete from job"', "delete from"),
    (sqltext, "services/monitor/verdicts/store.py", 'Q = "truncate table job"', "truncate"),
    (clients, "examples/town/demo.py", "from libs.common.events import ids", "libs.common.events"),
    (clients, "examples/town/demo.py", "import services.registry.assets.domain as d", "services.registry"),
    (clients, "examples/town/demo.py", 'import importlib\nimportlib.import_module("deploy.cli.app")', "deploy.cli.app"),
    (hints, "deploy/x.py", 'TEXT = "see `jianfu status`"', "jianfu status"),
    (hints, "deploy/local/x.py", 'def say(n): return f"try `jianfu case show {n}` first"', "jianfu case show"),
    (instruments, "services/monitor/x.py", "from prometheus_client import Gauge", "Gauge"),
    (instruments, "libs/common/http/x.py", "import prometheus_client", "prometheus_client"),
    (instruments, "services/monitor/usage/x.py", "from libs.common.telemetry.instruments import counter", "counter"),
    (
        migrations,
        "services/registry/migrations/0002_slow.sql",
        "create table t (id bigint primary key, a text);\ncreate table u (id bigint primary key);\n"
        "alter table v add column b bigint not null;\nalter table v rename column c to d;",
        "adding-required-field",
    ),
]
INNOCENT: list[tuple[ModuleType, str, str]] = [
    (sizes, "services/monitor/sweeps/run.py", "x = 1\n" * 400),
    (sizes, "services/monitor/database.py", ""),
    (words, "libs/common/db/pool.py", "match kind:\n    case 1:\n        pass\n"),
    (words, "libs/common/db/pool.py", '"""One use case is one transaction."""'),
    (words, "libs/common/events/registry.py", "asset_id = 1"),
    (words, "libs/common/db/plumbing.sql", "select case when a then 1 else 2 end;"),
    (words, "services/registry/assets/domain.py", "asset_id = 1"),
    (terms, "services/registry/lists/words.py", 'PLANNED = "计划"'),
    (terms, "services/monitor/x.py", 'PLACE = "计划单列市"'),
    (traces, "docs/install.md", "see https://example.org/home/page and /tmp/data"),
    (
        sqltext,
        "services/monitor/verdicts/store.py",
        '"""Select what to delete from the sweep."""\nTEXT = "select a day"',
    ),
    (sqltext, "services/monitor/verdicts/queries.sql", "select id from day_usage;"),
    (hints, "deploy/x.py", '"""`jianfu up`: all parts."""\nTEXT = "run `jianfu fetch`, or `jianfu up --data DIR`"'),
    (instruments, "services/monitor/metrics.py", "from libs.common.telemetry.instruments import counter"),
    (instruments, "libs/common/http/status.py", "from prometheus_client import generate_latest"),
    (instruments, "services/monitor/x.py", "from collections import Counter"),
    (clients, "examples/town/demo.py", "import httpx\nfrom . import world\nimport town_services"),
]


@pytest.mark.parametrize(
    ("rule", "name", "text", "said"), PLANTED, ids=[f"{name} {said}" for _, name, _, said in PLANTED]
)
def test_a_planted_break_is_caught(tmp_path: Path, rule: ModuleType, name: str, text: str, said: str) -> None:
    plant(tmp_path, name, text)
    problems = rule.check(tmp_path)
    assert any(said in problem for problem in problems), problems
    assert any(name in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("rule", "name", "text"), INNOCENT, ids=[f"{name} {n}" for n, (_, name, _) in enumerate(INNOCENT)]
)
def test_what_only_looks_like_a_break_passes(tmp_path: Path, rule: ModuleType, name: str, text: str) -> None:
    plant(tmp_path, name, text)
    assert rule.check(tmp_path) == []


@pytest.mark.parametrize(
    "rule",
    [sizes, plumbing, words, terms, traces, sqltext, clients, hints, instruments, migrations],
    ids=lambda m: m.__name__,
)
def test_the_tree_keeps_the_rule(rule: ModuleType) -> None:
    assert rule.check() == []


def plant(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
