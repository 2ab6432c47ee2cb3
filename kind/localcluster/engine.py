"""A Docker engine: the one that runs, or Debian's, installed and started here."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from localcluster import capabilities, debian, shell, strategy
from localcluster.errors import SetupError
from localcluster.host import Host
from localcluster.paths import cache_root, log_dir
from localcluster.progress import Progress
from localcluster.strategy import EngineChoice

START_SECONDS = 60
RUNTIME_NAME = "runc-bounded"


def is_running() -> bool:
    """Whether a client is on PATH and its engine answers."""
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    return shell.succeeds(command, timeout=15)


def has_buildx() -> bool:
    """Whether the client can use BuildKit; Debian's cannot."""
    return shell.succeeds(["docker", "buildx", "version"])


def uses_cgroup_v1() -> bool:
    """Whether the engine's containers live in cgroup v1, which the kubelet must be told to accept."""
    says = shell.output(["docker", "info", "--format", "{{.CgroupVersion}}"]) or ""
    return says.strip() == "1"


def build_env() -> dict[str, str]:
    """What ``docker build`` needs in its environment with this client."""
    return {} if has_buildx() else {"DOCKER_BUILDKIT": "0"}


def ensure(host: Host, *, progress: Progress) -> None:
    """End with an engine that answers.

    Raises:
        SetupError: none runs and none can be started.
    """
    installed = shutil.which("dockerd") is not None
    choice = strategy.choose_engine(host, running=is_running(), installed=installed)
    if choice is EngineChoice.RUNNING:
        return
    if choice is EngineChoice.INSTALL:
        debian.install(["docker.io"], host=host, progress=progress)
    if not is_running():  # a package may start it by itself
        with progress.step("starting the Docker engine"):
            _start(host)


def stop_own() -> bool:
    """Stop the engine that ``ensure`` started; False when it started none that still runs."""
    try:
        pid = int(_pid_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    _pid_file().unlink()
    if not _is_dockerd(pid):
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + START_SECONDS
    while _is_dockerd(pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    return True


def _start(host: Host) -> None:
    if host.systemd:
        shell.run(["systemctl", "start", "docker"], log="dockerd")
        return
    _remove_stale_pid(Path("/var/run/docker.pid"))
    log = log_dir() / "dockerd.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as sink:
        engine = subprocess.Popen(
            ["dockerd", *_runtime_options(host)],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
        )
    _pid_file().write_text(str(engine.pid), encoding="utf-8")
    _wait_until_running(engine, log)


def _wait_until_running(engine: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_running():
        if engine.poll() is not None or time.monotonic() > deadline:
            raise SetupError(
                "the Docker engine does not start", hint=f"{shell.tail(log)}\nlog: {log}"
            )
        time.sleep(0.3)


def _runtime_options(host: Host) -> list[str]:
    """Options that make the engine's containers ask only for capabilities that there are.

    Without them ``docker run --privileged`` fails where the host withholds one from root.
    """
    if not host.missing_capabilities:
        return []
    return [
        f"--add-runtime={RUNTIME_NAME}={_install_wrapper()}",
        f"--default-runtime={RUNTIME_NAME}",
    ]


def _install_wrapper() -> Path:
    folder = cache_root() / "engine"
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "capabilities.py"
    shutil.copyfile(capabilities.__file__, script)
    wrapper = folder / RUNTIME_NAME
    interpreter = Path(sys.executable).resolve()
    wrapper.write_text(f'#!/bin/sh\nexec "{interpreter}" -I -S "{script}" "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    return wrapper


def _remove_stale_pid(path: Path) -> None:
    """After a crash the recorded process id can belong to another program, and blocks a start."""
    with suppress(OSError, ValueError):
        if not _is_dockerd(int(path.read_text(encoding="utf-8"))):
            path.unlink()


def _is_dockerd(pid: int) -> bool:
    try:
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return name == "dockerd" and state != "Z"


def _pid_file() -> Path:
    return cache_root() / "dockerd.pid"
