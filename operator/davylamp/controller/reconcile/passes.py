"""One pass as a value: the ModelDeployment, its children, and all that was observed of them. Pure.

Each part is read once and handed on as a whole, so that nobody on the way asks for it again.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pydantic import ValidationError

from davylamp.adapters.errors import OperatorError
from davylamp.adapters.prometheus import templates
from davylamp.api.child_metadata import NOTHING, ChildMetadata
from davylamp.api.names import Reason
from davylamp.api.spec import ModelDeploymentSpec, Rollout
from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.objects import metadata, why_unread
from davylamp.controller.cluster.owning.ownership import Orphan
from davylamp.controller.cluster.pods import Pod
from davylamp.controller.cluster.stored import StoredChildren
from davylamp.controller.evidence.user_queries import SWITCHED_OFF
from davylamp.controller.images.questions import fault_of_job
from davylamp.controller.obstacles.refusals import Refusal, RefusedJob
from davylamp.gates.recording.store import Recording
from davylamp.images import KeyRule
from davylamp.manifests import Owner, Privilege, recorded, template_fault
from davylamp.rollout import Observation, Served, Workload, identify, ref_of
from davylamp.rollout.routing import router_of
from davylamp.schema.json import JsonObject

EVERYTHING_KEPT: Final = Rollout(gates=(), history=50)
"""Settings where the spec cannot be read: nothing is judged by limits nobody set, nothing pruned."""


@dataclass(frozen=True, slots=True)
class Allowances:
    """What a spec may ask of this release of the operator."""

    secrets: bool = True
    """Whether the operator may read and copy Secrets."""
    user_queries: bool = True
    """Whether gates may have their own PromQL."""
    rules: tuple[KeyRule, ...] = ()
    """Which images need a signature."""


EVERYTHING_ALLOWED: Final = Allowances()


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
    fault: str | None = None
    """Why no pod may be made from its spec by today's rules, with the path of the field."""

    @property
    def was_followed(self) -> bool:
        """Whether something serves or is being rolled out, whatever the spec says now."""
        return bool(self.status.candidate or self.status.stable)

    @property
    def revision(self) -> str | None:
        """The revision that is rolled out, or that serves."""
        ref = self.status.candidate or self.status.stable
        return ref.revision if ref else None


@dataclass(frozen=True)
class Secrets:
    """The Secrets that the spec names, as far as somebody has to know."""

    missing: tuple[str, ...] = ()
    pinned: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """Data by name of each Secret with policy Pin, in base64 as the API gives it."""
    unreadable: OperatorError | None = None
    """Why they could not be read: nothing new is made then, and nothing else waits for it."""
    are_off: bool = False
    """The operator has no right to any Secret: none is asked for, copied or deleted."""


@dataclass(frozen=True)
class Children:
    """The children as they are."""

    records: Mapping[str, JsonObject]
    """By revision, oldest first."""
    workloads: Mapping[str, Workload]
    """By revision."""
    pods: tuple[Pod, ...]
    stored: StoredChildren
    """All of them, by kind and name."""
    orphans: tuple[Orphan, ...] = ()
    """Those that are to be adopted, and what else was left behind with them."""


@dataclass(frozen=True)
class Pass:
    """One complete look at a ModelDeployment: all that is decided and planned on."""

    parent: Parent
    children: Children
    observation: Observation
    secrets: Secrets = field(default_factory=Secrets)
    recording: Recording | None = None
    """What was read of the pods for the attempt under way."""
    rollouts: int = 0
    """How many are judged at the moment, this one and others."""
    refused_jobs: Mapping[str, RefusedJob] = field(default_factory=dict)
    """Objects of the nightly job that were refused before, by kind."""
    wake_after: float | None = None
    """Seconds until something is to be looked at again of which no watch tells."""
    rules: tuple[KeyRule, ...] = ()
    """Which images need a signature."""


