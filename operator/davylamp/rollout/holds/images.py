"""Holds about the image of a revision that is not recorded yet: which bytes its tag means."""

from typing import Final

from davylamp.api.names import Command, HoldReason, Reason, RollbackReason
from davylamp.api.status import Candidate, Stage
from davylamp.images import ImageFault, ImageFinding
from davylamp.images.answers import OF_THE_IMAGE
from davylamp.rollout.holds.hold import Hold, how_to
from davylamp.rollout.situation import Situation, is_over

_HELD: Final[dict[ImageFault, HoldReason]] = {
    ImageFault.UNSIGNED: Reason.SIGNATURE_MISSING,
    ImageFault.BADLY_SIGNED: Reason.SIGNATURE_INVALID,
}
_REJECTED: Final[dict[ImageFault, RollbackReason]] = {
    ImageFault.NOT_FOUND: Reason.IMAGE_UNAVAILABLE,
    ImageFault.UNSIGNED: Reason.SIGNATURE_MISSING,
    ImageFault.BADLY_SIGNED: Reason.SIGNATURE_INVALID,
}


def unrecorded_image(situation: Situation, candidate: Candidate) -> ImageFinding | None:
    """What is known of the candidate's image; None where its record has said it for good."""
    image = situation.observation.image
    if image is None or image.revision != candidate.revision:
        return None
    return None if candidate.revision in situation.observation.recorded else image


def image_awaited(situation: Situation, candidate: Candidate) -> Hold | None:
    """No pod is made before it is known which bytes it would run, where that is demanded."""
    image = unrecorded_image(situation, candidate)
    if image is None or not image.holds:
        return None
    if image.fault is None:
        what = f"asking {image.host} which digest tag {candidate.tag} has"
        return Hold(Reason.AWAITING_IMAGE, what)
    message = f"{image.fault.message}; no pod is made before that is mended. To stop the rollout: "
    message += how_to(Command.ABORT, situation, candidate)
    if image.fault.fault not in OF_THE_IMAGE and _is_late(situation, candidate):
        return Hold(
            Reason.PROGRESS_DEADLINE_EXCEEDED,
            f"not resolved after {candidate.plan.progress_deadline}: {message}",
        )
    return Hold(_HELD.get(image.fault.fault, Reason.IMAGE_NOT_RESOLVED), message)


def image_rejection(
    situation: Situation, candidate: Candidate
) -> tuple[RollbackReason, str] | None:
    """Why a candidate is rejected whose image was not what it has to be in all of its time.

    A registry that cannot be asked is waited for without end, as for any other hindrance.
    """
    image = unrecorded_image(situation, candidate)
    if image is None or not image.holds or image.fault is None:
        return None
    reason = _REJECTED.get(image.fault.fault)
    if reason is None or not _is_late(situation, candidate):
        return None
    return reason, f"within {candidate.plan.progress_deadline}: {image.fault.message}"


def _is_late(situation: Situation, candidate: Candidate) -> bool:
    deadline = candidate.plan.progress_deadline
    return candidate.stage is Stage.PREPARING and is_over(situation, candidate.stage_at, deadline)
