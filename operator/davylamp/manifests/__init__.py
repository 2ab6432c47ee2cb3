"""The Kubernetes objects of a revision, as plain JSON objects."""

from davylamp.api.identity import Owner, model_labels
from davylamp.manifests.diff import projected, says_the_same
from davylamp.manifests.disruption import disruption_budget
from davylamp.manifests.events import event
from davylamp.manifests.overlay import Privilege
from davylamp.manifests.pods import template_fault
from davylamp.manifests.revisions import (
    config_map_of,
    deployment_of,
    has_pinned,
    is_whole,
    model_image,
    pinned_secret,
    record,
    recorded,
    resolved_digest,
)

__all__ = [
    "Owner",
    "Privilege",
    "config_map_of",
    "deployment_of",
    "disruption_budget",
    "event",
    "has_pinned",
    "is_whole",
    "model_image",
    "model_labels",
    "pinned_secret",
    "projected",
    "record",
    "recorded",
    "resolved_digest",
    "says_the_same",
    "template_fault",
]
