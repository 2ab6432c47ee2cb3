"""The pod template of a revision: restricted, soon known to be ready, given time to drain."""

import hashlib
from collections.abc import Collection
from typing import Final

from davylamp.api import names
from davylamp.api.identity import PORT_NAME, Owner, revision_labels
from davylamp.api.serving import Image
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.manifests.overlay import (
    Essentials,
    Privilege,
    TemplateRefused,
    check_demands,
    merged,
    model_port,
    stop_of,
    upheld,
)
from davylamp.schema.json import Json, JsonObject, entries, text

LONGEST_KEY: Final = 253
"""Of an entry of a Secret."""
METRICS_PATH: Final = "/metrics"
SECRETS_PATH: Final = "/etc/davylamp/secrets"
_IMAGES: Final = (
    ("containers", "container", ("image",)),
    ("initContainers", "init container", ("image",)),
    ("volumes", "volume", ("image", "reference")),
)


def pod_template(
    owner: Owner, revision: str, spec: ModelDeploymentSpec, pinned: dict[str, list[str]]
) -> JsonObject:
    """The pod template of a revision, with the user's overlay.

    Args:
        owner: the ModelDeployment.
        revision: name of the revision.
        spec: the spec that the revision was made from.
        pinned: keys by pinned Secret, which are mounted from the revision's own copy.
    """
    labels: JsonObject = dict(revision_labels(owner, revision, spec.image.tag).items())
    template: JsonObject = {
        "metadata": owner.extended(
            revision_labels(owner, revision, spec.image.tag),
            {
                "prometheus.io/scrape": "true",
                "prometheus.io/port": str(model_port(spec.serving)),
                "prometheus.io/path": METRICS_PATH,
            },
        ),
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": stop_of(spec.serving).grace,
            "securityContext": {
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "imagePullSecrets": [{"name": name} for name in spec.image.pull_secrets],
            "containers": [_container(spec)],
            "volumes": _volumes(owner, revision, spec, pinned),
        },
    }
    environment: JsonObject = {"configMapRef": {"name": owner.child(revision)}}
    return upheld(
        merged(template, spec.serving.template), Essentials(labels, environment, spec.config)
    )


def template_fault(
    spec: ModelDeploymentSpec, allowed: Collection[Privilege] = frozenset()
) -> str | None:
    """Why no pod may be made from a spec, with the path of what is wrong; None if one may.

    Args:
        spec: what a user wrote.
        allowed: privileges that its pods may have.
    """
    pinned: dict[str, list[str]] = {secret.name: [] for secret in spec.secrets}
    owner = Owner("any", "any", "any", spec.metadata)
    try:
        template = pod_template(owner, "any", spec, pinned)
        check_demands(template, spec.serving.template, allowed)
    except TemplateRefused as refused:
        return str(refused)
    return None


def images_of(spec: ModelDeploymentSpec) -> list[tuple[str, str]]:
    """All images of a spec's pods: who has one, and which; none where it makes no pod.

    Images as volumes count as well: what lies in one may be run.
    """
    pinned: dict[str, list[str]] = {secret.name: [] for secret in spec.secrets}
    try:
        template = pod_template(Owner("any", "any", "any", spec.metadata), "any", spec, pinned)
    except TemplateRefused:
        return []
    return [
        (f"the {kind} {text(item, 'name')}", text(item, *path))
        for part, kind, path in _IMAGES
        for item in entries(template, "spec", part)
        if part != "volumes" or item.get("image")
    ]


def image_reference(image: Image) -> str:
    """The image as a pod names it; with a digest, the tag does not matter."""
    tagged = f"{image.repository}:{image.tag}"
    return f"{tagged}@{image.digest}" if image.digest else tagged


def _container(spec: ModelDeploymentSpec) -> JsonObject:
    resources: JsonObject = spec.serving.resources.model_dump(mode="json", exclude_defaults=True)
    return {
        "name": names.CONTAINER,
        "image": image_reference(spec.image),
        "imagePullPolicy": spec.image.pull_policy,
        "ports": [
            {"name": PORT_NAME, "containerPort": model_port(spec.serving), "protocol": "TCP"}
        ],
        "resources": resources,
        "readinessProbe": _probe("/readyz", period=2, failures=3),
        "livenessProbe": _probe("/healthz", period=10, failures=6),
        "startupProbe": _probe("/healthz", period=1, failures=300),
        "lifecycle": stop_of(spec.serving).lifecycle,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": _mounts(spec),
    }


def _mounts(spec: ModelDeploymentSpec) -> list[Json]:
    mounts: list[Json] = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108  (a path in the pod)
    for number, secret in enumerate(spec.secrets):
        path = f"{SECRETS_PATH}/{secret.name}"
        mounts.append({"name": f"secret-{number}", "mountPath": path, "readOnly": True})
    return mounts


def _probe(path: str, *, period: int, failures: int) -> JsonObject:
    return {
        "httpGet": {"path": path, "port": PORT_NAME},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }


def _volumes(
    owner: Owner, revision: str, spec: ModelDeploymentSpec, pinned: dict[str, list[str]]
) -> list[Json]:
    volumes: list[Json] = [{"name": "tmp", "emptyDir": {}}]
    for number, secret in enumerate(spec.secrets):
        source: JsonObject = {"secretName": secret.name}
        if secret.policy == "Pin":
            source = {
                "secretName": owner.child(revision),
                "items": [
                    {"key": pinned_key(secret.name, key), "path": key}
                    for key in pinned[secret.name]
                ],
            }
        volumes.append({"name": f"secret-{number}", "secret": source})
    return volumes


def pinned_key(secret: str, key: str) -> str:
    """The key, in the revision's own Secret, of an entry of a pinned Secret.

    No two entries share one: the name of a Secret has no underscore, so the first one ends it, and
    only the hash of what would be too long begins with one.
    """
    readable = f"{secret}_{key}"
    if len(readable) <= LONGEST_KEY:
        return readable
    return f"_{hashlib.sha256(readable.encode()).hexdigest()}"
