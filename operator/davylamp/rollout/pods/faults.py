"""Hard rules: what needs no statistics. A crash loop is not a matter of evidence."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from davylamp.api.names import FaultReason, Reason
from davylamp.rollout.pods.state import ContainerState, PodState, Workload
from davylamp.rollout.pods.wording import BACK_OFF, exit_words, waiting_words, which
from davylamp.rollout.wording import counted

READINESS_GRACE: Final = timedelta(seconds=20)
"""How long a pod that was ready may be unready before that counts as a fault."""
CRASHES: Final = 3
"""Restarts that are a crash loop even where the kubelet is not backing off at this moment."""
IMAGE_REASONS: Final = frozenset({"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})


class Fault(NamedTuple):
    """Why a revision cannot serve, with the container's own words."""

    reason: FaultReason
    message: str


Rule = Callable[[PodState, ContainerState], Fault | None]


def _image_unavailable(pod: PodState, container: ContainerState) -> Fault | None:
    if container.waiting_reason not in IMAGE_REASONS:
        return None
    message = f"{which(pod, container)}: {waiting_words(container)}"
    return Fault(Reason.IMAGE_UNAVAILABLE, message)


def _out_of_memory(pod: PodState, container: ContainerState) -> Fault | None:
    if container.last_exit_reason != "OOMKilled":
        return None
    field = "spec.serving.resources.limits.memory"
    if container.role != "model":
        field = f"resources.limits.memory of {container.name} in spec.serving.template"
    return Fault(
        Reason.OUT_OF_MEMORY, f"{which(pod, container)} was killed for memory; raise {field}"
    )


def _crash_loop(pod: PodState, container: ContainerState) -> Fault | None:
    if container.role == "init" and container.ready:
        return None  # what it was there for is done
    if container.waiting_reason != BACK_OFF and container.restarts < CRASHES:
        return None
    restarts = f", {counted(container.restarts, 'restart')}" if container.restarts else ""
    return Fault(
        Reason.CRASH_LOOP,
        f"{which(pod, container)} is in a crash loop{restarts}{exit_words(container)}",
    )


HARD_RULES: Final[tuple[Rule, ...]] = (_image_unavailable, _out_of_memory, _crash_loop)


def hard_fault(workload: Workload) -> Fault | None:
    """The first hard fault among the containers of a revision's living pods."""
    for rule in HARD_RULES:
        for pod in workload.living:
            for container in pod.containers:
                fault = rule(pod, container)
                if fault:
                    return fault
    return None


def readiness_lost(workload: Workload, now: datetime) -> Fault | None:
    """A pod that was ready and has been unready for longer than the grace."""
    for pod in workload.living:
        since = pod.ready_changed_at
        if not pod.ready and pod.was_ready and since and now - since > READINESS_GRACE:
            lost = round((now - since).total_seconds())
            return Fault(
                Reason.READINESS_LOST,
                f"pod {pod.name} lost its readiness {lost} s ago and has not regained it",
            )
    return None
