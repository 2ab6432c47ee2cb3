"""After a rollback: does what serves now still give the predictions of its training run?

The answer moves no traffic, for there is nothing better to go back to. It is told, and alerts.
"""

from typing import Literal, NamedTuple

from davylamp.api.names import Reason
from davylamp.api.spec import CheckName
from davylamp.api.status import Verification, identity
from davylamp.checks import CheckReason, CheckResult
from davylamp.rollout.notices import Notice
from davylamp.rollout.situation import Situation


class State(NamedTuple):
    """What the condition RollbackVerified says."""

    value: Literal["True", "False", "Unknown"]
    reason: Reason
    message: str


def verifying(situation: Situation) -> Situation:
    """A turn ended badly, or an earlier revision returned: what serves is looked at again."""
    stable = situation.status.stable
    if stable is None or CheckName.GOLDEN not in situation.seen.rollout.checks:
        return situation.remember(verification=None)
    return situation.remember(
        verification=Verification(
            **identity(stable),
            verdict="Unknown",
            reason=Reason.VERIFYING,
            message="its golden requests have not been answered yet",
            at=situation.seen.now,
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
    answers = situation.seen.answers_about(known.revision, known.at)
    result = next((each for each in answers if each.name is CheckName.GOLDEN), None)
    if result is None:
        return None
    found = _found(situation, known, result)
    if found == known:
        return None
    told = situation.remember(verification=found)
    if found.verdict == "Unknown":
        return told
    severity: Literal["Normal", "Warning"] = "Normal" if found.verdict == "Pass" else "Warning"
    text = f"{known.tag} serves after the rollback: {result.message}"
    return told.saying(Notice(Reason(found.reason), text, known.revision, severity))


def _found(situation: Situation, known: Verification, result: CheckResult) -> Verification:
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
            "at": situation.seen.now,
        }
    )


def verification_unwanted(situation: Situation) -> Situation | None:
    """The spec asks for no golden requests any more."""
    if situation.status.verification is None or CheckName.GOLDEN in situation.seen.rollout.checks:
        return None
    return situation.remember(verification=None)


def state_of(situation: Situation) -> State | None:
    """What the condition says; None while no rollback is to be told of."""
    found = situation.status.verification
    if found is None:
        return None
    value: Literal["True", "False", "Unknown"] = "Unknown"
    if found.verdict != "Unknown":
        value = "True" if found.verdict == "Pass" else "False"
    return State(value, Reason(found.reason), f"{found.tag}: {found.message}")
