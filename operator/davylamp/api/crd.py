"""Generates the CustomResourceDefinition from the models, as a structural schema.

Source: apiextensions v1, "Specifying a structural schema": no $ref, no additionalProperties
beside properties, no anyOf for optional fields.
"""

import copy
from typing import Final

from pydantic import BaseModel

from davylamp.api import names
from davylamp.api.operator_claim import UNOBSERVED
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.api.status import ModelDeploymentStatus
from davylamp.api.template import overlay_schema
from davylamp.schema.json import Json, JsonObject, section

MAX_NAME_LENGTH: Final = 35
"""Deployments append `-<10 hex>`. Pods of a Deployment whose name has more than 46 characters carry
it shortened, and the metrics of a pod are found by that name."""

_DROPPED: Final = frozenset({"title", "additionalProperties", "examples", "$defs"})


def structural(model: type[BaseModel], *, with_defaults: bool) -> JsonObject:
    """The structural schema of a model.

    Status schemas have no defaults: the API server would write them into objects that the operator
    has not observed yet.
    """
    schema: JsonObject = model.model_json_schema(by_alias=True, mode="validation")
    definitions = schema.get("$defs", {})
    assert isinstance(definitions, dict)  # noqa: S101  (pydantic always makes it an object)
    plain = _structural(schema, definitions, with_defaults=with_defaults)
    assert isinstance(plain, dict)  # noqa: S101
    return plain


def _structural(node: Json, definitions: JsonObject, *, with_defaults: bool) -> Json:
    if isinstance(node, list):
        return [_structural(item, definitions, with_defaults=with_defaults) for item in node]
    if not isinstance(node, dict):
        return node
    node = _inlined(node, definitions)
    plain: JsonObject = {}
    for key, value in node.items():
        if key == "properties" and isinstance(value, dict):
            required = node.get("required", [])
            assert isinstance(required, list)  # noqa: S101
            plain[key] = {
                name: _property(
                    _structural(child, definitions, with_defaults=with_defaults),
                    with_default=with_defaults and name not in required and not _is_absent(child),
                )
                for name, child in value.items()
            }
        elif key in {"default", "enum", "required"} or key.startswith("x-kubernetes"):
            if key != "default":
                plain[key] = copy.deepcopy(value)
            elif with_defaults and value is not None:
                plain[key] = _without_nulls(value)
        elif key not in _DROPPED:
            plain[key] = _structural(value, definitions, with_defaults=with_defaults)
    return _with_map_values(plain, node, definitions, with_defaults=with_defaults)


def _is_absent(field: Json) -> bool:
    """Whether an unset field stays absent: a group of fields whose presence means something."""
    return isinstance(field, dict) and "default" in field and field["default"] is None


def _property(schema: Json, *, with_default: bool) -> Json:
    """Optional groups of fields default to an empty object, so the defaults inside them show."""
    if with_default and isinstance(schema, dict) and "properties" in schema:
        return {**schema, "default": schema.get("default", {})}
    return schema


def _without_nulls(value: Json) -> Json:
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value


def _inlined(node: JsonObject, definitions: JsonObject) -> JsonObject:
    """Follow $ref, unwrap `X | None`, turn const into enum; the nearer description wins."""
    outer = dict(node)
    reference = outer.pop("$ref", None)
    if isinstance(reference, str):
        target = definitions[reference.rsplit("/", 1)[-1]]
        assert isinstance(target, dict)  # noqa: S101
        return _inlined({**target, **outer}, definitions)
    choices = outer.pop("anyOf", None)
    if isinstance(choices, list):
        real = [c for c in choices if isinstance(c, dict) and c.get("type") != "null"]
        if len(real) == 1:
            return _inlined({**real[0], **outer}, definitions)
        return {"x-kubernetes-int-or-string": True, **outer}
    if "const" in outer:
        outer["enum"] = [outer.pop("const")]
    return outer


