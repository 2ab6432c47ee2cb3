"""Hard rules in traffic: what needs no statistics of pods that serve, or were meant to.

What happened before the traffic does not count, so ends and readiness are those that the operator
observed itself (`pods.memory`). Whose fault it is, is another question (`pods.blame`).
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from davylamp.api.names import Reason
from davylamp.rollout.pods.faults import Fault, crash_fault, crash_loop, out_of_memory
from davylamp.rollout.pods.hindrances import is_hindered
from davylamp.rollout.pods.patience import READINESS_GRACE, image_refused_long
from davylamp.rollout.pods.shortfall import shortfall
from davylamp.rollout.pods.state import ContainerState, PodState, Workload
from davylamp.rollout.pods.wording import BACK_OFF

BACK_OFFS: Final = 2
"""Ends after which a container that its kubelet backs off from is in a crash loop. After a single one
there is time to see whether others end too."""
CRASHES: Final = 3
"""Ends that are a crash loop even where the kubelet is not backing off at this moment."""
CRASH_WINDOW: Final = timedelta(minutes=10)
"""Within which several ends of a container are a crash loop."""
LOSSES: Final = 5
"""Losses of readiness within that time that are a fault, however short each of them is."""
OWN_LIMIT: Final = re.compile(r"exceed")
"""What a kubelet says of a pod that it evicts for a limit of its own; else its node was short."""


class Period(NamedTuple):
    """When pods are looked at, and since when their revision has traffic."""

    now: datetime
    since: datetime
    starting: timedelta
    """How long a pod that was added in traffic may take to start."""

    @property
    def began(self) -> datetime:
        """When the traffic began; a moment yet to come is another replica's wrong clock."""
        return self.since if self.since <= self.now else self.now - CRASH_WINDOW


class ServiceFault(NamedTuple):
    """What is wrong with a pod in traffic, and since when."""

    pod: PodState
    fault: Fault
    since: datetime
    lasts: bool = True
    """Whether it is so now, or happened at that time."""


Rule = Callable[[PodState, Period], ServiceFault | None]


def service_faults(workload: Workload, period: Period) -> tuple[ServiceFault, ...]:
    """What is wrong with the pods of a revision in traffic, one fault a pod."""
    return tuple(_faults(workload, period))


def _faults(workload: Workload, period: Period) -> Iterator[ServiceFault]:
    for pod in workload.pods:
        if pod.terminating or pod.disruption or pod.node_lost:
            continue  # the cluster ends it, or nobody knows how it is
        rules = _OVER if pod.failure else _SERVED if pod.was_ready else _ADDED
        fault = next((fault for rule in rules if (fault := rule(pod, period))), None)
        if fault:
            yield fault


def _image_refused(pod: PodState, period: Period) -> ServiceFault | None:
    fault = image_refused_long(pod, period.now)
    return ServiceFault(pod, fault, pod.unready_since or period.now) if fault else None


def _out_of_memory(pod: PodState, period: Period) -> ServiceFault | None:
    for container in pod.containers:
        ends = _ends(container, period)
        fault = out_of_memory(pod, container) if ends else None
        if fault:
            return ServiceFault(pod, fault, ends[-1], lasts=False)
    return None


def _crash_loop(pod: PodState, period: Period) -> ServiceFault | None:
    for container in pod.containers:
        if container.role == "init":
            continue
        ends = _ends(container, period)
        if container.waiting_reason == BACK_OFF and (len(ends) >= BACK_OFFS or _lasts(pod, period)):
            fault = crash_fault(pod, container)
            return ServiceFault(pod, fault, ends[0] if ends else pod.unready_since or period.now)
        recent = [end for end in ends if period.now - end <= CRASH_WINDOW]
        if len(recent) >= CRASHES:
            fault = crash_fault(pod, container)
            return ServiceFault(pod, fault, recent[-CRASHES], lasts=False)
    return None


def _lasts(pod: PodState, period: Period) -> bool:
    """Whether it has been unready for longer than a blip."""
    since = pod.unready_since
    return not pod.ready and since is not None and period.now - since > READINESS_GRACE


def _readiness_lost(pod: PodState, period: Period) -> ServiceFault | None:
    since = pod.unready_since
    if since is None or not _lasts(pod, period) or is_hindered(pod):
        return None
    lost = round((period.now - since).total_seconds())
    why, command = shortfall(Workload("", 1, (pod,)))
    message = f"pod {pod.name} lost its readiness {lost} s ago and has not regained it: {why}"
    return ServiceFault(pod, Fault(Reason.READINESS_LOST, message, command), since)


def _flaps(pod: PodState, period: Period) -> ServiceFault | None:
    since = max(period.began, period.now - CRASH_WINDOW)
    recent = [loss for loss in pod.losses if loss >= since]
    if len(recent) < LOSSES:
        return None
    message = f"pod {pod.name} lost its readiness {len(recent)} times in ten minutes"
    return ServiceFault(pod, Fault(Reason.READINESS_LOST, message), recent[0], lasts=False)


def _never_started(pod: PodState, period: Period) -> ServiceFault | None:
    """A pod that was added in traffic: it has none yet, so it is given its time to start."""
    since = pod.unhindered_since
    if since is None or period.now - since <= period.starting:
        return None
    for container in pod.containers:
        fault = out_of_memory(pod, container) or crash_loop(pod, container)
        if fault:
            return ServiceFault(pod, fault, since)
    return None


def _over_its_own_limit(pod: PodState, period: Period) -> ServiceFault | None:
    since = pod.unready_since
    if not (pod.failure and pod.was_ready and since and since >= period.began):
        return None
    reason, message = pod.failure
    if reason != "Evicted" or not OWN_LIMIT.search(message):
        return None
    command = f"describe pod {pod.name}"
    fault = Fault(Reason.POD_FAILED, f"pod {pod.name} failed: {reason}: {message}", command)
    return ServiceFault(pod, fault, since, lasts=False)


def _ends(container: ContainerState, period: Period) -> list[datetime]:
    """Ends that were observed since the traffic began."""
    return [end for end in container.ends if end >= period.began]


_SERVED: Final[tuple[Rule, ...]] = (
    _image_refused,
    _out_of_memory,
    _crash_loop,
    _readiness_lost,
    _flaps,
)
_ADDED: Final[tuple[Rule, ...]] = (_image_refused, _never_started)
_OVER: Final[tuple[Rule, ...]] = (_over_its_own_limit,)
