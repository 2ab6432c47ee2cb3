"""Reads pods and the conditions of Deployments, whose texts are the words of others. Pure.

Any container may put what it likes into the status of its pod, as its termination message: that is not
read at all. Each other text becomes one clean line of bounded length here, once; what of it is told
is decided in `rollout.pods.phrases`.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from davylamp.api import names
from davylamp.controller.cluster.objects import instant, label, metadata
from davylamp.rollout import ContainerState, PodFailure, PodState, Workload
from davylamp.rollout.pods.images import read_image_id
from davylamp.rollout.pods.phrases import phrases_in
from davylamp.rollout.pods.state import ContainerRole
from davylamp.schema.json import Json, JsonObject, entries, field, integer, section, text
from davylamp.schema.text import one_line

STARTING: Final = timedelta(seconds=2)
"""A pod whose Ready condition turned false later than this after its start had been ready: its
kubelet writes both at once. The other order means that the clock of its node was set back since."""
OVER: Final = frozenset({"Failed", "Succeeded"})
"""Phases of pods whose containers never run again."""
LONGEST_WORDS: Final = 600
"""Characters of a message of the scheduler, the kubelet or the API server."""
OF_THE_CLUSTER: Final = frozenset(
    {
        "Evicted",
        "NodeAffinity",
        "NodeLost",
        "NodeShutdown",
        "Preempting",
        "Shutdown",
        "Terminated",
        "UnexpectedAdmissionError",
    }
)
"""Reasons of pods that failed whose message has nothing but the node's and the spec's words."""
OUT_OF: Final = "OutOf"
"""How reasons begin that say what a node has not enough of."""
NEVER_RAN: Final = frozenset({"StartError", "ContainerCannotRun"})
"""Reasons of containers that ended because they could not be started."""
LONGEST_NAME: Final = 63
"""Characters of a reason: those that Kubernetes gives are far shorter."""


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod of a model, read once in a pass."""

    manifest: JsonObject = dataclasses.field(repr=False)
    revision: str
    state: PodState
    deployment: str = ""
    """The Deployment that made it, by its controller; empty where a user, or anything else, did."""


def read_pod(manifest: JsonObject) -> Pod:
    """A pod as it is stored."""
    revision = label(manifest, names.LABEL_REVISION)
    return Pod(manifest, revision, pod_state(manifest), _deployment(manifest))


def without_strangers(deployments: Iterable[JsonObject], pods: Iterable[Pod]) -> Iterator[Pod]:
    """The pods that Deployments of ours made, and those of revisions that have none.

    Whoever may create a pod can give it a revision's labels. It is no pod of that revision: neither
    ready for it, nor failing for it. Where a revision has no Deployment its pods only keep a Service
    from being opened to them, and that is right whoever made them.
    """
    made = {label(item, names.LABEL_REVISION): metadata(item, "name") for item in deployments}
    return (pod for pod in pods if made.get(pod.revision, pod.deployment) == pod.deployment)


def _deployment(pod: JsonObject) -> str:
    """Deployments call their ReplicaSets by their own name and a hash, however long it is."""
    for owner in entries(pod, "metadata", "ownerReferences"):
        is_set = text(owner, "kind") == "ReplicaSet" and text(owner, "apiVersion") == "apps/v1"
        if is_set and field(owner, "controller") is True:
            return text(owner, "name").rpartition("-")[0]
    return ""


def workloads_of(deployments: Iterable[JsonObject], pods: Iterable[Pod]) -> dict[str, Workload]:
    """Workloads by revision; a revision with pods but without Deployment is one too."""
    by_revision = {label(item, names.LABEL_REVISION): item for item in deployments}
    states: dict[str, list[PodState]] = {revision: [] for revision in by_revision}
    for pod in pods:
        states.setdefault(pod.revision, []).append(pod.state)
    return {
        revision: _workload(revision, by_revision.get(revision), tuple(of_revision))
        for revision, of_revision in states.items()
        if revision
    }


def _workload(revision: str, deployment: JsonObject | None, pods: tuple[PodState, ...]) -> Workload:
    replicas = integer(deployment, "spec", "replicas")
    return Workload(revision, replicas, pods, refusal=_refusal(_conditions(deployment)))


def _refusal(conditions: Mapping[str, JsonObject]) -> str | None:
    """What the API server says to a Deployment's controller that wants to create pods for it."""
    failure = conditions.get("ReplicaFailure", {})
    if failure.get("status") == "True":
        return _words(failure, "message") or _name(failure, "reason") or None
    progress = conditions.get("Progressing", {})
    if _name(progress, "reason") == "ReplicaSetCreateError":
        return _words(progress, "message") or None
    return None


def pod_state(pod: JsonObject) -> PodState:
    """One pod with all of its containers."""
    conditions = _conditions(pod)
    ready = conditions.get("Ready", {})
    changed, started = instant(ready.get("lastTransitionTime")), _moment(pod, "status", "startTime")
    is_ready = ready.get("status") == "True"
    late = changed is not None and started is not None and abs(changed - started) > STARTING
    return PodState(
        name=metadata(pod, "name"),
        node=text(pod, "spec", "nodeName"),
        phase=_name(pod, "status", "phase") or "Pending",
        created_at=_moment(pod, "metadata", "creationTimestamp"),
        ready=is_ready,
        terminating=bool(field(pod, "metadata", "deletionTimestamp")),
        killed_at=_moment(pod, "metadata", "deletionTimestamp"),
        failure=_failure(pod),
        disruption=_true(conditions, "DisruptionTarget"),
        unscheduled=_unscheduled(pod, conditions.get("PodScheduled", {})),
        missing_gates=_missing_gates(pod, conditions),
        objects=frozenset(_objects(pod)),
        containers=tuple(_containers(pod)),
        image_id=read_image_id(text(_model(pod), "imageID")),
        ready_changed_at=changed,
        was_ready=not is_ready and late,
        node_lost=_is_node_lost(pod, conditions),
    )


