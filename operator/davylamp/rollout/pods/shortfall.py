"""What keeps the pods of a revision from being ready, in the words of whoever knows."""

from collections.abc import Callable, Iterator
from typing import Final

from davylamp.rollout.pods.state import ContainerState, PodState, Workload
from davylamp.rollout.pods.wording import exit_words, waiting_words, which

STARTING: Final = frozenset({"ContainerCreating", "PodInitializing"})
"""Reasons that only say that the kubelet is at work."""

Explanation = Callable[[PodState], str | None]


def why_not_ready(workload: Workload) -> str:
    """What is missing: the clearest explanation that any of its pods has."""
    return next(_explanations(workload))


def _explanations(workload: Workload) -> Iterator[str]:
    unready = [pod for pod in workload.living if not pod.ready]
    short = len(workload.living) < workload.desired
    if workload.refusal and short:
        another = "another pod" if workload.living else "a pod"
        yield f"{another} cannot be created: {workload.refusal}"
    for explanation in CLEAR:
        yield from filter(None, map(explanation, unready))
    over = _replaced(workload)
    for explanation in VAGUE:
        yield from (words + over for words in map(explanation, unready) if words)
    missing = "no other pod exists yet" if workload.living else "no pod exists yet"
    hint = over or "; if that lasts, see the events of its Deployment and ReplicaSet"
    yield missing + hint


def _replaced(workload: Workload) -> str:
    """About the newest of its pods that are over, to go on a sentence."""
    if not workload.failed:
        return ""
    pod, *others = workload.failed
    assert pod.failure is not None  # noqa: S101  (that is what makes it one of them)
    reason, message = pod.failure
    count = f" ({len(others) + 1} pods failed so far)" if others else ""
    return f"; pod {pod.name} failed: {': '.join(filter(None, (reason, message)))}{count}"


# --- what says by itself what is wrong --------------------------------------------------------------


def _waiting(pod: PodState) -> str | None:
    container = pod.first(lambda c: bool(c.waiting_reason) and c.waiting_reason not in STARTING)
    if container is None:
        return None
    return f"{which(pod, container)} is waiting: {waiting_words(container)}{exit_words(container)}"


def _ended(pod: PodState) -> str | None:
    container = pod.first(_is_between_restarts)
    return None if container is None else f"{which(pod, container)} ended{exit_words(container)}"


def _is_between_restarts(container: ContainerState) -> bool:
    is_over = not container.running and container.last_exit_code is not None
    return is_over and not container.ready and not container.waiting_reason


def _unscheduled(pod: PodState) -> str | None:
    return f"pod {pod.name} cannot be scheduled: {pod.unscheduled}" if pod.unscheduled else None


def _event(pod: PodState) -> str | None:
    return f"pod {pod.name} cannot start: {pod.event}" if pod.event else None


# --- what may pass by itself ------------------------------------------------------------------------


def _initialising(pod: PodState) -> str | None:
    container = pod.first(lambda c: c.role == "init" and c.running)
    return f"{which(pod, container)} is still running" if container else None


def _starting(pod: PodState) -> str | None:
    container = pod.first(lambda c: c.role != "init" and c.running and not c.started)
    return _running(pod, container, "startup") if container else None


def _not_passing(pod: PodState) -> str | None:
    container = pod.first(lambda c: c.role != "init" and c.running and not c.ready)
    return _running(pod, container, "readiness") if container else None


def _running(pod: PodState, container: ContainerState, probe: str) -> str:
    before = f" after its last end{exit_words(container)}" if container.restarts else ""
    return f"{which(pod, container)} is running but does not pass its {probe} probe{before}"


def _gated(pod: PodState) -> str | None:
    if not pod.missing_gates or not all(container.ready for container in pod.containers):
        return None
    gates = ", ".join(pod.missing_gates)
    return (
        f"the containers of pod {pod.name} are ready, but whoever is in charge of its readiness "
        f"gate {gates} has not set that condition to True"
    )


def _created(pod: PodState) -> str | None:
    container = pod.first(lambda c: c.waiting_reason in STARTING)
    where = f" on node {pod.node}" if pod.node else ""
    return f"pod {pod.name} is starting{where}: {container.waiting_reason}" if container else None


def _unready(pod: PodState) -> str | None:
    state = "is waiting for a node" if not pod.node else "is not ready"
    return f"pod {pod.name} {state}"


CLEAR: Final[tuple[Explanation, ...]] = (_waiting, _ended, _unscheduled, _event)
VAGUE: Final[tuple[Explanation, ...]] = (
    _initialising,
    _starting,
    _not_passing,
    _gated,
    _created,
    _unready,
)
