"""Hard rules: what is wrong with a pod. A crash loop is not a matter of evidence."""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from davylamp.api.names import FaultReason, Reason
from davylamp.rollout.pods.hindrances import is_refused_for_good
from davylamp.rollout.pods.state import ContainerState, PodState
from davylamp.rollout.pods.wording import BACK_OFF, exit_words, log_command, waiting_words, which
from davylamp.rollout.wording import counted, with_command

CRASHES: Final = 2
"""Ends of a pod that never got ready in time that are a crash loop, even where its kubelet is not
backing off at this moment."""


class Fault(NamedTuple):
    """Why a revision cannot serve, and the arguments of the kubectl command that shows more."""

    reason: FaultReason
    message: str
    command: str = ""

    def sentence(self, namespace: str) -> str:
        """What is wrong, and the command; the pods of a revision that is rolled back go soon."""
        return with_command(self.message, self.command, namespace)


Rule = Callable[[PodState, ContainerState], Fault | None]


def image_unavailable(pod: PodState, container: ContainerState) -> Fault | None:
    """The image cannot be had: the registry says so, or no time changes it."""
    if not is_refused_for_good(container):
        return None
    message = f"{which(pod, container)}: {waiting_words(pod, container)}"
    return Fault(Reason.IMAGE_UNAVAILABLE, message, f"describe pod {pod.name}")


def out_of_memory(pod: PodState, container: ContainerState) -> Fault | None:
    """The container was killed for memory when it ended last."""
    if container.last_exit_reason != "OOMKilled":
        return None
    field = "spec.serving.resources.limits.memory"
    if container.role != "model":
        field = f"resources.limits.memory of {container.name} in spec.serving.template"
    message = f"{which(pod, container)} was killed for memory; raise {field}"
    return Fault(Reason.OUT_OF_MEMORY, message, f"describe pod {pod.name}")


def crash_loop(pod: PodState, container: ContainerState) -> Fault | None:
    """The container ends again and again."""
    if container.role == "init" and container.ready:
        return None  # what it was there for is done
    if container.waiting_reason != BACK_OFF and container.restarts < CRASHES:
        return None
    return crash_fault(pod, container)


def crash_fault(pod: PodState, container: ContainerState) -> Fault:
    """A crash loop, how the container ended last, and where its log is while the pod is there."""
    restarts = f", {counted(container.restarts, 'restart')}" if container.restarts else ""
    message = f"{which(pod, container)} is in a crash loop{restarts}{exit_words(container)}"
    command = log_command(pod, container, previous=True)
    return Fault(Reason.CRASH_LOOP, message, command)


START_RULES: Final[tuple[Rule, ...]] = (image_unavailable, out_of_memory, crash_loop)


def start_fault(pods: Iterable[PodState]) -> Fault | None:
    """The first hard fault that kept one of these pods from getting ready."""
    rows = [(pod, container) for pod in pods for container in pod.containers]
    faults = (rule(pod, container) for rule in START_RULES for pod, container in rows)
    return next((fault for fault in faults if fault), None)
