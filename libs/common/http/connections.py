"""Connections of strangers, bounded before a word of theirs is understood: how many, how slow, how large.

uvicorn gives a caller all the time in the world to send a request and to take an answer. Here the head has a
deadline, a body and an answer have a least rate, and there are only so many connections, by caller and in all.
"""

import json
import resource
from collections import Counter
from dataclasses import dataclass
from typing import Any

import h11
import structlog
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from libs.common.http import problems
from libs.common.telemetry import metrics
from libs.common.text import Text

log = structlog.get_logger()
FILES = 8192  # open files a server may need: each caller's connection, and as many onward
LINGER = 1.0  # seconds until a refused connection is closed for good; closed at once, the refusal might not arrive
DISCARDED = 32 * 1024 * 1024  # bytes read and thrown away of a body that was refused, so that the answer arrives
TEXTS = {
    400: Text("请求无法读取。", "The request cannot be read."),
    408: Text("请求发送过慢,连接已关闭。", "The request came too slowly; the connection is closed."),
    429: Text("来自此地址的连接过多。", "There are too many connections from this address."),
    503: Text("连接过多,请稍后重试。", "There are too many connections; retry shortly.", "unavailable"),
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one server takes. Times in seconds, rates in bytes per second.

    `per_caller` counts by the address that connects; None where all come from one, as from a proxy.
    """

    total: int = 2000
    per_caller: int | None = None
    head: float = 10.0
    grace: float = 10.0
    least_rate: int = 16 * 1024
    look_every: float = 1.0


class _Flow:
    """Whether bytes go at the least rate, seen from time to time; waiting that is not the caller's does not count."""

    def __init__(self) -> None:
        self.since: float | None = None
        self.moved = 0

    def begin(self, now: float) -> None:
        if self.since is None:
            self.since, self.moved = now, 0

    def end(self) -> None:
        self.since = None

    def excuse(self, seconds: float) -> None:
        if self.since is not None:
            self.since += seconds

    def too_slow(self, now: float, bounds: Bounds) -> bool:
        return self.since is not None and now - self.since > bounds.grace + self.moved / bounds.least_rate


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, within `bounds`; `protocol` makes the class for one server."""

    bounds: Bounds
    callers: Counter[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._refused = False
        self._head_since: float | None = None
        self._body, self._answer = _Flow(), _Flow()
        self._unsent = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._caller = self.client[0] if self.client else ""
        self.callers[self._caller] += 1
        bounds, held = self.bounds, len(self.connections)
        if held > 2 * bounds.total:  # even refusing costs a file
            self._cut("crowded")
        elif held > bounds.total:
            self._refuse(503, "crowded")
        elif bounds.per_caller is not None and self.callers[self._caller] > bounds.per_caller:
            self._refuse(429, "caller_crowds")
        else:
            self._head_since = self.loop.time()
            self.loop.call_later(bounds.look_every, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self.callers[self._caller] -= 1
        if not self.callers[self._caller]:
            del self.callers[self._caller]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._head_since is None and self.conn.their_state is h11.IDLE:
            self._head_since = self.loop.time()
        self._body.moved += len(data)
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._head_since = None
        if self.conn.their_state is h11.SEND_BODY:
            self._body.begin(self.loop.time())
        else:
            self._body.end()

    def resume_writing(self) -> None:
        self._answer.end()  # what was written went out: whatever follows has its own time
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """In place of uvicorn's, which is no problem+json and fails while an answer is under way."""
        self._refuse(400, "unreadable")

    def _look(self) -> None:
        """Cut what is too slow; runs every `look_every` seconds while the connection lives."""
        if self not in self.connections or self._refused:
            return
        now, bounds = self.loop.time(), self.bounds
        if self._head_since is not None and now - self._head_since > bounds.head:
            self._refuse(408, "slow_head")
            return
        if self.flow.read_paused:  # we do not read: the caller can send no faster
            self._body.excuse(bounds.look_every)
        if self._body.too_slow(now, bounds):
            self._refuse(408, "slow_body")
            return
        if self.conn.our_state is h11.DONE and self._body.moved > DISCARDED:
            self._cut("endless_body")
            return
        unsent = self.transport.get_write_buffer_size()
        if unsent:
            self._answer.begin(now)
            self._answer.moved += max(0, self._unsent - unsent)
        else:
            self._answer.end()
        self._unsent = unsent
        if self._answer.too_slow(now, bounds):
            self._cut("slow_reader")
            return
        self.loop.call_later(bounds.look_every, self._look)

    def _refuse(self, status: int, reason: str) -> None:
        """Say why where an answer can still be begun, then close."""
        self._refused = True
        self._unset_keepalive_if_required()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # whoever works on the request learns that nobody waits
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self._cut(reason)
            return
        metrics.CONNECTIONS_CUT.labels(reason).inc()
        body = json.dumps(problems.content(status, TEXTS[status])).encode()
        headers = [
            (b"content-type", problems.PROBLEM.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        if status in (429, 503):
            headers.append((b"retry-after", b"1"))
        answer = h11.Response(status_code=status, headers=headers, reason=STATUS_PHRASES[status])
        for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.flow.resume_reading()  # and throws it away: closed over unread bytes, the answer would be lost
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.abort)

    def _cut(self, reason: str) -> None:
        metrics.CONNECTIONS_CUT.labels(reason).inc()
        self._refused = True
        self.transport.abort()


def protocol(bounds: Bounds) -> type[BoundedProtocol]:
    """The class for one server, which counts its own callers."""
    return type("BoundedProtocol", (BoundedProtocol,), {"bounds": bounds, "callers": Counter()})


def allow_files() -> None:
    """Raise this process's limit of open files to what its connections may need, as far as the system permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
