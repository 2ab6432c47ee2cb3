"""What is being done, for how long, and how much is left: one line per step, on stderr."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HEARTBEAT_SECONDS = 20.0
WORTH_AN_ESTIMATE = 10


def duration_text(seconds: float) -> str:
    """``8 s``, ``2 min``, ``2 min 5 s``: whole seconds, for people."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def start_text(what: str, expected: float) -> str:
    """The line at the start of a step that takes about ``expected`` seconds."""
    if expected < WORTH_AN_ESTIMATE:
        return f"{what} ..."
    return f"{what} (about {duration_text(expected)}) ..."


def heartbeat_text(what: str, elapsed: float, expected: float) -> str:
    """The line while a long step runs."""
    if elapsed <= expected:
        return f"{what}: {duration_text(elapsed)} of about {duration_text(expected)}"
    return f"{what}: {duration_text(elapsed)}, expected {duration_text(expected)}; still running"


def end_text(what: str, elapsed: float, left: float) -> str:
    """The line at the end of a step, with what the steps still to come are expected to take."""
    rest = f"; about {duration_text(left)} left" if left >= WORTH_AN_ESTIMATE else ""
    return f"{what}: done in {duration_text(elapsed)}{rest}"


class Progress:
    """Writes the lines; safe to use from several threads."""

    def __init__(self, write: Callable[[str], object] = sys.stderr.write) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._left = 0.0

    def plan(self, seconds: float) -> None:
        """Add to the time that is expected to lie ahead."""
        with self._lock:
            self._left += seconds

    def say(self, text: str) -> None:
        """Write one line, with the time since the start of the run."""
        with self._lock:
            self._write(f"[{time.monotonic() - self._started:5.0f}s] {text}\n")

    @contextmanager
    def step(self, what: str, *, expected: float = 0.0, planned: bool = False) -> Iterator[None]:
        """Announce a step, show that it is alive, and say how long it took.

        Args:
            what: the step, as it should read.
            expected: seconds on two cores with nothing cached.
            planned: ``expected`` was given to ``plan`` before.
        """
        began = time.monotonic()
        self.say(start_text(what, expected))
        done = threading.Event()
        beat = threading.Thread(target=self._beat, args=(what, expected, done), daemon=True)
        beat.start()
        try:
            yield
        finally:
            done.set()
            beat.join()
        if planned:
            self.plan(-expected)
        self.say(end_text(what, time.monotonic() - began, self._left))

    def _beat(self, what: str, expected: float, done: threading.Event) -> None:
        began = time.monotonic()
        while not done.wait(HEARTBEAT_SECONDS):
            self.say(heartbeat_text(what, time.monotonic() - began, expected))
