"""Names of the API: group, labels, commands, conditions, and the reasons of the rollout.

Reasons of gates are in `gates.verdicts`, of checks in `checks.results`, of sources in
`adapters.errors`, names of metrics in `controller.metric_names`. docs/reference.md lists them all,
and a test compares that page with what the modules define.
"""

from enum import StrEnum
from typing import Final, Literal, TypeAlias

GROUP: Final = "davylamp.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "ModelDeployment"
PLURAL: Final = "modeldeployments"

FIELD_MANAGER: Final = "davylamp"
CONTAINER: Final = "model"

LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LABEL_NAME: Final = "app.kubernetes.io/name"
LABEL_VERSION: Final = "app.kubernetes.io/version"
LABEL_PART_OF: Final = "app.kubernetes.io/part-of"
LABEL_MODEL: Final = f"{GROUP}/model"
LABEL_REVISION: Final = f"{GROUP}/revision"
LABEL_EXPLAINS: Final = f"{GROUP}/explains"
"""On pods of the nightly job instead of LABEL_MODEL, by which Services and budgets select."""
UNREAD: Final = f"{GROUP}/unread"
"""The member of an object read in outline that says why; no object of Kubernetes has it."""
ANNOTATION_ROLLOUT: Final = f"{GROUP}/rollout"
"""On a candidate's Job: when the attempt began that it was made for."""
ANNOTATION_RENDERED: Final = f"{GROUP}/rendered"
"""On the CronJob: hash of what was rendered, by which a field that was removed is noticed."""
ANNOTATION_METADATA: Final = f"{GROUP}/metadata"
"""On children with labels or annotations of users: hash of those."""
MANAGED_BY: Final = "davylamp"

NO_REVISION: Final = "none"
"""Selector value that no pod carries: a Service that must not send traffic anywhere yet."""


SPEC_BY: Final = f"by.{GROUP}/spec"
"""On a ModelDeployment: the generation of its spec, a space, and the name of who wrote that."""


class Command(StrEnum):
    """Annotations by which a user steers one named revision; they work from plain kubectl.

    The value is `<revision>` or `<revision>@<anything>`; of `advance`, `<revision>@<step>`. Each is
    answered once and then taken off the object, so the same words are a new command.
    """

    PROMOTE = f"{GROUP}/promote"
    ADVANCE = f"{GROUP}/advance"
    ABORT = f"{GROUP}/abort"
    RETRY = f"{GROUP}/retry"

    @property
    def beside(self) -> str:
        """The annotation that says who gave it: the command's value, a space, the user's name."""
        return f"by.{self.value}"


class ConditionType(StrEnum):
    """Condition types.

    `Reconciling`, `Stalled` (kstatus), `Obstructed`, `ImageNotPinned` and `TagMoved` are present only
    while true.
    """

    READY = "Ready"
    AVAILABLE = "Available"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    OBSTRUCTED = "Obstructed"
    ROLLBACK_VERIFIED = "RollbackVerified"
    EXPLANATIONS_STABLE = "ExplanationsStable"
    IMAGE_NOT_PINNED = "ImageNotPinned"
    TAG_MOVED = "TagMoved"


