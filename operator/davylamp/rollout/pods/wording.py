"""Parts of sentences about containers: which one, what it waits for, how it ended.

What a container says itself is not among them: the command that shows it is.
"""

from typing import Final

from davylamp.rollout.pods.phrases import objects_in, phrases_in
from davylamp.rollout.pods.state import ContainerState, PodState

BACK_OFF: Final = "CrashLoopBackOff"
_PULL_PAUSED: Final = "ImagePullBackOff"
_PULL_FAILED: Final = "ErrImagePull"
_SIGNALS: Final = {
    2: "SIGINT",
    4: "SIGILL",
    6: "SIGABRT",
    7: "SIGBUS",
    8: "SIGFPE",
    9: "SIGKILL",
    11: "SIGSEGV",
    15: "SIGTERM",
}
_KILLED: Final = 128
"""An exit code above it is that plus the number of a signal."""


def which(pod: PodState, container: ContainerState) -> str:
    """A container by its pod; the model's needs no name of its own."""
    if container.role == "model":
        return f"pod {pod.name}"
    kind = "init container" if container.role == "init" else "sidecar"
    return f"{kind} {container.name} of pod {pod.name}"


def waiting_words(pod: PodState, container: ContainerState) -> str:
    """What a container waits for: the reason, and what is told of its kubelet's message."""
    reason, message = container.waiting_reason or "no reason is given", container.waiting_message
    if reason == BACK_OFF or not message:  # that message only names the pod and the time again
        return reason
    if reason == _PULL_PAUSED and f"{_PULL_FAILED}: " in message:
        # the kubelet changes between both every few seconds, and the reason stays the same
        reason = _PULL_FAILED
    words = objects_in(message, pod.objects) or phrases_in(message)
    return f"{reason}: {words}" if words else reason


def exit_words(container: ContainerState) -> str:
    """How a container ended last, to go on a sentence: its exit code, signal and reason."""
    code = container.last_exit_code
    if code is None:
        return ""
    reason = container.last_exit_reason
    said = [_SIGNALS.get(code - _KILLED), None if reason in {"Error", "Completed"} else reason]
    remarks = ", ".join(filter(None, said))
    ended = f", last exit code {code}" + (f" ({remarks})" if remarks else "")
    return f"{ended}: {container.last_start_failure}" if container.last_start_failure else ended


def log_command(pod: PodState, container: ContainerState, *, previous: bool) -> str:
    """The arguments of the kubectl command that shows what a container said, or why it cannot start."""
    if container.last_start_failure:
        return f"describe pod {pod.name}"
    return f"logs {pod.name} -c {container.name}{' --previous' if previous else ''}"
