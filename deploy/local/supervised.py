"""A process that is started again when it ends, and given up when it cannot start."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local import subprocesses
from deploy.terminal import StackError, say

ROOT = Path(__file__).parents[2]
YOUNG = 10.0  # seconds; what ends by its own fault sooner after its start did not really start
FAULTS = 5


@dataclass
class Service:
    """One child, how often it failed in a row, and when it may start again. Times are monotonic seconds."""

    name: str
    command: Sequence[str]
    port: int
    log: Path
    env: dict[str, str]
    child: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    faults: int = 0
    again_at: float = 0.0

    def start(self, now: float) -> None:
        self.child = subprocesses.spawn([sys.executable, *self.command], log=self.log, env=self.env, cwd=ROOT)
        self.started = now

    @property
    def pid(self) -> int:
        return self.child.pid if self.child is not None else 0

    def look(self, now: float) -> bool:
        """Start it again if it has ended and its pause is over; True when it has a new pid.

        A kill from outside is no fault of its own, so crash tests may go on for ever. Raises StackError with the
        log's end after five failures in a row.
        """
        if self.child is not None and subprocesses.ended(self.child):
            self._fell(self.child.returncode, now)
        if self.child is None and now >= self.again_at:
            self.start(now)
            return True
        return False

    def _fell(self, code: int, now: float) -> None:
        lived = now - self.started
        self.child = None
        killed = code == -signal.SIGKILL
        self.faults = self.faults + 1 if lived < YOUNG and not killed else 0
        if self.faults >= FAULTS:
            raise StackError(f"{self.name} cannot start; the end of {self.log}:\n{subprocesses.tail(self.log)}")
        pause = min(0.2 * 2**self.faults, 3.0) if self.faults else 0.0
        self.again_at = now + pause
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        say(f"{self.name} {how}; starting it again" + (f" in {pause:.1f} s" if pause else ""))

    def ask_to_end(self) -> None:
        if self.child is not None and not subprocesses.ended(self.child):
            self.child.send_signal(signal.SIGTERM)

    def end(self, seconds: float) -> None:
        """Wait for its end, and insist after the time given."""
        if not subprocesses.stop(self.child, signal.SIGTERM, seconds):
            say(f"{self.name} did not end within {seconds:.0f} s and was killed; see {self.log}")