def _failure(pod: JsonObject) -> PodFailure | None:
    phase = _name(pod, "status", "phase")
    if phase not in OVER:
        return None
    reason = _name(pod, "status", "reason") or phase
    is_of_the_cluster = reason in OF_THE_CLUSTER or reason.startswith(OUT_OF)
    message = _words(pod, "status", "message") if is_of_the_cluster else ""
    return PodFailure(reason, message)


def _unscheduled(pod: JsonObject, condition: JsonObject) -> str | None:
    if condition.get("status") != "False":
        return None
    reason, message = _name(condition, "reason"), _words(condition, "message")
    gates = ", ".join(_name(gate, "name") for gate in entries(pod, "spec", "schedulingGates"))
    parts = (reason if reason != "Unschedulable" else "", gates, message)
    return one_line(": ".join(part for part in parts if part), limit=LONGEST_WORDS) or reason


def _is_node_lost(pod: JsonObject, conditions: Mapping[str, JsonObject]) -> bool:
    """Whether the control plane called it unready: its kubelet would not, with ready containers."""
    unready = conditions.get("Ready", {}).get("status") != "True"
    containers = conditions.get("ContainersReady", {}).get("status") == "True"
    return unready and containers and not _missing_gates(pod, conditions)


def _missing_gates(pod: JsonObject, conditions: Mapping[str, JsonObject]) -> tuple[str, ...]:
    gates = (text(gate, "conditionType") for gate in entries(pod, "spec", "readinessGates"))
    closed = (gate for gate in gates if conditions.get(gate, {}).get("status") != "True")
    return tuple(one_line(gate, limit=LONGEST_WORDS) for gate in closed)


# --- names that a pod has itself ---------------------------------------------------------------


def _objects(pod: JsonObject) -> Iterator[str]:
    """Volumes, and the Secrets, ConfigMaps and claims in the pod's spec, with keys of them."""
    for volume in entries(pod, "spec", "volumes"):
        yield text(volume, "name")
        yield text(volume, "secret", "secretName")
        yield text(volume, "configMap", "name")
        yield text(volume, "persistentVolumeClaim", "claimName")
    for kind in ("initContainers", "containers"):
        for container in entries(pod, "spec", kind):
            yield from _variables(container)


def _variables(container: JsonObject) -> Iterator[str]:
    for source in entries(container, "envFrom"):
        yield text(source, "secretRef", "name")
        yield text(source, "configMapRef", "name")
    for variable in entries(container, "env"):
        for kind in ("secretKeyRef", "configMapKeyRef"):
            yield text(variable, "valueFrom", kind, "name")
            yield text(variable, "valueFrom", kind, "key")


# --- containers -----------------------------------------------------------------------------------


def _containers(pod: JsonObject) -> Iterable[ContainerState]:
    """In the order in which they start."""
    native = {
        text(container, "name")
        for container in entries(pod, "spec", "initContainers")
        if text(container, "restartPolicy") == "Always"
    }
    for status in entries(pod, "status", "initContainerStatuses"):
        yield _container(status, "sidecar" if text(status, "name") in native else "init")
    for status in entries(pod, "status", "containerStatuses"):
        is_model = text(status, "name") == names.CONTAINER
        yield _container(status, "model" if is_model else "sidecar")


def _container(status: JsonObject, role: ContainerRole) -> ContainerState:
    waiting = section(status, "state", "waiting")
    ended = section(status, "state", "terminated") or section(status, "lastState", "terminated")
    return ContainerState(
        name=_name(status, "name"),
        role=role,
        ready=field(status, "ready") is True,
        started=field(status, "started") is True,
        running=bool(section(status, "state", "running")),
        waiting_reason=_name(waiting, "reason") or None,
        waiting_message=_words(waiting, "message") or None,
        restarts=integer(status, "restartCount"),
        last_exit_reason=_name(ended, "reason") or None,
        last_exit_code=integer(ended, "exitCode") if ended else None,
        last_start_failure=_start_failure(ended),
    )


def _start_failure(ended: JsonObject) -> str:
    """Only of a container that never ran is the message its runtime's, which repeats its command."""
    if _name(ended, "reason") not in NEVER_RAN:
        return ""
    return phrases_in(text(ended, "message"))


def _model(pod: JsonObject) -> JsonObject:
    statuses = entries(pod, "status", "containerStatuses")
    return next((s for s in statuses if text(s, "name") == names.CONTAINER), {})


# --- texts and times ------------------------------------------------------------------------------


def _conditions(item: Json) -> dict[str, JsonObject]:
    """Conditions of a pod or a Deployment, by type."""
    return {text(entry, "type"): entry for entry in entries(item, "status", "conditions")}


def _true(conditions: Mapping[str, JsonObject], kind: str) -> str | None:
    """The reason of a condition that is true."""
    condition = conditions.get(kind, {})
    return (_name(condition, "reason") or kind) if condition.get("status") == "True" else None


def _moment(item: JsonObject, *path: str) -> datetime | None:
    return instant(field(item, *path))


def _name(item: Json, *path: str) -> str:
    return one_line(text(item, *path), limit=LONGEST_NAME)


def _words(item: Json, *path: str) -> str:
    """A message, without the full stop that would stand in the middle of our sentence."""
    return one_line(text(item, *path), limit=LONGEST_WORDS).rstrip(" .")
