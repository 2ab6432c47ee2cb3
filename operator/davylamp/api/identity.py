"""Names, labels and owner references of a ModelDeployment's children.

Parents' labels are never copied: a GitOps tool's tracking label on a child would get it pruned.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from davylamp.api import names
from davylamp.api.child_metadata import NOTHING, ChildMetadata
from davylamp.schema.json import JsonObject

PORT_NAME: Final = "http"
"""Name of the port that a model serves on; pods declare it, Services send traffic to it."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The ModelDeployment that children belong to."""

    name: str
    namespace: str
    uid: str
    extra: ChildMetadata = field(default=NOTHING, hash=False)
    """What users want on all children, besides ours."""

    def child(self, revision: str) -> str:
        """Name of a revision's objects."""
        return f"{self.name}-{revision}"

    def fields(self) -> dict[str, str]:
        """What log records about it carry."""
        return {"namespace": self.namespace, "name": self.name}

    def reference(self) -> JsonObject:
        """Owner reference: children go when the owner goes, without any finalizer."""
        return {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": False,
        }

    def description(self, name: str, labels: dict[str, str]) -> JsonObject:
        """Metadata of a child as it may be kept: it says nothing of whose it is."""
        return {"name": name, "namespace": self.namespace, "labels": dict(labels)}

    def metadata(
        self, name: str, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
    ) -> JsonObject:
        """Metadata of a child as it is applied: with what users want on it, where ours says nothing."""
        marked = {**(annotations or {}), **self.extra.mark()}
        described = {**self.description(name, {}), **self.extended(labels, marked)}
        return {**described, "ownerReferences": [self.reference()]}

    def extended(
        self, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
    ) -> JsonObject:
        """Labels and annotations of a child or its pods; ours win over what users want on all."""
        noted: JsonObject = {**self.extra.annotations, **(annotations or {})}
        described: JsonObject = {"labels": {**self.extra.labels, **labels}}
        return {**described, "annotations": noted} if noted else described


def model_labels(owner: Owner) -> dict[str, str]:
    """Labels of everything that belongs to one ModelDeployment."""
    return {
        names.LABEL_NAME: owner.name,
        names.LABEL_MANAGED_BY: names.MANAGED_BY,
        names.LABEL_PART_OF: names.MANAGED_BY,
        names.LABEL_MODEL: owner.name,
    }


def revision_labels(owner: Owner, revision: str, tag: str) -> dict[str, str]:
    """Labels of one revision's objects and pods."""
    return {
        **model_labels(owner),
        names.LABEL_REVISION: revision,
        names.LABEL_VERSION: label_value(tag),
    }


def label_value(text: str) -> str:
    """The nearest valid label value: at most 63 characters, alphanumeric at both ends."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "-", text)[:63]
    return re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9]+$", "", safe)


def selector(owner: Owner, revision: str | None = None) -> dict[str, str]:
    """Selector of all pods of the model, or of one revision's."""
    chosen = {names.LABEL_MODEL: owner.name}
    if revision is not None:
        chosen[names.LABEL_REVISION] = revision
    return chosen
