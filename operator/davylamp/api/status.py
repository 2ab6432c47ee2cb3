"""What users read: the status of a ModelDeployment. It is also the operator's only memory."""

from enum import StrEnum
from typing import Final, Literal, TypedDict

from pydantic import Field

from davylamp.api.command_answers import CommandAnswer, Handled, UserName
from davylamp.api.operator_claim import UNOBSERVED, OperatorClaim
from davylamp.api.spec import MOST_HISTORY, CheckName, Rollout
from davylamp.api.status_parts import (
    CheckStatus,
    Condition,
    FeatureShare,
    GateForecast,
    GateRate,
    GateStatus,
    ImageNote,
    WeightChange,
)
from davylamp.schema.json import Json, JsonObject
from davylamp.schema.models import Instant, Reported

MAX_REJECTED: Final = 20
MOST_CONDITIONS: Final = 32
"""Ours, and those that others may add."""
MOST_GATES: Final = 10
MOST_CHECKS: Final = len(CheckName) + 1
"""Those of the spec, and a candidate's own run of the nightly job."""
MOST_ATTEMPTS: Final = 2 * MOST_HISTORY + 1
"""As many that served as the spec keeps, the one that serves, and as many others."""


class Stage(StrEnum):
    """How far the rollout of a candidate has come."""

    PREPARING = "Preparing"
    CANARY = "Canary"
    PROMOTING = "Promoting"
    RETURNING = "Returning"


class Outcome(StrEnum):
    """How a rollout attempt ended."""

    PROMOTED = "Promoted"
    RETURNED = "Returned"
    ROLLED_BACK = "RolledBack"
    ABORTED = "Aborted"
    SUPERSEDED = "Superseded"


class RevisionRef(Reported):
    """Which model a revision is."""

    revision: str = Field(description="Hash of the user's intent.")
    tag: str = Field(description="Image tag.")
    digest: str | None = Field(default=None, description="Image digest that its pods run.")
    training_image: str | None = Field(
        default=None,
        description="Training image, by digest, that the first run of its nightly job pulled.",
    )
    feature_snapshot: str = Field(description="Feature snapshot id.")
    seed: int = Field(description="Training seed.", json_schema_extra={"format": "int64"})


class Identity(TypedDict):
    """The fields that say which model a revision is."""

    revision: str
    tag: str
    digest: str | None
    training_image: str | None
    feature_snapshot: str
    seed: int


def identity(ref: RevisionRef) -> Identity:
    """The fields that entries about a revision share: `Stable(**identity(candidate), …)`."""
    return Identity(
        revision=ref.revision,
        tag=ref.tag,
        digest=ref.digest,
        training_image=ref.training_image,
        feature_snapshot=ref.feature_snapshot,
        seed=ref.seed,
    )


class Stable(RevisionRef):
    """The revision that serves."""

    promoted_at: Instant = Field(description="When it got all of the traffic.")


class Previous(RevisionRef):
    """The revision kept warm during probation."""

    rates: tuple[GateRate, ...] = Field(
        default=(), max_length=10, description="Its error rates during the canary, by gate."
    )
    until: Instant = Field(description="End of the probation.")


class Verification(RevisionRef):
    """Whether the revision that serves after a rollback still gives its golden predictions."""

    verdict: Literal["Pass", "Fail", "Unknown"] = Field(
        description="Unknown until the golden requests were answered."
    )
    reason: str = Field(description="CamelCase reason.")
    message: str = Field(description="What was compared, with numbers.")
    at: Instant = Field(
        description="When the result came in; until then, when the rollback happened."
    )


class ExplanationRun(RevisionRef):
    """The result of the last run of the nightly job."""

    job: str = Field(description="Name of the Job.")
    verdict: Literal["Stable", "Drifted", "Undecided", "Failed"] = Field(
        description="Undecided: too little recent traffic. Failed: the job itself failed."
    )
    distance: str | None = Field(default=None, description="Measured distance, in [0, 1].")
    limit: str | None = Field(default=None, description="Largest distance that is tolerated.")
    message: str = Field(description="The result, with numbers.")
    at: Instant = Field(description="When the job ended.")


