"""The output of a training run: a log without times for the record, and progress for the terminal."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Write = Callable[[str], object]


def _nowhere(_text: str) -> None:
    """Says nothing."""


@dataclass(frozen=True)
class TrainingLog:
    """Lines that depend on nothing but the input, and stages with the seconds since the start."""

    out: Write = _nowhere
    progress: Write = _nowhere
    clock: Callable[[], float] = time.monotonic
    lines: list[str] = field(default_factory=list)
    _begun: list[float] = field(default_factory=list)

    @classmethod
    def on_terminal(cls) -> "TrainingLog":
        """Log on stdout, progress on stderr."""
        log = cls(sys.stdout.write, sys.stderr.write)
        log.begin()
        return log

    def begin(self) -> None:
        """Starts the clock, once."""
        if not self._begun:
            self._begun.append(self.clock())

    def seconds(self) -> float:
        """Since the start."""
        self.begin()
        return self.clock() - self._begun[0]

    def say(self, line: str) -> None:
        """One line for the record."""
        self.lines.append(line)
        self.out(f"{line}\n")

    def stage(self, what: str) -> None:
        """One line for whoever waits."""
        self.progress(f"train: {self.seconds():6.2f} s  {what}\n")

    def write(self, path: Path) -> None:
        """The record as a file: what was printed."""
        path.write_text("".join(f"{line}\n" for line in self.lines))
