"""Logs, traces and metrics, set up once per process; so each test here is a process."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SCRIPT = """
import sys, structlog
from opentelemetry import trace
from libs.common.telemetry import logs, traces

logs.set_up("registry", level="info")
traces.set_up("registry", to=sys.argv[1])
log = structlog.get_logger()
log.debug("unseen")
with traces.consuming("first", None, {"event.id": "1"}):
    cause = traces.traceparent()
    log.info("inside", name="单位")
with traces.consuming("second", cause, {}):
    with traces.linked("later", [cause, None], {}):
        pass
def fails(token):
    raise KeyError("what")
try:
    fails("a-token-nobody-may-read")
except KeyError:
    log.exception("failed")
assert traces.traceparent() is None
trace_provider = trace.get_tracer_provider()
if hasattr(trace_provider, "shutdown"):
    trace_provider.shutdown()
"""


def run(traces: str) -> list[dict[str, Any]]:
    """The log lines of a process that did some traced work."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, traces], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_spans_say_what_caused_them(tmp_path: Path) -> None:
    """A consumer's span is a child of its cause; what resumes later is a trace of its own, linked to it."""
    file = tmp_path / "spans.jsonl"
    run(f"file:{file}")
    spans = {span["name"]: span for span in map(json.loads, file.read_text().splitlines())}
    first, second, later = (spans[name] for name in ("first", "second", "later"))
    assert first["parent_id"] is None
    assert first["attributes"] == {"event.id": "1"}
    assert first["resource"]["attributes"]["service.name"] == "jianfu-registry"
    assert second["parent_id"] == first["context"]["span_id"]
    assert second["context"]["trace_id"] == first["context"]["trace_id"]
    assert later["parent_id"] is None
    assert later["context"]["trace_id"] != first["context"]["trace_id"]
    assert [link["context"]["span_id"] for link in later["links"]] == [first["context"]["span_id"]]


def test_logs_are_json_with_the_trace_and_without_secrets(tmp_path: Path) -> None:
    """One event a line, Chinese readable, the service named; a token in a local variable is not told."""
    file = tmp_path / "spans.jsonl"
    lines = run(f"file:{file}")
    assert [line["event"] for line in lines] == ["inside", "failed"]
    inside, failed = lines
    assert (inside["service"], inside["name"], inside["level"]) == ("registry", "单位", "info")
    spans = [json.loads(line) for line in file.read_text().splitlines()]
    assert f"0x{inside['trace_id']}" == next(s for s in spans if s["name"] == "first")["context"]["trace_id"]
    assert "KeyError" in json.dumps(failed)
    assert "nobody-may-read" not in json.dumps(failed)


def test_without_traces_nothing_is_written() -> None:
    """Off by default, and the code is the same."""
    assert [line["event"] for line in run("off")] == ["inside", "failed"]
