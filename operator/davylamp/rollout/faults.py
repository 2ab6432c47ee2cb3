"""Hard rules: what needs no statistics. A crash loop is not a matter of evidence."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from davylamp.api.names import FaultReason, Reason
from davylamp.rollout.observation import PodState, Workload
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


Rule = Callable[[PodState], Fault | None]


def _image_unavailable(pod: PodState) -> Fault | None:
    if pod.waiting_reason not in IMAGE_REASONS:
        return None
    detail = f": {pod.waiting_message}" if pod.waiting_message else ""
    return Fault(Reason.IMAGE_UNAVAILABLE, f"pod {pod.name}: {pod.waiting_reason}{detail}")


def _out_of_memory(pod: PodState) -> Fault | None:
    if pod.last_exit_reason != "OOMKilled":
        return None
    return Fault(
        Reason.OUT_OF_MEMORY,
        f"pod {pod.name} was killed for memory; raise spec.serving.resources.limits.memory",
    )


def _crash_loop(pod: PodState) -> Fault | None:
    if pod.waiting_reason != "CrashLoopBackOff" and pod.restarts < CRASHES:
        return None
    restarts = f", {counted(pod.restarts, 'restart')}" if pod.restarts else ""
    code = "" if pod.last_exit_code is None else f", last exit code {pod.last_exit_code}"
    return Fault(Reason.CRASH_LOOP, f"pod {pod.name} is in a crash loop{restarts}{code}")


HARD_RULES: Final[tuple[Rule, ...]] = (_image_unavailable, _out_of_memory, _crash_loop)


def hard_fault(workload: Workload) -> Fault | None:
    """The first hard fault among the living pods of a revision."""
    for rule in HARD_RULES:
        for pod in workload.living:
            fault = rule(pod)
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


def why_not_ready(workload: Workload) -> str:
    """What keeps the pods of a revision from being ready, in the container's own words."""
    for pod in workload.living:
        if not pod.ready and pod.waiting_reason:
            detail = f": {pod.waiting_message}" if pod.waiting_message else ""
            return f"pod {pod.name} is waiting: {pod.waiting_reason}{detail}"
    unready = [pod.name for pod in workload.living if not pod.ready]
    if unready:
        return f"pod {unready[0]} is running but does not pass its readiness probe"
    missing = "no other pod exists yet" if workload.living else "no pod exists yet"
    return f"{missing}; if that lasts, see the events of its Deployment and ReplicaSet"
