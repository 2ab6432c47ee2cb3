"""Whose fault it is: in traffic, one is a revision's own only where the pods beside it do not show it too.

A node that is lost, a server under more load than it can take, a dependency that is down: these hit pods
of both revisions. Two comparisons tell them apart: with the other revision's pods on the same
node, and with all of them. Trouble of others excuses for a few minutes after it ended; while it lasts, the
step waits and says so.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from davylamp.api.names import FaultReason, Reason
from davylamp.rollout.pods.faults import Fault
from davylamp.rollout.pods.hindrances import PULL_REASONS
from davylamp.rollout.pods.service import ServiceFault
from davylamp.rollout.pods.state import PodState, Workload
from davylamp.rollout.pods.wording import BACK_OFF

WINDOW: Final = timedelta(minutes=5)
"""How long ago another pod's trouble may be to belong to the same incident."""
ALIKE: Final = 4
"""Others show it too where their share of pods in trouble is at least a quarter as large."""
NODE_PATIENCE: Final = timedelta(minutes=2)
"""How long pods on one node alone may be in trouble before that is not held to be the node."""
_OF_A_NODE: Final[frozenset[FaultReason]] = frozenset({Reason.CRASH_LOOP, Reason.READINESS_LOST})
"""Faults that a bad node may cause."""


def own_fault(
    faults: Sequence[ServiceFault],
    workload: Workload,
    other: Workload,
    now: datetime,
    *,
    both_served_until: datetime | None = None,
) -> Fault | None:
    """The first of a revision's faults that is its own; None where others show them too.

    Args:
        faults: what is wrong with its pods.
        workload: its pods.
        other: the pods of the revision that it is compared with.
        now: the moment of the decision.
        both_served_until: when the other one lost its traffic; None while it has some.
    """
    until = min(now, both_served_until or now)
    left = [fault for fault in faults if not _on_its_node(fault, faults, workload, other, until)]
    if not left or _shown_by(other.pods, left, len(workload.living), until):
        return None
    return None if _may_be_the_node(left, workload, other, now) else left[0].fault


def is_troubled(workload: Workload, now: datetime, *, against: int, of: int) -> bool:
    """Whether a revision's pods are in trouble as well, where `against` of `of` other pods are."""
    living = workload.living
    count = sum(_was_in_trouble(pod, now - WINDOW) for pod in living)
    return _is_alike(count, len(living), against, of)


def _on_its_node(
    fault: ServiceFault,
    faults: Sequence[ServiceFault],
    workload: Workload,
    other: Workload,
    until: datetime,
) -> bool:
    """Whether the other revision's pods on the same node show it too."""
    node = fault.pod.node
    if not node:
        return False
    beside = [pod for pod in other.pods if pod.node == node]
    own = [pod for pod in workload.living if pod.node == node]
    return _shown_by(beside, [f for f in faults if f.pod.node == node], len(own), until)


def _shown_by(
    others: Iterable[PodState], faults: Sequence[ServiceFault], own: int, until: datetime
) -> bool:
    """Whether as large a part of other pods shows one of the faults, or nearly."""
    living = [pod for pod in others if pod.living and not pod.disruption]
    count = sum(any(_shows(pod, fault, until) for fault in faults) for pod in living)
    return _is_alike(count, len(living), len(faults), own)


def _is_alike(count: int, others: int, faulty: int, own: int) -> bool:
    return count > 0 and count * max(own, faulty) * ALIKE >= faulty * others


def _shows(pod: PodState, fault: ServiceFault, until: datetime) -> bool:
    """Whether a pod shows what another one does: the same where it is about memory or an image."""
    since = (until if fault.lasts else min(until, fault.since)) - WINDOW
    match fault.fault.reason:
        case Reason.OUT_OF_MEMORY:
            killed = any(c.last_exit_reason == "OOMKilled" for c in pod.containers)
            return killed and _was_in_trouble(pod, since)
        case Reason.IMAGE_UNAVAILABLE:
            return any(c.waiting_reason in PULL_REASONS for c in pod.containers)
        case Reason.POD_FAILED:
            return False
        case _:
            return _was_in_trouble(pod, since)


def _was_in_trouble(pod: PodState, since: datetime) -> bool:
    """Whether it lost its readiness or ended since then, or is in such a state."""
    lost = pod.was_ready and not pod.ready
    loops = any(c.waiting_reason == BACK_OFF for c in pod.containers)
    return lost or loops or (pod.troubled_at is not None and pod.troubled_at >= since)


def _may_be_the_node(
    faults: Sequence[ServiceFault], workload: Workload, other: Workload, now: datetime
) -> bool:
    """Whether one node alone is in question, while the revision's pods elsewhere are well."""
    nodes = {fault.pod.node for fault in faults}
    if len(nodes) > 1 or "" in nodes or any(f.fault.reason not in _OF_A_NODE for f in faults):
        return False
    well = any(pod.ready and pod.node not in nodes for pod in workload.living)
    compared = any(pod.node in nodes for pod in other.living)
    return well and not compared and all(now - f.since <= NODE_PATIENCE for f in faults)
