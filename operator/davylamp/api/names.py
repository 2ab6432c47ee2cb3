"""Every string that users, alerts and other tools key on: one place, stable, tested."""

from enum import StrEnum
from typing import Final

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
ANNOTATION_ROLLOUT: Final = f"{GROUP}/rollout"
"""On a candidate's Job: when the rollout began that it was made for."""
ANNOTATION_RENDERED: Final = f"{GROUP}/rendered"
"""On the CronJob: hash of what was rendered, by which a field that is named no more is noticed."""
MANAGED_BY: Final = "davylamp"

NO_REVISION: Final = "none"
"""Selector value that no pod carries: a Service that must not send traffic anywhere yet."""


class Command(StrEnum):
    """Annotations by which a person steers one named revision; they work from plain kubectl.

    The value is `<revision>` or `<revision>@<anything>`; a value is acted on once, so saying the
    same thing again needs another suffix.
    """

    PROMOTE = f"{GROUP}/promote"
    ADVANCE = f"{GROUP}/advance"
    ABORT = f"{GROUP}/abort"
    RETRY = f"{GROUP}/retry"


class ConditionType(StrEnum):
    """Condition types; `Reconciling` and `Stalled` are present only while true (kstatus)."""

    READY = "Ready"
    AVAILABLE = "Available"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    ROLLBACK_VERIFIED = "RollbackVerified"
    EXPLANATIONS_STABLE = "ExplanationsStable"


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
    # what was found out about what serves
    VERIFYING = "Verifying"
    ROLLBACK_VERIFIED = "RollbackVerified"
    ROLLBACK_NOT_VERIFIED = "RollbackNotVerified"
    NOTHING_TO_VERIFY = "NothingToVerify"
    EXPLANATIONS_STABLE = "ExplanationsStable"
    EXPLANATIONS_DRIFTED = "ExplanationsDrifted"
    EXPLANATIONS_UNDECIDED = "ExplanationsUndecided"
    EXPLANATION_JOB_FAILED = "ExplanationJobFailed"
    # why a revision is taken back
    CHECK_FAILED = "CheckFailed"
    GATE_FAILED = "GateFailed"
    NO_BASELINE_DATA = "NoBaselineData"
    NO_DATA = "NoData"
    CRASH_LOOP = "CrashLoop"
    OUT_OF_MEMORY = "OutOfMemory"
    IMAGE_UNAVAILABLE = "ImageUnavailable"
    READINESS_LOST = "ReadinessLost"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    SECRET_MISSING = "SecretMissing"  # noqa: S105
    # why a step holds
    HOLDING = "Holding"
    AWAITING_APPROVAL = "AwaitingApproval"
    AWAITING_CHECKS = "AwaitingChecks"
    AWAITING_DATA = "AwaitingData"
    AWAITING_EVIDENCE = "AwaitingEvidence"
    AWAITING_OLD_PODS = "AwaitingOldPods"
    AWAITING_FIRST_SCRAPE = "AwaitingFirstScrape"
    AWAITING_PODS = "AwaitingPods"
    STABLE_DEGRADED = "StableDegraded"
    STEP_NOT_REACHABLE = "StepNotReachable"
    IMAGE_DIGESTS_DIFFER = "ImageDigestsDiffer"
    # the spec
    INVALID_SPEC = "InvalidSpec"
    NAME_TAKEN = "NameTaken"
    WRITE_REFUSED = "WriteRefused"
    RESTORED = "Restored"
