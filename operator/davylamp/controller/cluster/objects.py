"""Reads Kubernetes objects into what a decision looks at. Pure."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from davylamp.api import names
from davylamp.rollout import PodState, Workload
from davylamp.schema.json import Json, JsonObject, field, integer, text

__all__ = [
    "Pod",
    "field",
    "has_other_owner",
    "instant",
    "label",
    "owner_uids",
    "pod_state",
    "read_pod",
    "record_number",
    "workloads_of",
]

STARTING: Final = timedelta(seconds=2)
"""A pod whose Ready condition turned false later than this after its start had been ready."""


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod of a model, read once in a pass."""

    manifest: JsonObject = dataclasses.field(repr=False)
    revision: str
    state: PodState


def read_pod(manifest: JsonObject) -> Pod:
    """A pod as it is stored."""
    return Pod(manifest, label(manifest, names.LABEL_REVISION), pod_state(manifest))


def workloads_of(deployments: Iterable[JsonObject], pods: Iterable[Pod]) -> dict[str, Workload]:
    """Workloads by revision; a revision with pods but without Deployment is one too."""
    desired = {
        label(item, names.LABEL_REVISION): field(item, "spec", "replicas") for item in deployments
    }
    by_revision: dict[str, list[PodState]] = {revision: [] for revision in desired}
    for pod in pods:
        if field(pod.manifest, "status", "phase") not in {"Succeeded", "Failed"}:
            by_revision.setdefault(pod.revision, []).append(pod.state)
    return {
        revision: Workload(revision, integer(desired.get(revision)), tuple(states))
        for revision, states in by_revision.items()
        if revision
    }


def pod_state(pod: JsonObject) -> PodState:
    """One pod; only the model container counts for faults."""
    ready = _condition(pod, "Ready")
    changed = instant(ready.get("lastTransitionTime"))
    started = instant(field(pod, "status", "startTime"))
    container = _model_status(pod)
    waiting = field(container, "state", "waiting")
    ended = field(container, "lastState", "terminated") or field(container, "state", "terminated")
    is_ready = ready.get("status") == "True"
    late = changed is not None and started is not None and changed - started > STARTING
    return PodState(
        name=metadata(pod, "name"),
        ready=is_ready,
        terminating=bool(field(pod, "metadata", "deletionTimestamp")),
        ready_changed_at=changed,
        was_ready=not is_ready and late,
        waiting_reason=text(waiting, "reason") or None,
        waiting_message=text(waiting, "message") or None,
        restarts=integer(container, "restartCount"),
        last_exit_reason=text(ended, "reason") or None,
        last_exit_code=integer(ended, "exitCode") if ended else None,
        image_id=_digest(text(container, "imageID")),
    )


def record_number(record: JsonObject) -> int:
    """The number of a ControllerRevision."""
    return integer(record, "revision")


def owner_uids(item: JsonObject) -> set[str]:
    """Owners of an object."""
    references = field(item, "metadata", "ownerReferences")
    known = references if isinstance(references, list) else []
    uids = (field(reference, "uid") for reference in known)
    return {uid for uid in uids if isinstance(uid, str)}


def has_other_owner(item: JsonObject, uid: str) -> bool:
    """Whether an object belongs to somebody, but not to the owner with this uid."""
    owners = owner_uids(item)
    return bool(owners) and uid not in owners


def metadata(item: JsonObject, name: str) -> str:
    """A text field of an object's metadata, empty if it is not there."""
    return text(item, "metadata", name)


def label(item: JsonObject, name: str) -> str:
    """A label's value, empty if it is not there."""
    return text(item, "metadata", "labels", name)


def instant(value: Json) -> datetime | None:
    """A timestamp of the API server."""
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def _condition(pod: JsonObject, kind: str) -> JsonObject:
    conditions = field(pod, "status", "conditions")
    for condition in conditions if isinstance(conditions, list) else []:
        if isinstance(condition, dict) and condition.get("type") == kind:
            return condition
    return {}


def _model_status(pod: JsonObject) -> Json:
    statuses = field(pod, "status", "containerStatuses")
    for status in statuses if isinstance(statuses, list) else []:
        if field(status, "name") == names.CONTAINER:
            return status
    return None


def _digest(image_id: str) -> str | None:
    """The digest in an image id such as `registry.example/model@sha256:9c1e…`."""
    return image_id.rsplit("@", 1)[-1] if image_id else None
