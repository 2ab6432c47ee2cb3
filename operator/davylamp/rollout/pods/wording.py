"""Parts of sentences about containers: which one, what it waits for, how it ended."""

from typing import Final

from davylamp.rollout.pods.state import ContainerState, PodState

BACK_OFF: Final = "CrashLoopBackOff"
_PULL_PAUSED: Final = "ImagePullBackOff"
_PULL_FAILED: Final = "ErrImagePull: "


def which(pod: PodState, container: ContainerState) -> str:
    """A container by its pod; the model's needs no name of its own."""
    if container.role == "model":
        return f"pod {pod.name}"
    kind = "init container" if container.role == "init" else "sidecar"
    return f"{kind} {container.name} of pod {pod.name}"


def waiting_words(container: ContainerState) -> str:
    """What a container waits for, in the kubelet's words."""
    reason, message = container.waiting_reason or "no reason is given", container.waiting_message
    if reason == BACK_OFF or not message:  # that message only names the pod and the time again
        return reason
    if reason == _PULL_PAUSED and _PULL_FAILED in message:
        # the kubelet changes between both every few seconds, and the reason stays the same
        return _PULL_FAILED + message.partition(_PULL_FAILED)[2]
    return f"{reason}: {message}"


def exit_words(container: ContainerState) -> str:
    """How a container ended last, to go on a sentence: its exit code and the last line it left."""
    code = container.last_exit_code
    ended = "" if code is None else f", last exit code {code}"
    reason = container.last_exit_reason
    if reason and reason not in {"Error", "Completed"}:
        ended += f" ({reason})"
    line = container.last_exit_message
    return f'{ended}, last line: "{line}"' if line else ended
