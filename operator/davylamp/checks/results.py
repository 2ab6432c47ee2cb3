"""What a check can find: three verdicts, their reasons, and a sentence with numbers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from davylamp.api.spec import CheckName

LONGEST_MESSAGE: Final = 600


class CheckVerdict(StrEnum):
    """`UNKNOWN` means that the pod could not be asked, which is neither good nor bad."""

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
class Found:
    """What one look found, before it is said which check it belongs to."""

    verdict: CheckVerdict
    reason: CheckReason
    message: str

    def by(self, check: CheckName) -> "CheckResult":
        """This as the result of a check."""
        return CheckResult(check, self.verdict, self.reason, shortened(self.message))


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer of one check, with everything that the status and the metric need."""

    name: CheckName
    verdict: CheckVerdict
    reason: CheckReason
    message: str


def passed(reason: CheckReason, message: str) -> Found:
    """Everything is as it was recorded."""
    return Found(CheckVerdict.PASS, reason, message)


def failed(reason: CheckReason, message: str) -> Found:
    """Something is not; asking again would not change it."""
    return Found(CheckVerdict.FAIL, reason, message)


def unknown(message: str) -> Found:
    """Nobody answered; ask again."""
    return Found(CheckVerdict.UNKNOWN, CheckReason.UNREACHABLE, message)


def shortened(text: str) -> str:
    """The text within bounds."""
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 1]}…"
