"""Reads Jobs of the nightly kind and the pods they ran. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from davylamp.api import names
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.objects import metadata
from davylamp.images.reference import is_digest
from davylamp.manifests.nightly import CONTAINER
from davylamp.rollout.drift_reports import JobEnd
from davylamp.rollout.pods.images import read_image_id
from davylamp.schema.json import Json, JsonObject, entries, section, text

JOB_NAME: Final = "batch.kubernetes.io/job-name"
"""Label by which Kubernetes marks the pods of a Job."""
_ENDED: Final[tuple[Json, ...]] = ("Complete", "Failed")


@dataclass(frozen=True, slots=True)
class JobState:
    """One Job: whose run it is, and whether it has ended."""

    namespace: str
    name: str
    uid: str
    revision: str
    attempt: str
    """The rollout a candidate's Job was made for; empty for nightly ones."""
    ended_at: datetime | None
    why: str
    """Kubernetes' own words when it failed."""


def job_state(item: JsonObject) -> JobState:
    """A Job; it has ended when Kubernetes says so, not when its pod did."""
    condition = _ended(item)
    failed = condition.get("type") == "Failed"
    words = (condition.get("reason"), condition.get("message")) if failed else ()
    annotations = objects.field(item, "metadata", "annotations")
    attempt = annotations.get(names.ANNOTATION_ROLLOUT) if isinstance(annotations, dict) else None
    return JobState(
        namespace=metadata(item, "namespace"),
        name=metadata(item, "name"),
        uid=metadata(item, "uid"),
        revision=objects.label(item, names.LABEL_REVISION),
        attempt=attempt if isinstance(attempt, str) else "",
        ended_at=objects.instant(condition.get("lastTransitionTime")),
        why=": ".join(word for word in words if isinstance(word, str) and word),
    )


def job_end(job: JobState, at: datetime, pods: Iterable[JsonObject]) -> JobEnd:
    """How a Job ended, by the pod that is left of it (there is one: nothing is run again)."""
    ran = [
        status for pod in pods if job.uid in objects.owner_uids(pod) for status in _ended_in(pod)
    ]
    status = next(iter(ran), {})
    end = objects.field(status, "state", "terminated")
    code, text = objects.field(end, "exitCode"), objects.field(end, "message")
    killed = objects.field(end, "reason")
    # `Error` and the backoff limit say no more than the exit code does
    words = killed if isinstance(killed, str) and killed not in {"Error", "Completed"} else ""
    return JobEnd(
        namespace=job.namespace,
        job=job.name,
        revision=job.revision,
        at=at,
        exit_code=code if isinstance(code, int) else None,
        text=text if isinstance(text, str) else "",
        image=_pulled(status),
        why=words or ("" if isinstance(code, int) else job.why or "no pod of it is left"),
    )


def _ended(item: JsonObject) -> JsonObject:
    conditions = objects.field(item, "status", "conditions")
    for condition in conditions if isinstance(conditions, list) else []:
        if not isinstance(condition, dict) or condition.get("status") != "True":
            continue
        if condition.get("type") in _ENDED:
            return condition
    return {}


def _ended_in(pod: JsonObject) -> Iterator[JsonObject]:
    """The status of the job's container, once that has ended."""
    for status in entries(pod, "status", "containerStatuses"):
        if text(status, "name") == CONTAINER and section(status, "state", "terminated"):
            yield status


def _pulled(status: JsonObject) -> str | None:
    """The image that ran, where it came from a registry: a configuration's id cannot be pulled."""
    image = read_image_id(text(status, "imageID")) or ""
    return image if is_digest(image.rpartition("@")[2]) and "@" in image else None
