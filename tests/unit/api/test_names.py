"""Every string that users, alerts and dashboards key on: a rename has to show up here."""

from davylamp.api import names
from davylamp.api.names import Command, ConditionType, Reason


def test_api_names():
    assert names.API_VERSION == "davylamp.dev/v1alpha1"
    assert (names.KIND, names.PLURAL) == ("ModelDeployment", "modeldeployments")
    assert (names.FIELD_MANAGER, names.CONTAINER) == ("davylamp", "model")


def test_labels():
    assert names.LABEL_MANAGED_BY == "app.kubernetes.io/managed-by"
    assert names.LABEL_NAME == "app.kubernetes.io/name"
    assert names.LABEL_VERSION == "app.kubernetes.io/version"
    assert names.LABEL_PART_OF == "app.kubernetes.io/part-of"
    assert names.LABEL_MODEL == "davylamp.dev/model"
    assert names.LABEL_REVISION == "davylamp.dev/revision"
    assert names.LABEL_EXPLAINS == "davylamp.dev/explains"
    assert names.MANAGED_BY == "davylamp"


def test_commands():
    assert {command.value for command in Command} == {
        "davylamp.dev/promote",
        "davylamp.dev/advance",
        "davylamp.dev/abort",
        "davylamp.dev/retry",
    }


def test_condition_types():
    assert [kind.value for kind in ConditionType] == [
        "Ready",
        "Available",
        "Reconciling",
        "Stalled",
        "Obstructed",
        "RollbackVerified",
        "ExplanationsStable",
        "ImageNotPinned",
        "TagMoved",
    ]


PUBLISHED_REASONS = [
    "Preparing",
    "Canary",
    "Promoting",
    "Returning",
    "Serving",
    "Probation",
    "Paused",
    "RolloutStarted",
    "CanaryStarted",
    "StepAdvanced",
    "PromotionStarted",
    "Promoted",
    "ProbationPassed",
    "ReturnStarted",
    "Returned",
    "RolledBack",
    "Superseded",
    "Aborted",
    "Retried",
    "NothingToAbort",
    "CheckFailed",
    "AwaitingChecks",
    "Verifying",
    "RollbackVerified",
    "RollbackNotVerified",
    "NothingToVerify",
    "GateFailed",
    "CrashLoop",
    "OutOfMemory",
    "ImageUnavailable",
    "ReadinessLost",
    "ProgressDeadlineExceeded",
    "DeadlineExceeded",
    "SecretMissing",
    "Holding",
    "AwaitingApproval",
    "AwaitingData",
    "AwaitingEvidence",
    "AwaitingOldPods",
    "AwaitingFirstScrape",
    "AwaitingPods",
    "StableDegraded",
    "StepNotReachable",
    "ImageDigestsDiffer",
    "ExplanationsStable",
    "ExplanationsDrifted",
    "ExplanationsUndecided",
    "ExplanationJobFailed",
    "InvalidSpec",
    "NameTaken",
    "WriteRefused",
    "WriteFailing",
    "FenceRefused",
    "Restored",
]


def test_reasons_that_were_published_keep_their_spelling():
    assert set(PUBLISHED_REASONS) <= {reason.value for reason in Reason}


def test_reasons_are_unique_camel_case_words():
    for reason in Reason:
        assert reason.value.isalpha()
        assert reason.value[0].isupper()
        assert (
            reason.name
            == "".join(
                f"_{c}" if c.isupper() and i else c for i, c in enumerate(reason.value)
            ).upper()
        )
