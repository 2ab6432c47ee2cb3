"""Images that the engine has, and pulling those it has not, in bounded time."""

import subprocess
import threading

from localcluster import shell
from localcluster.progress import Progress

FIRST_ANSWER_SECONDS = 20.0
WHOLE_PULL_SECONDS = 1800.0


def has_image(image: str) -> bool:
    """Whether the engine has the image already."""
    return image_id(image) is not None


def image_id(image: str) -> str | None:
    """The engine's id of an image (``sha256:...``), None if it has none of that name."""
    output = shell.output(["docker", "image", "inspect", "--format", "{{.Id}}", image])
    return output.strip() if output else None


def pull(image: str, *, progress: Progress) -> bool:
    """Pull ``image``; False when that cannot be done from here.

    A registry has 20 s to answer at all; once it does, the download may take its time.
    """
    short = image.partition("@")[0]
    with progress.step(f"pulling {short}"):
        pulled = _pull_bounded(image)
    if not pulled:
        progress.say(f"{short} cannot be pulled from here")
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
