"""``drift``: one run of the nightly job, from the command line to the exit code."""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from diabetes_model import environment
from diabetes_model.drift import settings

if TYPE_CHECKING:
    from diabetes_model.drift.result import Result

add_arguments = settings.add_arguments
EXPECTED_ERRORS = (ValueError, RuntimeError, OSError)


@dataclass(frozen=True, slots=True)
class Progress:
    """Lines on stderr with the seconds since the start."""

    started: float = field(default_factory=time.monotonic)
    write: Callable[[str], object] = sys.stderr.write

    def __call__(self, what: str) -> None:
        """Says what was done."""
        self.write(f"drift: {time.monotonic() - self.started:6.2f} s  {what}\n")


def run(options: argparse.Namespace) -> int:
    """Compares, reports, and says the result; returns the exit code of ``result.Result``."""
    environment.pin()
    # Imports numeric libraries, which read the environment that was pinned.
    from diabetes_model.drift.result import Result  # noqa: PLC0415

    try:
        result = _judged(options)
    except EXPECTED_ERRORS as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        result = Result(note=reason, failed=True)
    if result.failed:
        sys.stderr.write(f"drift: {result.message}\n")
    _say(result.line(), settings.termination_log())
    return result.exit_code


def _judged(options: argparse.Namespace) -> "Result":
    say = Progress()
    from diabetes_model.drift import job  # noqa: PLC0415

    return job.run(settings.read(options), say)


def _say(line: str, termination_log: Path | None) -> None:
    sys.stdout.write(f"{line}\n")
    if termination_log is not None:
        termination_log.write_text(line)