def read_parent(
    key: Key,
    manifest: JsonObject,
    defaults: ChildMetadata = NOTHING,
    allowed: frozenset[Privilege] = frozenset(),
) -> Parent:
    """A stored ModelDeployment, and what the operator's settings say of all of them.

    Args:
        key: its namespace and name.
        manifest: as it is stored.
        defaults: what children carry by default, besides our labels.
        allowed: what pods may have beyond the ordinary.
    """
    spec, refusal = read_spec(manifest)
    generation = objects.field(manifest, "metadata", "generation")
    return Parent(
        key=key,
        owner=Owner(
            key.name,
            key.namespace,
            metadata(manifest, "uid"),
            _metadata_of_children(manifest).over(defaults),
        ),
        manifest=manifest,
        status=ModelDeploymentStatus.model_validate(manifest.get("status") or {}),
        spec=spec,
        refusal=refusal,
        generation=generation if isinstance(generation, int) else 0,
        # once for each version of the object: a long overlay costs more than a look at it
        fault=_fault_of_template(spec, allowed) if spec else None,
    )


def served_by(parent: Parent, children: Children, rollout: Rollout) -> Served | None:
    """What the stored route sends traffic to; not asked where the status knows it."""
    if parent.status.stable:
        return None

    def ours(kind: str, name: str) -> JsonObject | None:
        item = children.stored.get(kind, name)
        return item if item is not None and children.stored.is_ours(item) else None

    revision = router_of(rollout).stable_of(parent.owner, ours)
    workload = children.workloads.get(revision or "")
    if revision is None or workload is None or not (workload.desired or workload.pods):
        return None
    record = children.records.get(revision)
    return Served(revision, ref_of(revision, recorded(record, "intent")) if record else None)


def _metadata_of_children(manifest: JsonObject) -> ChildMetadata:
    """What the spec wants on children; also of one that cannot be followed, whose fence is written."""
    try:
        return ChildMetadata.model_validate(objects.field(manifest, "spec", "metadata") or {})
    except ValidationError:
        return NOTHING


def read_spec(manifest: JsonObject) -> tuple[ModelDeploymentSpec | None, Refusal | None]:
    """The spec, or why it cannot be followed, with the path of the field."""
    why = why_unread(manifest)
    if why:
        return None, Refusal(
            Reason.INVALID_SPEC, f"the object {why}: make it smaller, or correct it"
        )
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
            query = gate.user_query
            templates.check(query.promql if query else "")
        except ValueError as wrong:
            path = f"spec.rollout.gates.{number}.{gate.kind.name}.promql"
            return Refusal(Reason.INVALID_SPEC, f"{path}: {wrong}")
    return None


def followable(
    parent: Parent, records: Mapping[str, JsonObject], release: Allowances = EVERYTHING_ALLOWED
) -> Parent:
    """The same, without its spec where no pod can or may be made from that; with why not.

    What an earlier version of the operator has rendered is not judged anew by today's rules (P8).
    """
    spec = parent.spec
    unsigned = fault_of_job(spec, release.rules) if spec else None
    if unsigned:
        return replace(parent, spec=None, refusal=Refusal(Reason.INVALID_SPEC, unsigned))
    fault = (_fault_by(release, spec) or parent.fault) if spec else None
    if spec is None or fault is None:
        return parent
    intents = {revision: recorded(record, "intent") for revision, record in records.items()}
    if identify(spec, intents).revision in records:
        return parent
    return replace(parent, spec=None, refusal=Refusal(Reason.INVALID_SPEC, fault))


def _fault_by(release: Allowances, spec: ModelDeploymentSpec) -> str | None:
    """What a spec wants that this release of the operator does for nobody."""
    for number, gate in enumerate(spec.rollout.gates):
        if gate.user_query is not None and not release.user_queries:
            return f"spec.rollout.gates.{number}.{gate.kind.name}: {SWITCHED_OFF}"
    pinned = (secret.name for secret in spec.secrets if secret.policy == "Pin")
    first = None if release.secrets else next(pinned, None)
    if first is None:
        return None
    return (
        f"spec.secrets[{first}].policy: Pin copies the Secret, and this operator was installed "
        "without any right to Secrets (secrets.enabled=false in the chart's values): use Follow"
    )


def _fault_of_template(spec: ModelDeploymentSpec, allowed: Collection[Privilege]) -> str | None:
    """Why no pod may be made from a spec."""
    has_wishes = spec.serving.template or spec.metadata.annotations
    return template_fault(spec, allowed) if has_wishes else None