class Reason(StrEnum):
    """Reasons in conditions, events, history and metric labels."""

    # progress
    PREPARING = "Preparing"
    CANARY = "Canary"
    PROMOTING = "Promoting"
    RETURNING = "Returning"
    SERVING = "Serving"
    PROBATION = "Probation"
    PAUSED = "Paused"
    # decisions
    ROLLOUT_STARTED = "RolloutStarted"
    CANARY_STARTED = "CanaryStarted"
    STEP_ADVANCED = "StepAdvanced"
    PROMOTION_STARTED = "PromotionStarted"
    PROMOTED = "Promoted"
    PROBATION_PASSED = "ProbationPassed"
    RETURN_STARTED = "ReturnStarted"
    RETURNED = "Returned"
    ROLLED_BACK = "RolledBack"
    SUPERSEDED = "Superseded"
    ABORTED = "Aborted"
    RETRIED = "Retried"
    GATE_WARNED = "GateWarned"
    NOTHING_TO_ABORT = "NothingToAbort"
    COMMAND_ACCEPTED = "CommandAccepted"
    COMMAND_ALREADY_DONE = "CommandAlreadyDone"
    COMMAND_REFUSED = "CommandRefused"
    # about what serves
    VERIFYING = "Verifying"
    ROLLBACK_VERIFIED = "RollbackVerified"
    ROLLBACK_NOT_VERIFIED = "RollbackNotVerified"
    NOTHING_TO_VERIFY = "NothingToVerify"
    EXPLANATIONS_STABLE = "ExplanationsStable"
    EXPLANATIONS_DRIFTED = "ExplanationsDrifted"
    EXPLANATIONS_UNDECIDED = "ExplanationsUndecided"
    EXPLANATION_JOB_FAILED = "ExplanationJobFailed"
    # about images
    IMAGE_PINNED = "ImagePinned"
    IMAGE_NOT_PINNED = "ImageNotPinned"
    TAG_MOVED = "TagMoved"
    # why a revision is rolled back
    CHECK_FAILED = "CheckFailed"
    GATE_FAILED = "GateFailed"
    NO_BASELINE_DATA = "NoBaselineData"
    NO_DATA = "NoData"
    CRASH_LOOP = "CrashLoop"
    OUT_OF_MEMORY = "OutOfMemory"
    IMAGE_UNAVAILABLE = "ImageUnavailable"
    READINESS_LOST = "ReadinessLost"
    POD_FAILED = "PodFailed"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    SECRET_MISSING = "SecretMissing"  # noqa: S105
    SIGNATURE_MISSING = "SignatureMissing"
    SIGNATURE_INVALID = "SignatureInvalid"
    # why a stage goes on
    HOLDING = "Holding"
    AWAITING_APPROVAL = "AwaitingApproval"
    AWAITING_CHECKS = "AwaitingChecks"
    AWAITING_DATA = "AwaitingData"
    AWAITING_EVIDENCE = "AwaitingEvidence"
    AWAITING_OLD_PODS = "AwaitingOldPods"
    AWAITING_FIRST_SCRAPE = "AwaitingFirstScrape"
    AWAITING_IMAGE = "AwaitingImage"
    AWAITING_PODS = "AwaitingPods"
    STABLE_DEGRADED = "StableDegraded"
    STEP_NOT_REACHABLE = "StepNotReachable"
    IMAGE_DIGESTS_DIFFER = "ImageDigestsDiffer"
    IMAGE_NOT_RESOLVED = "ImageNotResolved"
    # the spec and the objects of a revision
    INVALID_SPEC = "InvalidSpec"
    NAME_TAKEN = "NameTaken"
    AWAITING_DELETION = "AwaitingDeletion"
    CREATION_LOOP = "CreationLoop"
    ADOPTED = "Adopted"
    RESUMED = "Resumed"
    STABLE_GIVEN_UP = "StableGivenUp"
    WRITE_REFUSED = "WriteRefused"
    WRITE_FAILING = "WriteFailing"
    FENCE_REFUSED = "FenceRefused"
    RESTORED = "Restored"
    # several releases of the operator
    WATCHED_TWICE = "WatchedTwice"
    TAKEN_OVER = "TakenOver"


HoldReason: TypeAlias = Literal[
    Reason.PAUSED,
    Reason.HOLDING,
    Reason.AWAITING_APPROVAL,
    Reason.AWAITING_CHECKS,
    Reason.AWAITING_DATA,
    Reason.AWAITING_EVIDENCE,
    Reason.AWAITING_OLD_PODS,
    Reason.AWAITING_FIRST_SCRAPE,
    Reason.AWAITING_IMAGE,
    Reason.AWAITING_PODS,
    Reason.NO_BASELINE_DATA,
    Reason.STABLE_DEGRADED,
    Reason.STEP_NOT_REACHABLE,
    Reason.IMAGE_DIGESTS_DIFFER,
    Reason.IMAGE_NOT_RESOLVED,
    Reason.SIGNATURE_MISSING,
    Reason.SIGNATURE_INVALID,
    Reason.SECRET_MISSING,
    Reason.PROGRESS_DEADLINE_EXCEEDED,
    Reason.DEADLINE_EXCEEDED,
]
"""Why a stage goes on: every value of `status.candidate.waitingFor`. Held by the type checker."""

FaultReason: TypeAlias = Literal[
    Reason.CRASH_LOOP,
    Reason.OUT_OF_MEMORY,
    Reason.IMAGE_UNAVAILABLE,
    Reason.READINESS_LOST,
    Reason.POD_FAILED,
]
"""What needs no statistics."""

RollbackReason: TypeAlias = (
    FaultReason
    | Literal[
        Reason.CHECK_FAILED,
        Reason.GATE_FAILED,
        Reason.NO_DATA,
        Reason.NO_BASELINE_DATA,
        Reason.SIGNATURE_MISSING,
        Reason.SIGNATURE_INVALID,
        Reason.PROGRESS_DEADLINE_EXCEEDED,
        Reason.DEADLINE_EXCEEDED,
        Reason.ABORTED,
    ]
)
"""Why a revision is rolled back: every `reason` in `status.rejected`. Held by the type checker."""