class Candidate(RevisionRef):
    """The revision that is being rolled out."""

    stage: Stage = Field(description="Preparing, Canary, Promoting or Returning.")
    started_at: Instant = Field(description="When the rollout of this revision began.")
    started_by: UserName = Field(default=None, description="Who wrote its spec, if proven.")
    stage_at: Instant = Field(description="When the stage began.")
    canary_at: Instant | None = Field(
        default=None, description="When the canary got its first traffic."
    )
    step: int = Field(default=0, description="Current step, counted from 1; 0 before the first.")
    steps: int = Field(default=0, description="Number of steps.")
    step_at: Instant | None = Field(default=None, description="When the step began.")
    step_requests: int = Field(default=0, description="Canary requests counted before this step.")
    weight: int = Field(default=0, description="Largest share in percent that this step allows.")
    actual_weight: int = Field(
        default=0, description="Share in percent that it really gets, by ready pods, rounded."
    )
    weights: tuple[WeightChange, ...] = Field(
        default=(), max_length=100, description="Every change of the share during the canary."
    )
    checks: tuple[CheckStatus, ...] = Field(
        default=(),
        description="Results of the checks before traffic.",
        json_schema_extra={"maxItems": MOST_CHECKS},
    )
    forecast: tuple[GateForecast, ...] = Field(
        default=(),
        description="What the gates will be able to detect, estimated before the canary.",
        json_schema_extra={"maxItems": MOST_GATES},
    )
    baseline: tuple[FeatureShare, ...] = Field(
        default=(),
        max_length=200,
        description="Explanation shares of its training run, for gates that compare with them.",
    )
    gates: tuple[GateStatus, ...] = Field(
        default=(),
        description="Verdicts of the gates.",
        json_schema_extra={"maxItems": MOST_GATES},
    )
    no_data_since: Instant | None = Field(
        default=None, description="Since when some gate has had no data."
    )
    no_data_paused: bool = Field(
        default=False,
        description="A gate had no data for too long: a user has to give the command advance.",
    )
    warned: tuple[str, ...] = Field(
        default=(), max_length=10, description="Gates with onFail Warn that failed."
    )
    waiting_for: str | None = Field(default=None, description="Why the stage goes on: a reason.")
    unsettled_since: Instant | None = Field(
        default=None,
        description="Since when its pods in traffic have not been ready, or not lastingly.",
    )
    advanced: int = Field(default=0, description="Last paused step that a user advanced.")
    promote_requested: bool = Field(default=False, description="A user gave the command promote.")
    promote_requested_by: UserName = Field(default=None, description="Who, where it is proven.")
    stopped_at: Instant | None = Field(
        default=None, description="Since when the deadline clock is stopped."
    )
    stopped_seconds: int = Field(default=0, description="How long it was stopped before that.")
    plan: Rollout = Field(description="The rollout settings this revision is judged by.")


class Rejected(RevisionRef):
    """A revision that gets no traffic until a user gives the command retry."""

    reason: str = Field(description="CamelCase reason.")
    message: str = Field(description="What happened, with numbers.")
    checks: tuple[str, ...] = Field(
        default=(), max_length=10, description="Checks of spec.rollout.checks that it did not pass."
    )
    at: Instant = Field(description="When it was rejected.")


class HistoryEntry(RevisionRef):
    """One rollout attempt that ended."""

    outcome: Outcome = Field(description="How it ended.")
    reason: str = Field(description="CamelCase reason.")
    recording: str | None = Field(
        default=None, description="ConfigMap with the flight record, for `davylamp replay`."
    )
    by: UserName = Field(default=None, description="Who ended it by a command, if proven.")
    started_by: UserName = Field(default=None, description="Who wrote its spec, if proven.")
    at: Instant = Field(description="When it ended.")


class ModelDeploymentStatus(Reported):
    """What was observed and decided; written only when it changed."""

    observed_generation: int = Field(
        default=UNOBSERVED,
        description="Generation of the spec that this status describes; -1 until an operator has looked.",
        json_schema_extra={"format": "int64"},
    )
    conditions: tuple[Condition, ...] = Field(
        default=(),
        description="Ready and Available always; Reconciling, Stalled, ImageNotPinned and TagMoved only while true; "
        "RollbackVerified after a rollback and ExplanationsStable with spec.explanations.",
        json_schema_extra={
            "maxItems": MOST_CONDITIONS,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    )
    stable: Stable | None = Field(default=None, description="The revision that serves.")
    candidate: Candidate | None = Field(
        default=None, description="The revision that is being rolled out."
    )
    previous: Previous | None = Field(
        default=None, description="The revision kept warm during probation."
    )
    probation_gates: tuple[GateStatus, ...] = Field(
        default=(),
        description="Verdicts of the gates about the promoted revision.",
        json_schema_extra={"maxItems": MOST_GATES},
    )
    verification: Verification | None = Field(
        default=None,
        description="Whether stable reproduced its golden predictions after the last rollback.",
    )
    explanations: ExplanationRun | None = Field(
        default=None, description="Last run of the nightly explanation job."
    )
    images: tuple[ImageNote, ...] = Field(
        default=(),
        max_length=4,
        description="Images of these revisions that are not pinned, or whose tag was moved.",
    )
    rejected: tuple[Rejected, ...] = Field(
        default=(),
        max_length=MAX_REJECTED,
        description="Revisions that get no traffic until a user retries them.",
    )
    history: tuple[HistoryEntry, ...] = Field(
        default=(),
        description="Rollout attempts that ended, newest first.",
        json_schema_extra={"maxItems": MOST_ATTEMPTS},
    )
    commands: tuple[CommandAnswer, ...] = Field(
        default=(),
        max_length=4,
        description="The last answer to each command, newest first.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["command"],
        },
    )
    handled: Handled = Field(
        default_factory=Handled,
        description="Commands that were answered while their annotation is still there.",
    )
    operator: OperatorClaim | None = Field(default=None, description="Who looks after this object.")
    replicas: int = Field(default=0, description="Pods of the stable revision.")
    ready_replicas: int = Field(default=0, description="Ready pods of the stable revision.")
    selector: str = Field(
        default="", description="Label selector of the stable pods, for a HorizontalPodAutoscaler."
    )


def to_json(status: ModelDeploymentStatus) -> JsonObject:
    """The status as the API server stores it: camelCase, without unset optional fields."""
    wire: dict[str, Json] = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return wire
