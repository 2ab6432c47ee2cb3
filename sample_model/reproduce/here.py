"""The model's command line on this machine, in this interpreter's environment."""

import os
import subprocess
import sys
from collections.abc import Sequence

from reproduce.errors import ReproduceError
from reproduce.subject import SAMPLE_MODEL

TIMEOUT_SECONDS = 300.0


def attempt(arguments: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Runs a command, whatever comes of it."""
    return subprocess.run(
        [sys.executable, "-m", "diabetes_model", *arguments],
        cwd=SAMPLE_MODEL,
        env={**os.environ, "PYTHONPATH": str(SAMPLE_MODEL)},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )


def run(arguments: Sequence[str]) -> None:
    """Runs a command.

    Raises:
        ReproduceError: it failed.
    """
    done = attempt(arguments)
    if done.returncode:
        raise ReproduceError(f"{arguments[0]}: {done.stderr.strip()}")
