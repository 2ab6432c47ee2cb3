"""The sample model with its feature store on this machine: ``compose.yaml``, up until it answers."""

import json
import os
import shlex
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from localcluster import compose, engine, images, shell
from localcluster.errors import SetupError
from localcluster.host import Host
from localcluster.paths import KIND_DIR
from localcluster.progress import Progress

ROOT = KIND_DIR.parent
SETTINGS = ROOT / ".env"
RELEASE = "v1"
REPOSITORY = "davylamp/diabetes-risk"
PROJECT = "davylamp-stack"
SELECTED = ("--project-name", PROJECT)  # also where the file of settings is not there
READY_SECONDS = 120.0
PORTS = {"DAVYLAMP_API_PORT": "8080", "DAVYLAMP_FEATURE_STORE_PORT": "8081"}
OURS = "# Written by `make stack`, which overwrites it every time."
LOG = "stack"


def up(host: Host, *, progress: Progress) -> None:
    """Start it and wait until the model answers.

    Raises:
        SetupError: something is missing, a training run failed, or the model does not answer.
    """
    engine.ensure(host, progress=progress)
    command = (*compose.ensure(host, progress=progress), *SELECTED)
    base = images.python_base(host, progress=progress)
    with progress.step("building the sample model's images", expected=90):
        tag = _built(base)
    values = settings(tag, _labels(f"{REPOSITORY}:{tag}"), os.environ)
    write_settings(SETTINGS, values)
    with progress.step("starting the feature store, training, serving", expected=20):
        _start(command)
        _wait_until_ready(command, int(values["DAVYLAMP_API_PORT"]))
    progress.say(f"the model answers: http://127.0.0.1:{values['DAVYLAMP_API_PORT']}/docs")


def down() -> None:
    """Remove it with its volume and settings; nothing to do where there is no compose."""
    command = compose.find()
    if command is not None and engine.is_running():
        down = [*command, *SELECTED, "down", "--volumes", "--remove-orphans"]
        shell.run(down, log=LOG, cwd=ROOT)
    if _is_ours(SETTINGS):
        SETTINGS.unlink()


def settings(tag: str, labels: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of ``compose.yaml``: what the image says about itself, and the ports.

    Args:
        tag: of both images.
        labels: of the serving image.
        environ: may name other ports.
    """
    base = labels.get("org.opencontainers.image.base.name", "unknown")
    digest = labels.get("org.opencontainers.image.base.digest")
    return {
        "COMPOSE_PROJECT_NAME": PROJECT,
        "DAVYLAMP_TAG": tag,
        "DAVYLAMP_COMMIT": labels.get("org.opencontainers.image.revision", "unknown"),
        "DAVYLAMP_BASE": f"{base}@{digest}" if digest else base,
        "DAVYLAMP_DIRTY": "--dirty" if labels.get("dev.davylamp.dirty") == "true" else "",
        **{name: environ.get(name) or port for name, port in PORTS.items()},
    }


def write_settings(path: Path, values: Mapping[str, str]) -> None:
    """Write the file that compose reads by itself, so that plain commands mean the same stack.

    Raises:
        SetupError: the file exists and was not written here.
    """
    if path.exists() and not _is_ours(path):
        raise SetupError(
            f"{path.name} was not written by `make stack`",
            hint="Move it away: Compose would read it.",
        )
    lines = [OURS, *(f"{name}={value}" for name, value in values.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _is_ours(path: Path) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8").startswith(OURS)


def _built(base: str) -> str:
    """The tag that the images were built as."""
    with tempfile.TemporaryDirectory() as folder:
        tags_file = Path(folder) / "tags"
        command = [sys.executable, "sample_model/build.py", "--base-image", base]
        shell.run([*command, "--tags", str(tags_file), RELEASE], log="sample-images", cwd=ROOT)
        return tags_file.read_text(encoding="utf-8").strip().partition("=")[2]


def _labels(image: str) -> dict[str, str]:
    command = ["docker", "image", "inspect", "--format", "{{json .Config.Labels}}", image]
    return json.loads(shell.output(command) or "null") or {}


def _start(command: Sequence[str]) -> None:
    """``up`` waits for the training run, and fails with it."""
    try:
        shell.run([*command, "up", "--detach", "--remove-orphans"], log=LOG, cwd=ROOT)
    except SetupError as problem:
        raise SetupError(
            str(problem), hint=f"{problem.hint}\n{_last_log_lines(command)}\n{_port_hint()}"
        ) from problem


def _wait_until_ready(command: Sequence[str], port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(f"http://127.0.0.1:{port}/readyz"):
        if time.monotonic() > deadline:
            raise SetupError("the model does not answer", hint=_last_log_lines(command))
        time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def _last_log_lines(command: Sequence[str]) -> str:
    show = [*command, "logs", "--no-color", "--tail=15"]
    return shell.output(show, cwd=ROOT) or f"see {shlex.join(show)}"


def _port_hint() -> str:
    named = " ".join(f"{name}={int(port) + 1000}" for name, port in PORTS.items())
    return f"If a port is taken: {named} make stack"
