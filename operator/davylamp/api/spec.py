"""What users write: the spec of a ModelDeployment, and how its revisions are rolled out.

The CRD is generated from these models (`davylamp crd`), so every description here is what
`kubectl explain` shows. Bounds exist both as schema and, across fields, as CEL rules.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from davylamp.api.child_metadata import ChildMetadata
from davylamp.api.explanations import Explanations
from davylamp.api.gates import Gate, gate_of
from davylamp.api.serving import FeatureSnapshot, Image, SecretRef, Serving
from davylamp.api.template import LONGEST_ARGUMENT
from davylamp.gates.kinds.error_rate import ErrorRateSpec
from davylamp.schema.models import Strict
from davylamp.schema.quantities import Duration, Percent
from davylamp.schema.written import cel, written

MOST_HISTORY: Final = 50
MAX_SEED: Final = 2**53 - 1
"""The largest integer that survives JSON readers that know only doubles."""

_INSIDE_0_100: Final = cel(
    ("self.matches('[1-9]') && self != '100%'", "must lie between 0% and 100%")
)
_ABOVE_0: Final = cel(("self.matches('[1-9]')", "must be above 0s"))


ShownName: TypeAlias = Annotated[
    str, Field(max_length=80), written(r"^[^\x00-\x1f\x7f]+$", "must be one line of text")
]
"""A name that a model gives and that its spec has too."""


class Step(Strict):
    """One step on the way to full traffic."""

    weight: int = Field(
        ge=1, le=99, description="Largest share of traffic in percent that the canary may get."
    )
    hold: Duration | None = Field(
        default=None, description="Shortest time to stay at this weight, for example 2m."
    )
    pause: bool | None = Field(
        default=None, description="Wait here until a user advances or promotes the revision."
    )


class CheckName(StrEnum):
    """A check that a model server must pass before it gets traffic (docs/model-server.md)."""

    MANIFEST = "Manifest"
    GOLDEN = "Golden"
    EXPLAIN = "Explain"
    BIAS = "Bias"


RouterName: TypeAlias = Literal["Service"]
"""Ways to split traffic; each has its router in `davylamp.rollout.routing`."""


class Traffic(Strict):
    """How traffic is split."""

    router: RouterName = Field(
        default="Service",
        description="Service splits traffic by the number of ready pods behind one Service.",
    )


class Source(Strict):
    """Where evidence comes from."""

    source: Literal["Prometheus", "Pods"] = Field(
        default="Prometheus",
        description=(
            "Pods: the operator itself scrapes all pods at once while a canary is judged, which "
            "detects a bad canary within seconds; Prometheus takes over where that fails."
        ),
    )
    interval: Duration = Field(
        default="1s",
        description="How often the pods are scraped, with source Pods.",
        json_schema_extra=_ABOVE_0,
    )


class Rollout(Strict):
    """How a new revision gets traffic, and what rolls it back."""

    steps: tuple[Step, ...] = Field(
        default=(
            Step(weight=5, hold="1m"),
            Step(weight=25, hold="2m"),
            Step(weight=50, hold="2m"),
        ),
        max_length=20,
        description="Rising shares of traffic; after the last one the revision is promoted.",
        json_schema_extra=cel(
            (
                "self.map(step, step.weight).isSorted()",
                "weights must rise from step to step",
            ),
            (
                "self.all(a, self.exists_one(b, b.weight == a.weight))",
                "weights must rise from step to step: no two may be equal",
            ),
            (
                "self.all(step, has(step.hold) != (has(step.pause) && step.pause))",
                "each step needs either hold (a duration) or pause: true",
            ),
        ),
    )
    checks: tuple[CheckName, ...] = Field(
        default=tuple(CheckName),
        max_length=len(CheckName),
        description=(
            "What a pod must pass before it gets any traffic. Manifest: tag, snapshot and seed are "
            "those of the spec. Golden: the model reproduces the predictions of its training run. "
            "Explain: explanations add up. Bias: group gaps are within their bounds. Use an empty "
            "list for images that do not follow docs/model-server.md."
        ),
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    gates: tuple[Gate, ...] = Field(
        default=(gate_of("errors", ErrorRateSpec()),),
        max_length=10,
        description="What is measured during the canary; every gate must pass for promotion.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    )
    evidence: Source = Field(
        default_factory=Source, description="Where the counters of the gates come from."
    )
    no_data: Literal["Hold", "Rollback", "Pause"] = Field(
        default="Hold",
        description=(
            "What happens when a gate has had no data for noDataDeadline. Hold keeps waiting. Pause "
            "waits for a user, even after the data return. Rollback rolls the canary back."
        ),
    )
    no_data_deadline: Duration = Field(
        default="10m",
        description="How long a gate may be without data during the canary.",
        json_schema_extra=_ABOVE_0,
    )
    min_requests: int = Field(
        default=50,
        ge=0,
        le=1_000_000,
        description="Canary requests that each step needs before it can end.",
    )
    false_rollback: Percent = Field(
        default="1%",
        description="Bound on the probability that a healthy canary is ever rolled back, over all gates "
        "and however often they are judged.",
        json_schema_extra=_INSIDE_0_100,
    )
    false_promotion: Percent = Field(
        default="1%",
        description="Bound on the probability that a canary worse than the tolerance is promoted.",
        json_schema_extra=_INSIDE_0_100,
    )
    min_ready_seconds: int = Field(
        default=10,
        ge=0,
        le=3600,
        description=(
            "How long the pods of a revision must stay ready before it is promoted; a return does "
            "not wait for that."
        ),
    )
    progress_deadline: Duration = Field(
        default="10m",
        description=(
            "Longest time until the pods of a revision are ready and have passed their checks; in "
            "the canary, the longest time with pods that are missing or do not stay ready."
        ),
        json_schema_extra=_ABOVE_0,
    )
    deadline: Duration = Field(
        default="2h",
        description="Longest time from the first canary request to promotion.",
        json_schema_extra=_ABOVE_0,
    )
    on_deadline: Literal["Rollback", "Pause"] = Field(
        default="Pause",
        description="What happens at the deadline: Pause holds the canary for a user to decide.",
    )
    probation: Duration = Field(
        default="10m",
        description="How long the previous revision is kept warm after a promotion, with automatic rollback.",
    )
    names: tuple[ShownName, ...] = Field(
        default=(),
        max_length=256,
        description=(
            "Names of features, groups and metrics of the model that messages may show. Names that are "
            "not listed here are shown as `#` and six hex digits of their SHA-256: an image could put "
            "anything into them."
        ),
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    traffic: Traffic = Field(default_factory=Traffic, description="How traffic is split.")
    min_deployment_replicas: int = Field(
        default=0,
        ge=0,
        le=1000,
        description=(
            "The fewest replicas that this cluster's policies allow in a Deployment. Steps that take "
            "fewer canary pods are passed over, and Deployments of revisions that are only kept are "
            "deleted instead of scaled to 0; a return makes them again from the revision's record."
        ),
    )
    history: int = Field(
        default=10,
        ge=1,
        le=MOST_HISTORY,
        description="Number of earlier revisions kept for an instant return.",
    )


class ModelDeploymentSpec(Strict):
    """One model in service: what runs, on which data it was trained, and how it is rolled out."""

    image: Image = Field(description="Serving image; its tag names the model version.")
    feature_snapshot: FeatureSnapshot = Field(
        description="Feature snapshot the model was trained on; part of the revision."
    )
    seed: int = Field(
        ge=0,
        le=MAX_SEED,
        description="Random seed of the training run; part of the revision.",
        json_schema_extra={"format": "int64"},
    )
    config: dict[str, Annotated[str, Field(max_length=LONGEST_ARGUMENT)]] = Field(
        default_factory=dict,
        max_length=100,
        description="Environment variables of the container, kept in an immutable ConfigMap per revision.",
        json_schema_extra=cel(
            (
                "self.all(key, key.matches('^[A-Za-z_][A-Za-z0-9_]{0,252}$'))",
                "keys must be names of environment variables, e.g. OMP_NUM_THREADS",
            ),
            (
                "self.all(key, !key.startsWith('DAVYLAMP_'))",
                "DAVYLAMP_ is reserved for variables that the operator sets",
            ),
            ("!('PORT' in self)", "PORT is set by the operator: change spec.serving.port instead"),
        ),
    )
    secrets: tuple[SecretRef, ...] = Field(
        default=(),
        max_length=20,
        description="Secrets the model reads.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    )
    replicas: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description=(
            "Pods of the stable revision. Where it is left out the operator fills in the present "
            "number, 1 for a new model, and never changes it again: leave it out to let a "
            "HorizontalPodAutoscaler or kubectl scale own it."
        ),
    )
    metadata: ChildMetadata = Field(
        default_factory=ChildMetadata,
        description=(
            "Labels and annotations of all children. What is changed reaches the objects themselves at "
            "once, and makes a new revision, since pods cannot be labelled otherwise."
        ),
    )
    serving: Serving = Field(default_factory=Serving, description="How the container is run.")
    rollout: Rollout = Field(
        default_factory=Rollout,
        description="How new revisions get traffic, and what rolls them back.",
    )
    explanations: Explanations | None = Field(
        default=None,
        description="Nightly comparison of explanations with those of training; none if absent.",
    )
    paused: bool = Field(
        default=False,
        description="Stop rollouts from going forward. Rollback, abort and repair keep working.",
    )
