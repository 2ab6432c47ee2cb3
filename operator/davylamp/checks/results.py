"""What a check finds: one of three verdicts, its reason, and a sentence with numbers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from davylamp.api.spec import CheckName
from davylamp.schema.text import shortened

LONGEST_MESSAGE: Final = 600


class CheckVerdict(StrEnum):
    """`UNKNOWN` means that the pod did not answer, which is neither good nor bad."""

    PASS = "Pass"  # noqa: S105
    FAIL = "Fail"
    UNKNOWN = "Unknown"


class CheckReason(StrEnum):
    """Reasons of results, in the status and in metric labels."""

    MANIFEST_MATCHES = "ManifestMatches"
    MANIFEST_DIFFERS = "ManifestDiffers"
    MANIFEST_INVALID = "ManifestInvalid"
    NO_MANIFEST = "NoManifest"
    NOT_RECORDED = "NotRecorded"
    PREDICTIONS_REPRODUCED = "PredictionsReproduced"
    PREDICTIONS_DIFFER = "PredictionsDiffer"
    EXPLANATIONS_REPRODUCED = "ExplanationsReproduced"
    EXPLANATIONS_DO_NOT_ADD_UP = "ExplanationsDoNotAddUp"
    EXPLANATIONS_DIFFER = "ExplanationsDiffer"
    GROUPS_WITHIN_BOUNDS = "GroupsWithinBounds"
    GROUP_GAP_TOO_LARGE = "GroupGapTooLarge"
    BAD_ANSWER = "BadAnswer"
    UNREACHABLE = "Unreachable"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in the replies, before it is assigned to a check."""

    verdict: CheckVerdict
    reason: CheckReason
    message: str

    def by(self, check: CheckName) -> "CheckResult":
        """This finding as the result of a check, its message within bounds."""
        message = shortened(self.message, limit=LONGEST_MESSAGE)
        return CheckResult(check, self.verdict, self.reason, message)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check, with everything that the status and the metric need."""

    name: CheckName
    verdict: CheckVerdict
    reason: CheckReason
    message: str


def passed(reason: CheckReason, message: str) -> Finding:
    """Everything is as recorded."""
    return Finding(CheckVerdict.PASS, reason, message)


def failed(reason: CheckReason, message: str) -> Finding:
    """Something is not as recorded; asking again would not change it."""
    return Finding(CheckVerdict.FAIL, reason, message)


def unknown(message: str) -> Finding:
    """The pod did not answer; ask again."""
    return Finding(CheckVerdict.UNKNOWN, CheckReason.UNREACHABLE, message)
