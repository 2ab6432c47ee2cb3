"""Containers of the Docker engine: started with as few rights as in a cluster, and always removed."""

import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reproduce.errors import ReproduceError

PORT = 8080
READY_SECONDS = 90.0
TIMEOUT_SECONDS = 300.0
LABEL = "dev.davylamp.reproduce=true"
RESTRICTED = (
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges:true",
)


@dataclass(frozen=True, slots=True)
class Container:
    """A container by its id."""

    id: str

    def address(self) -> str:
        """Where its port is on this machine."""
        lines = docker("port", self.id, f"{PORT}/tcp").splitlines()
        return f"http://{lines[0]}"

    def copy_out(self, path: str, target: Path) -> Path:
        """Copies a folder of the container, whether it runs or has ended."""
        docker("cp", f"{self.id}:{path}", str(target))
        return target

    def wait_until(self, path: str) -> None:
        """Ends when it answers 200 there.

        Raises:
            ReproduceError: it ended, or did not answer in time.
        """
        deadline = time.monotonic() + READY_SECONDS
        while not _answers(self.address() + path):
            if time.monotonic() > deadline or not self._runs():
                raise ReproduceError(f"the container does not answer {path}: {self.says()}")
            time.sleep(0.1)

    def run(self) -> None:
        """Starts it and waits for its end.

        Raises:
            ReproduceError: its exit code is not 0.
        """
        docker("start", self.id)
        code = docker("wait", self.id)
        if code != "0":
            raise ReproduceError(f"the container ended with {code}: {self.says()}")

    def says(self) -> str:
        """The end of what it printed."""
        done = _docker("logs", "--tail=10", self.id)
        return (done.stdout + done.stderr).strip()

    def _runs(self) -> bool:
        return docker("inspect", "--format={{.State.Running}}", self.id) == "true"


@contextmanager
def created(image: str, arguments: Sequence[str], *options: str) -> Iterator[Container]:
    """A container that was not started yet; removed at the end, with its volumes."""
    container = Container(
        docker("create", f"--label={LABEL}", *RESTRICTED, *options, image, *arguments)
    )
    try:
        yield container
    finally:
        _docker("rm", "--force", "--volumes", container.id)


@contextmanager
def serving(image: str, arguments: Sequence[str], path: str, *options: str) -> Iterator[Container]:
    """A container that answers 200 on ``path``, on a free port of the loopback interface."""
    with created(image, arguments, f"--publish=127.0.0.1::{PORT}", *options) as container:
        docker("start", container.id)
        container.wait_until(path)
        yield container


def docker(*words: str) -> str:
    """What the command prints.

    Raises:
        ReproduceError: it failed, or there is no such program.
    """
    done = _docker(*words)
    if done.returncode:
        raise ReproduceError(f"docker {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _docker(*words: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            ["docker", *words], capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReproduceError(f"docker {words[0]}: {error}") from error


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False
