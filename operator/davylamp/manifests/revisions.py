"""The objects of one revision, rendered once and kept in its record.

The record (a ControllerRevision, immutable by the API server's own rule) holds what was rendered.
Later operator versions apply what the record says, so an upgrade restarts no pod (P8), and going
back means applying an old record (P7).

A record holds no identity: a record outlives its ModelDeployment, in a backup or when children are
left behind, and a uid of then names nobody now. Owner, name and namespace are stamped on what comes
out of it, also out of records of earlier versions, which still hold an owner.
"""

from collections.abc import Mapping
from typing import Final

from davylamp.api import names
from davylamp.api.identity import Owner, revision_labels, selector
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.api.status import RevisionRef
from davylamp.manifests.overlay import model_port
from davylamp.manifests.pods import pinned_key, pod_template
from davylamp.rollout.revision import HASH_VERSION, intent_of
from davylamp.schema.json import Json, JsonObject, entries, field, section, text

RESERVED_PREFIX: Final = "DAVYLAMP_"


def record(  # noqa: PLR0913  (all that a record is made from)
    owner: Owner,
    ref: RevisionRef,
    spec: ModelDeploymentSpec,
    *,
    number: int,
    pinned: Mapping[str, list[str]],
    digest: str | None = None,
) -> JsonObject:
    """The ControllerRevision of a revision.

    Args:
        owner: the ModelDeployment.
        ref: the revision.
        spec: the spec it is made from.
        number: rises with each new revision of the owner.
        pinned: keys of each Secret with policy Pin, by the Secret's name.
        digest: what the image's tag was resolved to; the intent keeps what users wrote.
    """
    image = spec.image.model_copy(update={"digest": spec.image.digest or digest})
    rendered = spec.model_copy(update={"image": image})
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": owner.metadata(
            owner.child(ref.revision), revision_labels(owner, ref.revision, ref.tag)
        ),
        "revision": number,
        "data": {
            "hashVersion": HASH_VERSION,
            "intent": intent_of(spec),
            "configMap": _config_map(owner, ref, spec),
            "deployment": _deployment(owner, ref, rendered, dict(pinned)),
        },
    }


def recorded(record_manifest: JsonObject, part: str) -> JsonObject:
    """A part of a record: `intent`, `configMap` or `deployment`."""
    data = record_manifest.get("data")
    content = data.get(part) if isinstance(data, dict) else None
    if not isinstance(content, dict):
        raise ValueError(f"the ControllerRevision has no data.{part}")  # noqa: TRY004
    return content


def is_whole(owner: Owner, record_manifest: JsonObject) -> bool:
    """Whether a record holds what one of the owner's records holds.

    Whatever carries our labels is read as a record, and what it holds is applied with our rights:
    nothing but the revision's own objects, under their own names, may come out of it.
    """
    data = record_manifest.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("intent"), dict):
        return False
    revision = text(record_manifest, "metadata", "labels", names.LABEL_REVISION)
    name = owner.child(revision)
    pods = field(data, "deployment", "spec", "selector", "matchLabels")
    return (
        text(record_manifest, "metadata", "namespace") == owner.namespace
        and text(record_manifest, "metadata", "name") == name
        and _kind_and_name(data.get("configMap")) == ("v1", "ConfigMap", name)
        and _kind_and_name(data.get("deployment")) == ("apps/v1", "Deployment", name)
        and pods == selector(owner, revision)
    )


def model_image(manifest: JsonObject) -> str:
    """The image that a Deployment runs as the model: with `@sha256:...` where it is pinned."""
    containers = entries(manifest, "spec", "template", "spec", "containers")
    return next((text(c, "image") for c in containers if text(c, "name") == names.CONTAINER), "")


def resolved_digest(record_manifest: JsonObject) -> str | None:
    """What the tag of a recorded revision was resolved to; None where it was not.

    A digest that stands in the spec, or an image in the overlay, was never resolved.
    """
    image = section(recorded(record_manifest, "intent"), "image")
    if image.get("digest"):
        return None
    tagged, _, digest = model_image(recorded(record_manifest, "deployment")).partition("@")
    is_ours = tagged == f"{text(image, 'repository')}:{text(image, 'tag')}"
    return digest if is_ours and digest else None


