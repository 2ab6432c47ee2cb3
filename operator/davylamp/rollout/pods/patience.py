"""Before traffic nothing is at risk: what pods are given time for, and what is held against a revision.

A revision answers for what it does itself, and only after it had all the time for it with nothing in
its way. What the cluster lacks is waited for without end.
"""

from datetime import datetime, timedelta
from typing import Final

from davylamp.rollout.pods.faults import Fault, image_unavailable
from davylamp.rollout.pods.state import PodState, Workload

IMAGE_PATIENCE: Final = timedelta(minutes=1)
"""How long a registry may say that there is no such image: it may be on its way there."""
READINESS_GRACE: Final = timedelta(seconds=20)
"""How long a pod that was ready may be unready before that counts against it."""


def image_refused_long(pod: PodState, now: datetime) -> Fault | None:
    """An image that cannot be had, and has not come for a while."""
    since = pod.unready_since
    if pod.ready or since is None or now - since <= IMAGE_PATIENCE:
        return None
    faults = (image_unavailable(pod, container) for container in pod.containers)
    return next((fault for fault in faults if fault), None)


def image_refused(workload: Workload, now: datetime) -> Fault | None:
    """The first of a revision's pods whose image cannot be had."""
    faults = (image_refused_long(pod, now) for pod in workload.living)
    return next((fault for fault in faults if fault), None)


def pods_at_fault(workload: Workload, now: datetime, within: timedelta) -> tuple[PodState, ...]:
    """Pods that are not ready and had that long for it, with nothing but themselves in their way."""

    def is_at_fault(pod: PodState) -> bool:
        if pod.ready or pod.unhindered_since is None or now - pod.unhindered_since < within:
            return False
        return (
            not pod.was_ready
            or pod.unready_since is None
            or now - pod.unready_since > READINESS_GRACE
        )

    return tuple(pod for pod in workload.living if is_at_fault(pod))


def had_its_time(workload: Workload, now: datetime, within: timedelta) -> bool:
    """Whether some pod has been at work for that long."""
    times = [pod.unhindered_since for pod in workload.living]
    return any(since is not None and now - since >= within for since in times)


def pods_unsteady(
    workload: Workload, now: datetime, within: timedelta, *, min_ready: timedelta
) -> tuple[PodState, ...]:
    """Pods that had that long to get ready and the time to stay so, and are ready since a moment ago."""

    def is_unsteady(pod: PodState) -> bool:
        if pod.ready_since is None or pod.unhindered_since is None:
            return False
        had = now - pod.unhindered_since
        return now - pod.ready_since < min_ready and had >= within + min_ready

    return tuple(pod for pod in workload.living if pod.ready and is_unsteady(pod))


def is_kept_waiting(workload: Workload, needed: int) -> bool:
    """Whether something other than the revision keeps it from having the pods that it needs."""
    if len(workload.living) < needed or workload.failed_lately:
        return True
    return any(not pod.ready and pod.unhindered_since is None for pod in workload.living)
