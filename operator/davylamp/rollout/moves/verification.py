"""After a rollback: does what serves now still give the predictions of its training run?

The answer moves no traffic, for there is nothing better to return to; it becomes a notice and alerts.
"""

from typing import Literal

from davylamp.api.names import Reason
from davylamp.api.spec import CheckName
from davylamp.api.status import Verification, identity
from davylamp.checks import CheckReason, CheckResult
from davylamp.rollout.notices import Notice
from davylamp.rollout.situation import Situation
from davylamp.rollout.wording import named


def verifying(situation: Situation) -> Situation:
    """An attempt ended badly, or an earlier revision returned: what serves is looked at again."""
    stable = situation.status.stable
    if stable is None or CheckName.GOLDEN not in situation.observation.rollout.checks:
        return situation.remember(verification=None)
    return situation.remember(
        verification=Verification(
            **identity(stable),
            verdict="Unknown",
            reason=Reason.VERIFYING,
            message="its golden requests have not been answered yet",
            at=situation.observation.now,
        )
    )


def is_due(verification: Verification) -> bool:
    """Whether a pod has to be asked."""
    return verification.verdict == "Unknown" and verification.reason == Reason.VERIFYING


def verification_noted(situation: Situation) -> Situation | None:
    """A pod of what serves answered, or could not be asked."""
    known = situation.status.verification
    if known is None or not is_due(known):
        return None
    answers = situation.observation.answers_about(known.revision, known.at)
    result = next((answer for answer in answers if answer.name is CheckName.GOLDEN), None)
    if result is None:
        return None
    verified = _verified(situation, known, result)
    if verified == known:
        return None
    noted = situation.remember(verification=verified)
    if verified.verdict == "Unknown":
        return noted
    severity: Literal["Normal", "Warning"] = "Normal" if verified.verdict == "Pass" else "Warning"
    message = f"{named(known, situation.observation.target)} is serving after the rollback: {result.message}"
    return noted.with_notice(Notice(Reason(verified.reason), message, known.revision, severity))


def _verified(situation: Situation, known: Verification, result: CheckResult) -> Verification:
    """The verification with a pod's answer; without one it stays due."""
    if result.verdict == "Unknown":
        return known.model_copy(update={"message": result.message})
    verdict: Literal["Pass", "Fail", "Unknown"]
    verdict, reason = "Fail", Reason.ROLLBACK_NOT_VERIFIED
    if result.verdict == "Pass":
        verdict, reason = "Pass", Reason.ROLLBACK_VERIFIED
    elif result.reason is CheckReason.NO_MANIFEST:
        verdict, reason = "Unknown", Reason.NOTHING_TO_VERIFY
    return known.model_copy(
        update={
            "verdict": verdict,
            "reason": reason,
            "message": result.message,
            "at": situation.observation.now,
        }
    )


def verification_unwanted(situation: Situation) -> Situation | None:
    """The spec no longer asks for golden requests."""
    wanted = CheckName.GOLDEN in situation.observation.rollout.checks
    if wanted or situation.status.verification is None:
        return None
    return situation.remember(verification=None)
