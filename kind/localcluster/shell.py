"""Running other programs: output captured or logged, never lost when something fails."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from localcluster.errors import SetupError
from localcluster.paths import log_dir

TAIL_LINES = 15


def output(command: Sequence[str], *, timeout: float = 60, cwd: Path | None = None) -> str | None:
    """What ``command`` prints, or None when it is missing, fails or takes too long."""
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=timeout, cwd=cwd
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def succeeds(command: Sequence[str], *, timeout: float = 60) -> bool:
    """Whether ``command`` exists and ends with status 0 in time."""
    return output(command, timeout=timeout) is not None


def run(
    command: Sequence[str],
    *,
    log: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    text: str | None = None,
) -> None:
    """Run ``command`` with its output appended to ``<log_dir>/<log>.log``.

    Args:
        command: program and arguments.
        log: name of the log file.
        cwd: folder to run in.
        env: variables to add to the environment.
        text: standard input.

    Raises:
        SetupError: it failed; the hint shows the end of its output.
    """
    log_dir().mkdir(parents=True, exist_ok=True)
    path = log_dir() / f"{log}.log"
    with path.open("a", encoding="utf-8") as sink:
        sink.write(f"$ {' '.join(command)}\n")
        sink.flush()
        try:
            done = subprocess.run(
                command,
                check=False,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                input=text,
                stdin=subprocess.DEVNULL if text is None else None,
                text=True,
            )
        except OSError as problem:
            raise SetupError(f"{command[0]}: {problem}", hint=f"log: {path}") from problem
    if done.returncode != 0:
        shown = " ".join(command)[:200]
        raise SetupError(f"`{shown}` failed ({done.returncode})", hint=f"{tail(path)}\nlog: {path}")


def tail(path: Path) -> str:
    """The last lines of a log, for an error message."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-TAIL_LINES:])
