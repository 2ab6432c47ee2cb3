"""What keeps the pods of a revision from being ready, and the command that shows more of it."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from davylamp.api import names
from davylamp.rollout.pods.hindrances import AT_WORK
from davylamp.rollout.pods.state import ContainerState, PodState, Workload
from davylamp.rollout.pods.wording import BACK_OFF, exit_words, log_command, waiting_words, which
from davylamp.rollout.wording import counted, kubectl


class Shortfall(NamedTuple):
    """What is missing, and the arguments of the kubectl command that shows more of it."""

    message: str
    command: str


Explanation = Callable[[PodState], Shortfall | None]


def why_and_where(workload: Workload, namespace: str) -> str:
    """What is missing, and the command that shows more: for pods that are still there."""
    message, command = shortfall(workload)
    return f"{message}; see {kubectl(command, namespace)}"


def shortfall(workload: Workload) -> Shortfall:
    """The clearest explanation why pods of a revision are missing or not ready."""
    return next(_explanations(workload))


def is_unexplained(pod: PodState) -> bool:
    """Whether a pod that has a node does not get ready, and its status does not clearly say why."""
    if not pod.living or pod.ready or not pod.node:
        return False
    return not any(explanation(pod) for explanation in (*CLEAR, _gated, _initialising))


def _explanations(workload: Workload) -> Iterator[Shortfall]:
    unready = [pod for pod in workload.living if not pod.ready]
    if workload.refusal and len(workload.living) < workload.desired:
        yield _refused(workload, workload.refusal)
    for explanation in CLEAR:
        yield from filter(None, map(explanation, unready))
    over = _over(workload)
    for explanation in VAGUE:
        for known in filter(None, map(explanation, unready)):
            yield known._replace(message=known.message + over)
    missing = "no other pod exists yet" if workload.living else "no pod exists yet"
    yield Shortfall(
        missing + over, f"describe replicaset -l {names.LABEL_REVISION}={workload.revision}"
    )


def _refused(workload: Workload, refusal: str) -> Shortfall:
    another = "another pod" if workload.living else "a pod"
    command = f"describe replicaset -l {names.LABEL_REVISION}={workload.revision}"
    if "exceeded quota" in refusal:
        command = "describe resourcequota"
    return Shortfall(f"{another} cannot be created: {refusal}", command)


def _over(workload: Workload) -> str:
    """About the newest of its pods that are over, to go on a sentence."""
    recent = workload.failed_lately
    if not recent:
        return ""
    pod, *others = recent
    reason, message = pod.failure or ("", "")
    count = f" ({len(recent)} pods failed in an hour)" if others else ""
    return f"; pod {pod.name} failed: {': '.join(filter(None, (reason, message)))}{count}"


def _described(pod: PodState, message: str) -> Shortfall:
    return Shortfall(message, f"describe pod {pod.name}")


def _logged(pod: PodState, container: ContainerState, message: str) -> Shortfall:
    return Shortfall(message, log_command(pod, container, previous=container.running))


# --- what says by itself what is wrong --------------------------------------------------------------


def _lost(pod: PodState) -> Shortfall | None:
    if not pod.node_lost:
        return None
    message = f"pod {pod.name} is on node {pod.node}, which has stopped reporting"
    return Shortfall(message, f"describe node {pod.node}")


def _waiting(pod: PodState) -> Shortfall | None:
    container = pod.first(lambda c: bool(c.waiting_reason) and c.waiting_reason not in AT_WORK)
    if container is None:
        return None
    message = f"{which(pod, container)} is waiting: {waiting_words(pod, container)}"
    if container.waiting_reason != BACK_OFF:
        return _described(pod, message)
    return _logged(pod, container, message + exit_words(container))


def _ended(pod: PodState) -> Shortfall | None:
    container = pod.first(_is_between_restarts)
    if container is None:
        return None
    return _logged(pod, container, f"{which(pod, container)} ended{exit_words(container)}")


def _is_between_restarts(container: ContainerState) -> bool:
    is_over = not container.running and container.last_exit_code is not None
    return is_over and not container.ready and not container.waiting_reason


def _unscheduled(pod: PodState) -> Shortfall | None:
    if not pod.unscheduled:
        return None
    return _described(pod, f"pod {pod.name} cannot be scheduled: {pod.unscheduled}")


# --- what may pass by itself ------------------------------------------------------------------------


def _initialising(pod: PodState) -> Shortfall | None:
    container = pod.first(lambda c: c.role == "init" and c.running)
    if container is None:
        return None
    if container.restarts:
        message = f"{which(pod, container)} is running again{_after_restarts(container)}"
        return _logged(pod, container, message)
    message = f"{which(pod, container)} is still running"
    return Shortfall(message, log_command(pod, container, previous=False))


def _starting(pod: PodState) -> Shortfall | None:
    container = pod.first(lambda c: c.role != "init" and c.running and not c.started)
    return _not_passing(pod, container, "startup") if container else None


def _unready(pod: PodState) -> Shortfall | None:
    container = pod.first(lambda c: c.role != "init" and c.running and not c.ready)
    return _not_passing(pod, container, "readiness") if container else None


def _not_passing(pod: PodState, container: ContainerState, probe: str) -> Shortfall:
    message = f"{which(pod, container)} is running but does not pass its {probe} probe"
    if container.restarts:
        return _logged(pod, container, message + _after_restarts(container))
    is_over = probe != "startup" and (pod.event or "").startswith("Unhealthy: Startup probe")
    return _described(pod, f"{message}: {pod.event}" if pod.event and not is_over else message)


def _after_restarts(container: ContainerState) -> str:
    return f" after {counted(container.restarts, 'restart')}{exit_words(container)}"


def _gated(pod: PodState) -> Shortfall | None:
    if not pod.missing_gates or not all(container.ready for container in pod.containers):
        return None
    gates = ", ".join(pod.missing_gates)
    return _described(
        pod,
        f"the containers of pod {pod.name} are ready, but whoever is in charge of its readiness "
        f"gate {gates} has not set that condition to True",
    )


def _created(pod: PodState) -> Shortfall | None:
    container = pod.first(lambda c: c.waiting_reason in AT_WORK)
    if container is None:
        return None
    if pod.event:
        return _described(pod, f"pod {pod.name} cannot start: {pod.event}")
    where = f" on node {pod.node}" if pod.node else ""
    return _described(pod, f"pod {pod.name} is starting{where}: {container.waiting_reason}")


def _pending(pod: PodState) -> Shortfall:
    state = "is waiting for a node"
    if pod.node:
        late = f"is on node {pod.node}, whose kubelet has not started it yet"
        state = "is not ready" if pod.containers else late
    return _described(pod, f"pod {pod.name} {state}")


CLEAR: Final[tuple[Explanation, ...]] = (_lost, _waiting, _ended, _unscheduled)
VAGUE: Final[tuple[Explanation, ...]] = (
    _initialising,
    _starting,
    _unready,
    _gated,
    _created,
    _pending,
)
