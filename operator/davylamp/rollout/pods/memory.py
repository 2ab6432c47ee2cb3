"""What the operator itself saw of a pod, and when: all durations of pods are measured with this. Pure.

A kubelet's clock may be wrong by hours, and so may that of the control plane; their timestamps are
compared for change alone. The memory ends with the process: a new leader counts from what it sees first,
so a pod gets at most one more period of patience.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from davylamp.rollout.pods.hindrances import is_hindered
from davylamp.rollout.pods.state import ContainerState, PodState

MOST_ENDS: Final = 5
"""Ends of a container, and losses of readiness, that are remembered: enough to see a loop."""


@dataclass(frozen=True, slots=True)
class PodMemory:
    """One pod as it was observed last; times are seconds of a clock that never jumps."""

    ready: bool
    stamp: datetime | None
    """When its readiness changed by another clock: a new one means that it changed in between."""
    since: float
    """When it was first observed to be as ready as it is."""
    was_ready: bool
    unhindered: float | None
    troubled: float | None
    restarts: Mapping[str, int] = field(default_factory=dict)
    ends: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    losses: tuple[float, ...] = ()
    """When it lost its readiness, newest last."""


def remembered(before: PodMemory | None, pod: PodState, tick: float) -> PodMemory:
    """The memory of a pod after one more look at it."""
    same = before is not None and (before.ready, before.stamp) == (pod.ready, pod.ready_changed_at)
    since = before.since if before and same else tick
    hindered = not pod.ready and is_hindered(pod)
    began = before.unhindered if before and before.unhindered is not None else tick
    ends = {c.name: _ends(before, c, tick) for c in pod.containers}
    return PodMemory(
        ready=pod.ready,
        stamp=pod.ready_changed_at,
        since=since,
        was_ready=pod.ready or pod.was_ready or (before is not None and before.was_ready),
        unhindered=None if hindered else began,
        troubled=_troubled(before, pod, tick),
        restarts={c.name: c.restarts for c in pod.containers},
        ends={name: times for name, times in ends.items() if times},
        losses=_losses(before, pod, tick),
    )


def _ends(before: PodMemory | None, container: ContainerState, tick: float) -> tuple[float, ...]:
    """Ends that were observed; how it ended before the first look is not known."""
    if before is None:
        return ()
    known = before.ends.get(container.name, ())
    new = container.restarts - before.restarts.get(container.name, 0)
    return (*known, *([tick] * max(0, new)))[-MOST_ENDS:]


def _losses(before: PodMemory | None, pod: PodState, tick: float) -> tuple[float, ...]:
    """Losses that were observed: one that is over already shows by the time of the last change."""
    if before is None:
        return ()
    lost = before.ready and (True, before.stamp) != (pod.ready, pod.ready_changed_at)
    return (*before.losses, *([tick] if lost else []))[-MOST_ENDS:]


def _troubled(before: PodMemory | None, pod: PodState, tick: float) -> float | None:
    """When it was last in trouble; what happened before the first look may have been just then."""
    known = before.troubled if before else None
    if not pod.living or pod.disruption:
        return known
    restarts = {c.name: c.restarts for c in pod.containers if c.role != "init"}
    if before is None:
        return tick if any(restarts.values()) or (pod.was_ready and not pod.ready) else None
    ended = any(count > before.restarts.get(name, 0) for name, count in restarts.items())
    changed = (before.ready, before.stamp) != (pod.ready, pod.ready_changed_at)
    lost = before.was_ready and not pod.ready and changed
    return tick if ended or lost else known


def with_times(pod: PodState, memory: PodMemory, now: datetime, tick: float) -> PodState:
    """The pod with what is remembered of it, as moments before `now`."""

    def moment(then: float) -> datetime:
        return now - timedelta(seconds=tick - then)

    def maybe(then: float | None) -> datetime | None:
        return None if then is None else moment(then)

    containers = tuple(
        replace(c, ends=tuple(map(moment, memory.ends.get(c.name, ())))) for c in pod.containers
    )
    return replace(
        pod,
        containers=containers,
        was_ready=memory.was_ready,
        ready_since=moment(memory.since) if pod.ready else None,
        unready_since=None if pod.ready else moment(memory.since),
        unhindered_since=maybe(memory.unhindered),
        troubled_at=maybe(memory.troubled),
        losses=tuple(map(moment, memory.losses)),
    )