def has_pinned(record_manifest: JsonObject) -> bool:
    """Whether a revision has a Secret of its own."""
    secrets = recorded(record_manifest, "intent").get("secrets")
    listed = secrets if isinstance(secrets, list) else []
    return any(isinstance(secret, dict) and secret.get("policy") == "Pin" for secret in listed)


def _kind_and_name(manifest: Json) -> tuple[str, str, str]:
    """API version, kind and name."""
    return text(manifest, "apiVersion"), text(manifest, "kind"), text(manifest, "metadata", "name")


def deployment_of(owner: Owner, record_manifest: JsonObject, replicas: int) -> JsonObject:
    """The recorded Deployment with a number of pods, as the owner's."""
    manifest = _stamped(owner, record_manifest, "deployment")
    return {**manifest, "spec": {**section(manifest, "spec"), "replicas": replicas}}


def config_map_of(owner: Owner, record_manifest: JsonObject) -> JsonObject:
    """The recorded ConfigMap, as the owner's."""
    return _stamped(owner, record_manifest, "configMap")


def _stamped(owner: Owner, record_manifest: JsonObject, part: str) -> JsonObject:
    """A recorded object as the present owner's; whose it was when it was recorded is left out."""
    manifest = recorded(record_manifest, part)
    described = section(manifest, "metadata")
    kept = [_texts(section(described, part)) for part in ("labels", "annotations")]
    return {
        **{key: value for key, value in manifest.items() if key != "status"},
        "metadata": owner.metadata(text(record_manifest, "metadata", "name"), *kept),
    }


def _texts(entries: JsonObject) -> dict[str, str]:
    return {key: value for key, value in entries.items() if isinstance(value, str)}


def pinned_secret(
    owner: Owner, ref: RevisionRef, sources: Mapping[str, Mapping[str, str]]
) -> JsonObject:
    """The revision's own immutable copy of its pinned Secrets.

    `sources` maps each Secret's name to its data, values in base64 as the API gives them.
    """
    data: JsonObject = {
        pinned_key(name, key): value
        for name, entries in sorted(sources.items())
        for key, value in sorted(entries.items())
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": owner.metadata(
            owner.child(ref.revision), revision_labels(owner, ref.revision, ref.tag)
        ),
        "type": "Opaque",
        "immutable": True,
        "data": data,
    }


def _config_map(owner: Owner, ref: RevisionRef, spec: ModelDeploymentSpec) -> JsonObject:
    fixed: dict[str, Json] = {
        f"{RESERVED_PREFIX}MODEL": owner.name,
        f"{RESERVED_PREFIX}REVISION": ref.revision,
        f"{RESERVED_PREFIX}IMAGE_TAG": spec.image.tag,
        f"{RESERVED_PREFIX}FEATURE_SNAPSHOT": spec.feature_snapshot.id,
        f"{RESERVED_PREFIX}FEATURE_SNAPSHOT_URI": spec.feature_snapshot.uri or "",
        f"{RESERVED_PREFIX}FEATURE_SNAPSHOT_SHA256": spec.feature_snapshot.sha256 or "",
        f"{RESERVED_PREFIX}SEED": str(spec.seed),
        "PORT": str(model_port(spec.serving)),
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": owner.description(
            owner.child(ref.revision), revision_labels(owner, ref.revision, ref.tag)
        ),
        "immutable": True,
        "data": {**spec.config, **fixed},
    }


def _deployment(
    owner: Owner, ref: RevisionRef, spec: ModelDeploymentSpec, pinned: dict[str, list[str]]
) -> JsonObject:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": owner.description(
            owner.child(ref.revision), revision_labels(owner, ref.revision, ref.tag)
        ),
        "spec": {
            "replicas": 0,
            "revisionHistoryLimit": 0,
            "selector": {"matchLabels": dict(selector(owner, ref.revision))},
            "template": pod_template(owner, ref.revision, spec, pinned),
        },
    }
