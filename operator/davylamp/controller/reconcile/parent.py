"""The ModelDeployment that a pass is about, read once: its key, owner, spec and status. Pure."""

from dataclasses import dataclass, field

from pydantic import ValidationError

from davylamp.adapters.prometheus import templates
from davylamp.api.names import Reason
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.cache import Key, metadata
from davylamp.controller.cluster.refusals import Refusal
from davylamp.manifests import Owner
from davylamp.schema.json import JsonObject


@dataclass(frozen=True, slots=True)
class Parent:
    """One ModelDeployment as it was at the beginning of a pass."""

    key: Key
    owner: Owner
    manifest: JsonObject = field(repr=False)
    """As stored; what is written is written under this version."""
    status: ModelDeploymentStatus
    spec: ModelDeploymentSpec | None
    """None when it cannot be followed."""
    refusal: Refusal | None
    """Why it cannot."""
    generation: int

    @property
    def was_followed(self) -> bool:
        """Whether something serves or is being rolled out, whatever the spec says now."""
        return bool(self.status.candidate or self.status.stable)


def read_parent(key: Key, manifest: JsonObject) -> Parent:
    """A stored ModelDeployment."""
    spec, refusal = read_spec(manifest)
    generation = objects.field(manifest, "metadata", "generation")
    return Parent(
        key=key,
        owner=Owner(key.name, key.namespace, metadata(manifest, "uid")),
        manifest=manifest,
        status=ModelDeploymentStatus.model_validate(manifest.get("status") or {}),
        spec=spec,
        refusal=refusal,
        generation=generation if isinstance(generation, int) else 0,
    )


def read_spec(manifest: JsonObject) -> tuple[ModelDeploymentSpec | None, Refusal | None]:
    """The spec, or why it cannot be followed, with the path of the field."""
    try:
        spec = ModelDeploymentSpec.model_validate(manifest.get("spec") or {})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(["spec", *(str(part) for part in first["loc"])])
        return None, Refusal(Reason.INVALID_SPEC, f"{path}: {first['msg']}")
    wrong = _query_refusal(spec)
    return (None if wrong else spec), wrong


def _query_refusal(spec: ModelDeploymentSpec) -> Refusal | None:
    """Why a query of a gate can never be asked: variables are not for the API server to check."""
    for number, gate in enumerate(spec.rollout.gates):
        try:
            templates.check(gate.query.promql if gate.query else "")
        except ValueError as wrong:
            path = f"spec.rollout.gates.{number}.query.promql"
            return Refusal(Reason.INVALID_SPEC, f"{path}: {wrong}")
    return None
