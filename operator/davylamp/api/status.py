"""What people read: the status of a ModelDeployment. It is also the operator's only memory."""

from enum import StrEnum
from typing import Final, Literal, TypedDict

from pydantic import Field

from davylamp.api.gate_status import FeatureShare, GateForecast, GateRate, GateStatus
from davylamp.api.spec import Rollout
from davylamp.schema.json import Json, JsonObject
from davylamp.schema.models import Instant, Reported

MAX_REJECTED: Final = 20


class Stage(StrEnum):
    """How far a candidate has come."""

    PREPARING = "Preparing"
    CANARY = "Canary"
    PROMOTING = "Promoting"
    RETURNING = "Returning"


class Outcome(StrEnum):
    """How a revision's turn ended."""

    PROMOTED = "Promoted"
    RETURNED = "Returned"
    ROLLED_BACK = "RolledBack"
    ABORTED = "Aborted"
    SUPERSEDED = "Superseded"


class RevisionRef(Reported):
    """Which model a revision is."""

    revision: str = Field(description="Hash of the user's intent.")
    tag: str = Field(description="Image tag.")
    digest: str | None = Field(default=None, description="Image digest seen in its pods.")
    feature_snapshot: str = Field(description="Feature snapshot id.")
    seed: int = Field(description="Training seed.", json_schema_extra={"format": "int64"})


class Identity(TypedDict):
    """The fields that say which model a revision is."""

    revision: str
    tag: str
    digest: str | None
    feature_snapshot: str
    seed: int


def identity(ref: RevisionRef) -> Identity:
    """What every record about a revision repeats: `Stable(**identity(candidate), …)`."""
    return Identity(
        revision=ref.revision,
        tag=ref.tag,
        digest=ref.digest,
        feature_snapshot=ref.feature_snapshot,
        seed=ref.seed,
    )


class Stable(RevisionRef):
    """The revision that serves."""

    promoted_at: Instant = Field(description="When it got all traffic.")


class Previous(RevisionRef):
    """The revision kept warm during probation."""

    rates: tuple[GateRate, ...] = Field(
        default=(), max_length=10, description="What was bad of its answers during the canary."
    )
    until: Instant = Field(description="End of the probation.")


class WeightChange(Reported):
    """The share of traffic from one moment on; evidence is recomputed from this record."""

    weight: int = Field(description="Weight of the step in percent.")
    share: str = Field(description="Actual share in [0, 1], from the number of ready pods.")
    at: Instant = Field(description="When it was set.")


class CheckStatus(Reported):
    """What one check before traffic found."""

    name: str = Field(description="Name of the check.")
    verdict: Literal["Pass", "Fail", "Unknown"] = Field(
        description="Unknown means that it could not be asked yet."
    )
    reason: str = Field(description="CamelCase reason.")
    message: str = Field(description="What was compared, with numbers.")
    at: Instant = Field(description="When this was found.")


class Verification(RevisionRef):
    """Whether the revision that serves after a rollback still gives its golden predictions."""

    verdict: Literal["Pass", "Fail", "Unknown"] = Field(
        description="Unknown until the golden requests were answered."
    )
    reason: str = Field(description="CamelCase reason.")
    message: str = Field(description="What was compared, with numbers.")
    at: Instant = Field(description="When this was found; before that, when the rollback was.")


class ExplanationRun(RevisionRef):
    """What the last run of the nightly job found."""

    job: str = Field(description="Name of the Job.")
    verdict: Literal["Stable", "Drifted", "Undecided", "Failed"] = Field(
        description="Undecided means too little recent traffic, Failed that the job broke."
    )
    distance: str | None = Field(default=None, description="Distance found, in [0, 1].")
    limit: str | None = Field(default=None, description="Distance tolerated.")
    message: str = Field(description="What was found, with numbers.")
    at: Instant = Field(description="When the job ended.")