def _with_map_values(
    plain: JsonObject, node: JsonObject, definitions: JsonObject, *, with_defaults: bool
) -> JsonObject:
    """Keep the value type of string-keyed maps, which pydantic puts in additionalProperties."""
    values = node.get("additionalProperties")
    open_object = plain.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(values, dict) and "properties" not in plain and not open_object:
        plain["additionalProperties"] = _structural(
            values, definitions, with_defaults=with_defaults
        )
    return plain


def _column(name: str, path: str, description: str, **extra: Json) -> JsonObject:
    return {
        "name": name,
        "jsonPath": path,
        "description": description,
        "type": "string",
        **extra,
    }


def _condition(kind: str, field: str) -> str:
    return f'.status.conditions[?(@.type=="{kind}")].{field}'


def _columns() -> list[Json]:
    return [
        _column(
            "Ready", _condition("Ready", "status"), "Whether the revision of the spec is serving."
        ),
        _column("Tag", ".status.stable.tag", "Tag of the stable revision."),
        _column("Candidate", ".status.candidate.tag", "Tag of the candidate."),
        _column(
            "Weight",
            ".status.candidate.actualWeight",
            "Share of the traffic that the candidate gets, in percent.",
            type="integer",
        ),
        _column("Step", ".status.candidate.step", "Step of the candidate.", type="integer"),
        _column("Reason", _condition("Ready", "reason"), "Reason of Ready."),
        _column("Age", ".metadata.creationTimestamp", "Age.", type="date"),
        _column(
            "Snapshot",
            ".status.stable.featureSnapshot",
            "Feature snapshot of the stable revision.",
            priority=1,
        ),
        _column(
            "Seed",
            ".status.stable.seed",
            "Training seed of the stable revision.",
            type="integer",
            priority=1,
        ),
        _column("Message", _condition("Ready", "message"), "Message of Ready.", priority=1),
    ]


def _with_overlay(spec: JsonObject) -> JsonObject:
    """The schema of the spec, with what an overlay may hold: for the models that is any JSON."""
    template = spec
    for name in ("serving", "template"):
        template = section(template, "properties", name)
    template.update(overlay_schema())
    return spec


def _root_schema() -> JsonObject:
    return {
        "type": "object",
        "description": "A machine-learning model in service, rolled out and rolled back automatically.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": "Version of this API."},
            "kind": {"type": "string", "description": "Always ModelDeployment."},
            "metadata": {"type": "object"},
            "spec": _with_overlay(structural(ModelDeploymentSpec, with_defaults=True)),
            # by the kstatus rules an object without a status counts as healthy
            "status": {
                **structural(ModelDeploymentStatus, with_defaults=False),
                "default": {"observedGeneration": UNOBSERVED},
            },
        },
        "x-kubernetes-validations": [
            {
                "rule": f"self.metadata.name.size() <= {MAX_NAME_LENGTH}",
                "message": (
                    f"metadata.name may have at most {MAX_NAME_LENGTH} characters: Deployments, "
                    "Services and pods of each revision append to it"
                ),
            },
            {
                "rule": "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
                "message": "metadata.name must be a Service name: a-z, 0-9 and -, beginning with a letter",
            },
        ],
    }


def custom_resource_definition() -> JsonObject:
    """The whole CRD, ready for `kubectl apply --server-side`.

    It has no short names: `md` belongs to Cluster API's MachineDeployment, and where two kinds share
    a short name kubectl picks one without a word. `kubectl get davylamp` works by the category.
    """
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names.PLURAL}.{names.GROUP}"},
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": names.KIND,
                "listKind": f"{names.KIND}List",
                "plural": names.PLURAL,
                "singular": names.KIND.lower(),
                "categories": ["davylamp"],
            },
            "versions": [
                {
                    "name": names.VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": _root_schema()},
                    "additionalPrinterColumns": _columns(),
                    "subresources": {
                        "status": {},
                        "scale": {
                            "specReplicasPath": ".spec.replicas",
                            "statusReplicasPath": ".status.replicas",
                            "labelSelectorPath": ".status.selector",
                        },
                    },
                }
            ],
        },
    }
