"""Holds about time: a pause of everything, a pause of a step, a hold, the deadline."""

from davylamp.api.names import Command, Reason
from davylamp.api.status import Candidate
from davylamp.rollout.holds.hold import Hold, how_to, promote_or_abort
from davylamp.rollout.situation import Situation, after, is_over, looked_on, running_time


def paused(situation: Situation, candidate: Candidate) -> Hold | None:
    """A user stopped everything that goes forward."""
    if not situation.observation.paused or candidate.promote_requested:
        return None
    return Hold(Reason.PAUSED, "spec.paused is true; set it to false to continue")


def past_deadline(situation: Situation, candidate: Candidate) -> Hold | None:
    """The rollout took too long, and its plan says to wait for a user."""
    plan = candidate.plan
    if candidate.promote_requested or plan.on_deadline != "Pause":
        return None
    now = situation.observation.now
    if not is_over(situation, now - running_time(candidate, now), plan.deadline):
        return None
    return Hold(
        Reason.DEADLINE_EXCEEDED,
        f"not promoted within {plan.deadline}; {promote_or_abort(situation, candidate)}",
    )


def approval_awaited(situation: Situation, candidate: Candidate) -> Hold | None:
    """The step waits for a user."""
    if not candidate.plan.steps[candidate.step - 1].pause or candidate.advanced >= candidate.step:
        return None
    return Hold(
        Reason.AWAITING_APPROVAL,
        f"step {candidate.step} pauses; continue with "
        f"{how_to(Command.ADVANCE, situation, candidate)}",
    )


def holding_time(situation: Situation, candidate: Candidate) -> Hold | None:
    """The step's hold is not over."""
    hold = candidate.plan.steps[candidate.step - 1].hold
    if not hold or candidate.step_at is None:
        return None
    until = candidate.step_at + after(hold)
    if until <= situation.observation.now and looked_on(situation, hold):
        return None
    return Hold(Reason.HOLDING, f"step {candidate.step} holds until {until:%H:%M:%SZ}")