class Candidate(RevisionRef):
    """The revision that is being rolled out."""

    stage: Stage = Field(description="Preparing, Canary, Promoting or Returning.")
    started_at: Instant = Field(description="When the rollout of this revision began.")
    stage_at: Instant = Field(description="When the stage began.")
    canary_at: Instant | None = Field(default=None, description="First traffic to the canary.")
    step: int = Field(default=0, description="Current step, counted from 1; 0 before the first.")
    steps: int = Field(default=0, description="Number of steps.")
    step_at: Instant | None = Field(default=None, description="When the step began.")
    step_requests: int = Field(default=0, description="Canary requests seen before this step.")
    weight: int = Field(default=0, description="Largest share in percent at this step.")
    actual_weight: int = Field(default=0, description="Share in percent by ready pods, rounded.")
    weights: tuple[WeightChange, ...] = Field(
        default=(), max_length=100, description="Every change of the share."
    )
    checks: tuple[CheckStatus, ...] = Field(
        default=(), description="What the checks before traffic found."
    )
    forecast: tuple[GateForecast, ...] = Field(
        default=(), description="What the gates will be able to find, reckoned before the canary."
    )
    baseline: tuple[FeatureShare, ...] = Field(
        default=(),
        max_length=200,
        description="Explanation shares of its training run, where a gate compares with them.",
    )
    gates: tuple[GateStatus, ...] = Field(default=(), description="What the gates see.")
    no_data_since: Instant | None = Field(
        default=None, description="Since when some gate has had no data."
    )
    no_data_paused: bool = Field(
        default=False, description="A gate had no data for too long: a person has to say advance."
    )
    warned: tuple[str, ...] = Field(
        default=(), max_length=10, description="Gates whose failure was told as a warning."
    )
    waiting_for: str | None = Field(default=None, description="Why the step does not end yet.")
    advanced: int = Field(default=0, description="Last paused step a person let pass.")
    promote_requested: bool = Field(default=False, description="A person asked for promotion.")
    stopped_at: Instant | None = Field(
        default=None, description="Since when the deadline clock stands still."
    )
    stopped_seconds: int = Field(default=0, description="How long it stood still before.")
    plan: Rollout = Field(description="The rollout settings this revision is judged by.")


class Rejected(RevisionRef):
    """A revision that gets no traffic until somebody says retry."""

    reason: str = Field(description="CamelCase reason.")
    message: str = Field(description="What happened, with numbers.")
    at: Instant = Field(description="When it was taken back.")


class HistoryEntry(RevisionRef):
    """One ended turn of a revision."""

    outcome: Outcome = Field(description="How it ended.")
    reason: str = Field(description="CamelCase reason.")
    recording: str | None = Field(
        default=None, description="ConfigMap with what the gates saw, for `davylamp replay`."
    )
    at: Instant = Field(description="When it ended.")


class Condition(Reported):
    """A metav1.Condition."""

    type: str = Field(max_length=316, description="Type of the condition.")
    status: Literal["True", "False", "Unknown"] = Field(description="True, False or Unknown.")
    reason: str = Field(max_length=1024, description="CamelCase reason.")
    message: str = Field(max_length=32768, description="What happened, why, and what to type.")
    observed_generation: int = Field(
        description="Generation this speaks of.", json_schema_extra={"format": "int64"}
    )
    last_transition_time: Instant = Field(description="When status last changed.")


class Handled(Reported):
    """Command annotations that were acted on, by their last value."""

    promote: str | None = Field(default=None, description="Last promote.")
    advance: str | None = Field(default=None, description="Last advance.")
    abort: str | None = Field(default=None, description="Last abort.")
    retry: str | None = Field(default=None, description="Last retry.")


class ModelDeploymentStatus(Reported):
    """What was seen and decided; written at most once per pass, and only when it changed."""

    observed_generation: int = Field(
        default=0,
        description="Generation of the spec this status speaks of.",
        json_schema_extra={"format": "int64"},
    )
    conditions: tuple[Condition, ...] = Field(
        default=(),
        description="Ready and Available always; Reconciling and Stalled only while true.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    )
    stable: Stable | None = Field(default=None, description="The revision that serves.")
    candidate: Candidate | None = Field(default=None, description="The revision on its way.")
    previous: Previous | None = Field(default=None, description="Kept warm during probation.")
    probation_gates: tuple[GateStatus, ...] = Field(
        default=(), description="What the gates see of the promoted revision."
    )
    verification: Verification | None = Field(
        default=None, description="Golden requests against stable after the last rollback."
    )
    explanations: ExplanationRun | None = Field(
        default=None, description="Last run of the nightly explanation job."
    )
    rejected: tuple[Rejected, ...] = Field(
        default=(),
        max_length=MAX_REJECTED,
        description="Revisions that get no traffic until retried.",
    )
    history: tuple[HistoryEntry, ...] = Field(default=(), description="Ended turns, newest first.")
    handled: Handled = Field(default_factory=Handled, description="Commands acted on.")
    replicas: int = Field(default=0, description="Pods of the serving revision.")
    ready_replicas: int = Field(default=0, description="Ready pods of the serving revision.")
    selector: str = Field(default="", description="Label selector of the serving pods, for HPA.")


def to_json(status: ModelDeploymentStatus) -> JsonObject:
    """The status on the wire: camelCase, without unset optional fields."""
    wire: dict[str, Json] = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return wire
