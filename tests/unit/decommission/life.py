"""A case's life on paper: the pure functions alone, with the outside played by whoever calls."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from libs.common.security import signing
from services.decommission.cases import chain, next_move, states, transitions
from services.decommission.cases.case import Progress
from services.decommission.cases.chain import Entry
from services.decommission.cases.domain import IllegalEntry
from services.decommission.cases.entries.table import fold
from services.decommission.limits.domain import Windows
from services.decommission.routes.route import Route
from services.decommission.routes.table import FIRST

ZONE = ZoneInfo("Asia/Shanghai")
BY_PEOPLE = ("answered", "held", "released", "resumed", "cancelled", "restore_asked")
START = datetime(2025, 6, 2, 4, tzinfo=UTC)
SHORT = Windows(
    answer_days=2,
    announce_days=3,
    verify_days=2,
    restore_days=2,
    notice_retry_days=1,
    notice_attempts=2,
    min_answer_days=1,
)


def key_of(since: datetime, **changes: Any) -> dict[str, Any]:
    """A unit's key as a log names it: one has set it, another confirmed it, in force since then."""
    by = {"set_by": "issuer|oscar", "confirmed_by": "issuer|rita"}
    at = dict.fromkeys(("set_at", "proved_at", "confirmed_at", "in_force_from"), since.isoformat())
    return {"thumbprint": "k", **by, **at, **changes}


