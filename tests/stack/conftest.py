"""The sample model on this machine, by the commands that the README names. Needs Docker."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shell() -> Callable[[str], "subprocess.CompletedProcess[str]"]:
    """A command line as somebody types it in the checkout."""

    def run(line: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False, timeout=840
        )

    return run
