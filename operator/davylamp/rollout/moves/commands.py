"""Moves that a user asks for, by an annotation that names the revision it means."""

from typing import Final

from davylamp.api.names import Command, Reason
from davylamp.api.status import Outcome, RevisionRef
from davylamp.rollout.moves.endings import roll_back, roll_back_promoted
from davylamp.rollout.notices import Notice
from davylamp.rollout.situation import Situation
from davylamp.rollout.wording import named

BY_USER: Final = "aborted by a user"


def abort_requested(situation: Situation) -> Situation | None:
    """A user aborts the candidate, the revision in probation, or one that has not begun."""
    revision = situation.asked(Command.ABORT)
    if revision is None:
        return None
    status = situation.status
    handled = situation.handled(Command.ABORT)
    if status.candidate and status.candidate.revision == revision:
        return roll_back(handled, Reason.ABORTED, BY_USER)
    if status.stable and status.stable.revision == revision:
        if status.previous:
            return roll_back_promoted(handled, Reason.ABORTED, BY_USER)
        return _nothing_to_abort(handled, status.stable)
    if situation.rejected(revision):
        return handled
    return _rejected_unbegun(handled) if situation.observation.target.revision == revision else None


def _nothing_to_abort(situation: Situation, stable: RevisionRef) -> Situation:
    name = named(stable, situation.observation.target)
    message = (
        f"nothing to abort: {name} is serving, it is not being rolled out; "
        "to return to an earlier revision, apply its spec"
    )
    return situation.with_notice(Notice(Reason.NOTHING_TO_ABORT, message, stable.revision))


def _rejected_unbegun(situation: Situation) -> Situation:
    target = situation.observation.target
    name = named(target, situation.status.stable)
    message = f"{name} will not be rolled out: {BY_USER} before the rollout began"
    return (
        situation.rejecting(target, Reason.ABORTED, BY_USER)
        .ended(target, Outcome.ABORTED, Reason.ABORTED)
        .with_notice(Notice(Reason.ABORTED, message, target.revision, "Warning"))
    )


def retry_requested(situation: Situation) -> Situation | None:
    """A user gives a rejected revision another chance.

    For one that is not rejected the command is used up, or it would undo a later rejection.
    """
    revision = situation.asked(Command.RETRY)
    if revision is None:
        return None
    rejection = situation.rejected(revision)
    if rejection is None:
        return situation.handled(Command.RETRY)
    kept = tuple(r for r in situation.status.rejected if r.revision != revision)
    name = named(rejection, situation.status.stable)
    message = f"{name} is no longer rejected: a user allowed it to be rolled out again"
    notice = Notice(Reason.RETRIED, message, revision)
    return situation.handled(Command.RETRY).remember(rejected=kept).with_notice(notice)


def promote_requested(situation: Situation) -> Situation | None:
    """A user wants the candidate promoted without waiting for steps and gates."""
    candidate = situation.status.candidate
    if candidate is None or situation.asked(Command.PROMOTE) != candidate.revision:
        return None
    return situation.handled(Command.PROMOTE).with_candidate(promote_requested=True)


def advance_requested(situation: Situation) -> Situation | None:
    """A user lets a paused step pass, or a rollout continue that had no data for too long."""
    candidate = situation.status.candidate
    if candidate is None or situation.asked(Command.ADVANCE) != candidate.revision:
        return None
    handled = situation.handled(Command.ADVANCE)
    if candidate.no_data_paused:
        return handled.with_candidate(no_data_since=None, no_data_paused=False)
    return handled.with_candidate(advanced=candidate.step)
