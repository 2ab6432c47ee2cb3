"""Pulling images in bounded time, and not asking a registry again that just did not answer."""

import subprocess
import threading
import time
from pathlib import Path

from localcluster import shell
from localcluster.paths import cache_root
from localcluster.progress import Progress

FIRST_ANSWER_SECONDS = 20.0
WHOLE_PULL_SECONDS = 1800.0
REMEMBER_FAILURE_SECONDS = 3600.0


def is_remembered(*, failed_at: float | None, now: float) -> bool:
    """Whether a failure at ``failed_at`` (seconds of the clock, None: never) still counts."""
    return failed_at is not None and 0 <= now - failed_at < REMEMBER_FAILURE_SECONDS


def has_image(image: str) -> bool:
    """Whether the engine has the image already."""
    return image_id(image) is not None


def image_id(image: str) -> str | None:
    """The engine's id of an image (``sha256:...``), None if it has none of that name."""
    found = shell.output(["docker", "image", "inspect", "--format", "{{.Id}}", image])
    return found.strip() if found else None


def pull(image: str, *, progress: Progress) -> bool:
    """Pull ``image`` unless it is there; False when the registry cannot be used from here.

    A registry has 20 s to answer at all; once it does, the download may take its time. After a
    failure no registry is asked for an hour.
    """
    if has_image(image):
        return True
    if is_remembered(failed_at=_failed_at(), now=time.time()):
        return False
    short = image.partition("@")[0]
    with progress.step(f"pulling {short}"):
        pulled = _pull_bounded(image)
    if not pulled:
        progress.say(f"{short} cannot be pulled from here")
        _memo().parent.mkdir(parents=True, exist_ok=True)
        _memo().touch()
    return pulled


def _pull_bounded(image: str) -> bool:
    answered = threading.Event()
    with subprocess.Popen(
        ["docker", "pull", image], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as pulling:
        reader = threading.Thread(target=_drain, args=(pulling, answered), daemon=True)
        reader.start()
        reader.join(FIRST_ANSWER_SECONDS)
        if answered.is_set():
            reader.join(WHOLE_PULL_SECONDS)
        if pulling.poll() is None and reader.is_alive():
            pulling.kill()
        return pulling.wait() == 0


def _drain(pulling: "subprocess.Popen[str]", answered: threading.Event) -> None:
    for _ in pulling.stdout or ():
        answered.set()


def _memo() -> Path:
    return cache_root() / "registry-failed"


def _failed_at() -> float | None:
    try:
        return _memo().stat().st_mtime
    except OSError:
        return None
