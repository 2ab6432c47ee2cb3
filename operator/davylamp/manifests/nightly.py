"""The nightly job: a CronJob for what serves, and one Job for a candidate before it gets traffic.

Both run the training image of a revision with that revision's own environment, secrets and place in
the cluster, as its record says. Their pods do not carry the model's label: Services and the
disruption budget select by it.
"""

import hashlib
import json
from typing import Final

from davylamp.api import names
from davylamp.api.explanations import Explanations
from davylamp.api.identity import Owner, label_value, revision_labels
from davylamp.api.status import RevisionRef
from davylamp.manifests.revisions import model_image, recorded
from davylamp.schema.json import Json, JsonObject, entries

CONTAINER: Final = "drift"
ARGUMENTS: Final = ("drift",)
TRAINING_SUFFIX: Final = "-training"
LONGEST_RUN: Final = 3600
"""Seconds after which a run is stopped, and the delay after which a night is left out."""
KEPT_FOR: Final = 7 * 24 * 3600
"""Seconds that an ended run and its log are kept."""
_FROM_THE_POD: Final = (
    "imagePullSecrets",
    "nodeSelector",
    "securityContext",
    "serviceAccountName",
    "tolerations",
    "volumes",
)
"""Parts of the revision's pods that its jobs share: what they may read and where they run."""


def cron_job_name(owner: Owner) -> str:
    """Name of the CronJob; the API server allows 52 characters."""
    return f"{owner.name}-explanations"


def candidate_job_name(owner: Owner, revision: str) -> str:
    """Name of the Job that a candidate has to pass."""
    return f"{owner.child(revision)}-drift"


def cron_job(
    owner: Owner, ref: RevisionRef, record: JsonObject, explanations: Explanations
) -> JsonObject:
    """The CronJob of the revision that serves.

    Args:
        owner: the ModelDeployment.
        ref: the revision that is explained.
        record: of the revision.
        explanations: `spec.explanations`.
    """
    labels = revision_labels(owner, ref.revision, ref.tag)
    spec: JsonObject = {
        "schedule": explanations.schedule,
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": LONGEST_RUN,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        # `kubectl create job --from` copies the template with its labels, by which it is recognised
        "jobTemplate": {
            "metadata": owner.extended(labels),
            "spec": _job_spec(owner, ref, record, explanations),
        },
    }
    rendered = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:10]
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": owner.metadata(
            cron_job_name(owner), labels, {names.ANNOTATION_RENDERED: rendered}
        ),
        "spec": spec,
    }


def candidate_job(
    owner: Owner, ref: RevisionRef, record: JsonObject, explanations: Explanations, *, rollout: str
) -> JsonObject:
    """The Job of a candidate; `rollout` tells the runs of one revision's attempts apart."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": owner.metadata(
            candidate_job_name(owner, ref.revision),
            revision_labels(owner, ref.revision, ref.tag),
            {names.ANNOTATION_ROLLOUT: rollout},
        ),
        "spec": _job_spec(owner, ref, record, explanations),
    }


def _job_spec(
    owner: Owner, ref: RevisionRef, record: JsonObject, explanations: Explanations
) -> dict[str, Json]:
    """One run: exit code 3 means drift, so nothing is run again."""
    return {
        "backoffLimit": 0,
        "activeDeadlineSeconds": LONGEST_RUN,
        "ttlSecondsAfterFinished": KEPT_FOR,
        "template": {
            "metadata": owner.extended(
                {
                    names.LABEL_EXPLAINS: owner.name,
                    names.LABEL_REVISION: ref.revision,
                    names.LABEL_VERSION: label_value(ref.tag),
                }
            ),
            "spec": _pod(owner, ref, record, explanations),
        },
    }


def _pod(
    owner: Owner, ref: RevisionRef, record: JsonObject, explanations: Explanations
) -> JsonObject:
    pod = _at(recorded(record, "deployment"), "spec", "template", "spec")
    shared = {key: pod[key] for key in _FROM_THE_POD if pod.get(key)}
    return {
        **shared,
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [_container(owner, ref, record, explanations)],
    }


def _container(
    owner: Owner, ref: RevisionRef, record: JsonObject, explanations: Explanations
) -> JsonObject:
    model = _model_container(record)
    shared = {key: model[key] for key in ("imagePullPolicy", "volumeMounts") if model.get(key)}
    before = model.get("env")
    resources: JsonObject = explanations.resources.model_dump(mode="json", exclude_defaults=True)
    return {
        **shared,
        "name": CONTAINER,
        "image": training_image(ref, record, explanations),
        "args": list(ARGUMENTS),
        "envFrom": _sources(model, {"configMapRef": {"name": owner.child(ref.revision)}}),
        "env": [*(before if isinstance(before, list) else []), *_environment(owner, explanations)],
        "resources": resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _sources(model: JsonObject, ours: JsonObject) -> list[Json]:
    """Where the model's variables come from; ours last, so that they count."""
    return [*(source for source in entries(model, "envFrom") if source != ours), ours]


def _environment(owner: Owner, explanations: Explanations) -> list[Json]:
    values = {
        "SERVER_URL": f"http://{owner.name}-stable.{owner.namespace}.svc",
        "RECENT_URI": explanations.recent or "",
        "EXPLANATION_DISTANCE": explanations.distance,
        "REPORT_URI": explanations.report or "",
    }
    return [{"name": f"DAVYLAMP_{name}", "value": value} for name, value in values.items()]


def training_image(ref: RevisionRef, record: JsonObject, explanations: Explanations) -> str:
    """The training image, bound to a digest as soon as one is known.

    That is the model's own where both come from one repository, and otherwise what the first run
    pulled: a tag that is moved later changes nothing.
    """
    repository = _repository(record, explanations)
    tagged = f"{repository}:{ref.tag}"
    model = model_image(recorded(record, "deployment"))
    if model.startswith(f"{tagged}@"):
        return model
    pulled, _, digest = (ref.training_image or "").partition("@")
    return f"{tagged}@{digest}" if digest and _is_same(repository, pulled) else tagged


def _is_same(repository: str, pulled: str) -> bool:
    """Whether a runtime's name of a repository is the user's: it spells those of Docker Hub out."""
    return pulled in {repository, f"docker.io/{repository}", f"docker.io/library/{repository}"}


def _repository(record: JsonObject, explanations: Explanations) -> str:
    image = _at(recorded(record, "intent"), "image")
    return explanations.repository or f"{image.get('repository')}{TRAINING_SUFFIX}"


def _model_container(record: JsonObject) -> JsonObject:
    containers = _at(recorded(record, "deployment"), "spec", "template", "spec").get("containers")
    for container in containers if isinstance(containers, list) else []:
        if isinstance(container, dict) and container.get("name") == names.CONTAINER:
            return container
    return {}


def _at(node: JsonObject, *path: str) -> JsonObject:
    """An object inside an object, empty where there is none."""
    for key in path:
        inner = node.get(key)
        node = inner if isinstance(inner, dict) else {}
    return node