class Life:
    """A log, the instant, and what a well-behaved executor would write for each step."""

    def __init__(
        self, windows: Windows = SHORT, *, zone: ZoneInfo = ZONE, start: datetime = START, route: Route = FIRST
    ) -> None:
        self.windows, self.zone = windows, zone
        self.now = start
        self.log: list[Entry] = []
        self.keys = 0
        self.replied: set[str] = set()
        self.add("opened", finding_id="f", rule="C15", evidence_sha256="e", route=route.pinned)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def p(self) -> Progress:
        return fold(self.log, self.windows, self.zone)

    @property
    def state(self) -> str:
        return states.state_of(self.p)

    @property
    def move(self) -> next_move.Move:
        return next_move.next_move(self.p, self.now, self.zone)

    def add(self, kind: str, **data: Any) -> None:
        """One more entry. Raises IllegalEntry."""
        transitions.check(self.p, kind)
        self.log.append(chain.link(self.log, at=self.now, actor=self.actor(kind), kind=kind, data=data))

    def actor(self, kind: str) -> str:
        """Who writes an entry: what people decide somebody, all else the service, and the end of a hold when it is."""
        by_hand = kind in BY_PEOPLE and not (kind == "released" and self.move == next_move.Do("release"))
        return "test" if by_hand else "jianfu"

    def may(self, kind: str, **data: Any) -> bool:
        """Add an entry where it is legal; whether it was."""
        try:
            self.add(kind, **data)
        except IllegalEntry:
            return False
        return True

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.log]

    def begin(self, step: str) -> None:
        """Written down before acting; a repeat after a crash writes nothing new."""
        if step not in self.p.pending:
            self.keys += 1
            more = {"unit_key": "k"} if step == "notice" else {}
            self.add(f"{step}_started", key=f"{step}-{self.keys}", **more)

    def do(self, outcome: str = "well") -> str | None:
        """Perform the step proposed, with this outcome of the outside; its name, or None when none was."""
        move = self.move
        if isinstance(move, next_move.NeedsPerson) and self.p.person is None:
            self.add("needs_person", why=move.why)
        if not isinstance(move, next_move.Do):
            return None
        getattr(self, f"_{move.step}")(outcome)
        return move.step

    def _notice(self, outcome: str) -> None:
        self.begin("notice")
        if outcome == "well":
            since = self.now - timedelta(days=self.windows.key_age_days)
            self.add("noticed", notice_sha256="n", unit_id="u", received_on="d", receipt_sha256="r", key=key_of(since))
        elif outcome == "refused":
            self.add("undelivered", why="HTTP 500", attempt=self.p.delivery.attempts + 1)

    def _announce(self, _: str) -> None:
        key = self.p.notice_key
        self.add("announced", **({} if key is None else {"notice_key": key}))

    def _archive(self, outcome: str) -> None:
        self.begin("archive")
        if outcome == "well":
            self.add("archived", sha256="a")
        elif outcome == "refused":
            self.add("archive_failed", why="disk")

    def _reserve(self, outcome: str) -> None:
        self.add("slot_missed" if outcome == "refused" else "slot_reserved", day=self.today.isoformat())

    def _ask(self, _: str) -> None:
        self.add("recheck_asked", request_id=f"q-{self.today}", day=self.today.isoformat())

    def _stop(self, outcome: str) -> None:
        self.begin("stop")
        if outcome == "well":
            self.add("stop_accepted", status=200)
        elif outcome == "refused":
            self.add("stop_failed", why="HTTP 409")
        elif outcome == "unclear":
            self.add("stop_unanswered", why="ReadTimeout")

    def _restore(self, outcome: str) -> None:
        self.begin("restore")
        if outcome == "well":
            self.add("restore_accepted", status=200)
        elif outcome == "refused":
            self.add("restore_failed", why="HTTP 409")
        elif outcome == "unclear":
            self.add("restore_unanswered", why="ReadTimeout")
        elif outcome == "gave way":
            kind = "restore_unanswered" if len(self.log) % 2 else "restore_failed"
            self.add(kind, why="for another", until=(self.now + timedelta(minutes=1)).isoformat())

    def _probe(self, outcome: str) -> None:
        gone = self.state != "restoring"
        seen = {"well": "gone" if gone else "alive", "refused": "alive" if gone else "gone"}.get(outcome, "unclear")
        status = {"gone": 404, "alive": 200, "unclear": 503}[seen]
        self.add("probed", day=self.today.isoformat(), result=seen, status=status, error=None)

    def _finish_restore(self, _: str) -> None:
        if self.p.cancelled is not None:
            self.add("ended", outcome="cancelled", reason=self.p.cancelled)
        elif self.p.restore.reason is not None:
            self.add("restored", reason=self.p.restore.reason)
        else:
            self.add("ended", outcome="refuted", reason="no longer true")

    def _dispose(self, _: str) -> None:
        self.add("disposed", day=self.today.isoformat())

    def _close(self, _: str) -> None:
        self.add("closed")

    def _release(self, _: str) -> None:
        self.add("released", reason="the hold has ended")

    def _end(self, _: str) -> None:
        p = self.p
        outcome = "cancelled" if p.cancelled is not None else "refuted" if p.refuted else "kept"
        self.add("ended", outcome=outcome, reason="")

    # --- the others

    def reply(self, verdict: str) -> bool:
        """The monitor's answer to today's question, as the use case takes it."""
        p = self.p
        if p.recheck.request_id != f"q-{self.today}" or p.recheck.request_id in self.replied or p.stop.at is not None:
            return False
        self.replied.add(p.recheck.request_id)
        return self.may(verdict, request_id=p.recheck.request_id)

    def seal(self) -> bool:
        """The day's plan takes the case in."""
        if not isinstance(self.move, next_move.Plan):
            return False
        self.add("planned", plan_id="p", plan_sha256="s")
        return True

    def approve(self) -> bool:
        return self.may("approved", plan_id="p", plan_sha256="s", approvers=["ada", "bo"])

    def part(self) -> bool:
        """The next thing that the executor, the sealer or the signers would do; whether there was one."""
        return bool(self.do() or self.seal() or (self.state == "planned" and self.approve()))

    def settle(self, verdict: str = "confirmed") -> None:
        """Everybody does his part until nothing more happens today."""
        for _ in range(60):
            if self.move == next_move.Done():
                return
            if not self.part() and (self.p.hold is not None or not self.reply(verdict)):
                return
        raise AssertionError(f"no rest: {self.kinds()[-8:]}")

    def days(self, until: str, *, most: int = 60) -> None:
        """Well-behaved days until a state is reached."""
        for _ in range(most):
            self.settle()
            if self.state == until:
                return
            self.morrow()
        raise AssertionError(f"{self.state}, never {until}: {self.kinds()}")

    def reach(self, state: str) -> "Life":
        """Step by step until the case stands in a state."""
        for _ in range(400):
            if self.state == state:
                return self
            if not self.part() and not self.reply("confirmed"):
                self.morrow()
        raise AssertionError(f"{self.state}, never {state}: {self.kinds()}")

    def morrow(self) -> None:
        """Noon of the next business day."""
        self.now = datetime.combine(self.today + timedelta(days=1), time(12), self.zone).astimezone(UTC)


def exported(log: list[Entry]) -> list[dict[str, Any]]:
    """The log as a case file holds it."""
    return [entry.content() | {"sha256": entry.sha256} for entry in log]


def rehash(file: dict[str, Any]) -> None:
    """What a forger can do by himself: every hash of the chain anew."""
    previous = chain.GENESIS
    for seq, entry in enumerate(file["log"], start=1):
        entry["seq"], entry["previous"] = seq, previous
        content = {key: entry[key] for key in ("seq", "at", "actor", "kind", "data", "previous")}
        entry["sha256"] = previous = signing.sha256(signing.canonical(content))
