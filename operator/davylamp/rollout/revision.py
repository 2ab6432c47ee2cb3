"""A revision: everything that makes one model behave as it does, named by a hash of the intent.

Only what users wrote is hashed, never what the operator rendered from it, so a new operator
version finds the same revisions (promise P8). The hash carries its own version.
"""

import hashlib
import json
from typing import Final

from davylamp.api.spec import ModelDeploymentSpec
from davylamp.api.status import RevisionRef
from davylamp.api.template import is_read_as
from davylamp.schema.json import JsonObject, integer, section, text

HASH_VERSION: Final = 1
NAME_LENGTH: Final = 10
_INTENT_FIELDS: Final = {
    *("image", "feature_snapshot", "seed", "config", "secrets", "serving", "metadata"),
}


def intent_of(spec: ModelDeploymentSpec) -> JsonObject:
    """The part of the spec that makes a revision: all that its pods are made of.

    Changing only `replicas`, `rollout` or `paused` leaves it as it is. Defaults are left out, so
    a field that a later API version adds does not change the intent of older objects.
    """
    intent: JsonObject = spec.model_dump(
        mode="json", by_alias=True, include=_INTENT_FIELDS, exclude_defaults=True
    )
    return intent


def name_of(intent: JsonObject) -> str:
    """The revision's name: ten hex digits over the canonical JSON of the intent."""
    canonical = json.dumps([HASH_VERSION, intent], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:NAME_LENGTH]


def identify(spec: ModelDeploymentSpec, known: dict[str, JsonObject]) -> RevisionRef:
    """The revision a spec asks for.

    `known` maps the names of recorded revisions to their intents; an equal intent keeps its
    recorded name even when the hash of a later version would differ, and so does one that only
    lost what the API server does not keep any more (P8).
    """
    intent = intent_of(spec)
    names = sorted(known)
    equal = [name for name in names if known[name] == intent]
    recorded = iter(equal or [name for name in names if _is_read_as(known[name], intent)])
    return RevisionRef(
        revision=next(recorded, name_of(intent)),
        tag=spec.image.tag,
        digest=spec.image.digest,
        feature_snapshot=spec.feature_snapshot.id,
        seed=spec.seed,
    )


def _is_read_as(recorded: JsonObject, intent: JsonObject) -> bool:
    """Whether a spec of a recorded intent is read as another today: an open definition kept more."""
    before, now = (section(written, "serving", "template") for written in (recorded, intent))
    if not (before and now) or _besides_template(recorded) != _besides_template(intent):
        return False
    return is_read_as(before, now)


def _besides_template(intent: JsonObject) -> JsonObject:
    return {**intent, "serving": {**section(intent, "serving"), "template": None}}


def ref_of(revision: str, intent: JsonObject) -> RevisionRef | None:
    """Which model a recorded revision is; None where the record does not say."""
    tag, snapshot = text(intent, "image", "tag"), text(intent, "featureSnapshot", "id")
    if not (tag and snapshot):
        return None
    return RevisionRef(
        revision=revision,
        tag=tag,
        digest=text(intent, "image", "digest") or None,
        feature_snapshot=snapshot,
        seed=integer(intent, "seed"),
    )
