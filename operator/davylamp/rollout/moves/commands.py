"""Moves that a person asks for, by an annotation that names the revision it means."""

from davylamp.api.names import Command, Reason
from davylamp.api.status import Outcome
from davylamp.rollout.moves.endings import roll_back, roll_back_promoted
from davylamp.rollout.notices import Notice
from davylamp.rollout.situation import Situation


def abort_asked(situation: Situation) -> Situation | None:
    """A person aborts the candidate, the revision in probation, or one that has not begun."""
    revision = situation.asked(Command.ABORT)
    if revision is None:
        return None
    status, target = situation.status, situation.seen.target
    told = situation.handled(Command.ABORT)
    if status.candidate and status.candidate.revision == revision:
        return roll_back(told, Reason.ABORTED, "a person said abort")
    if status.stable and status.stable.revision == revision:
        if status.previous:
            return roll_back_promoted(told, Reason.ABORTED, "a person said abort")
        message = f"{status.stable.tag} serves and nothing is rolling out; edit the spec to go back"
        return told.saying(Notice(Reason.NOTHING_TO_ABORT, message, revision))
    if target.revision == revision and not situation.rejected(revision):
        message = f"{target.tag} will not be rolled out: a person said abort before it began"
        return (
            told.rejecting(target, Reason.ABORTED, "a person said abort")
            .ended(target, Outcome.ABORTED, Reason.ABORTED)
            .saying(Notice(Reason.ABORTED, message, revision, "Warning"))
        )
    return told if situation.rejected(revision) else None


def retry_asked(situation: Situation) -> Situation | None:
    """A person gives a rejected revision another chance.

    Said of one that is not rejected it is used up, or it would undo a later rejection unasked.
    """
    revision = situation.asked(Command.RETRY)
    if revision is None:
        return None
    rejection = situation.rejected(revision)
    if rejection is None:
        return situation.handled(Command.RETRY)
    kept = tuple(r for r in situation.status.rejected if r.revision != revision)
    told = Notice(Reason.RETRIED, f"{rejection.tag} may be rolled out again", revision)
    return situation.handled(Command.RETRY).remember(rejected=kept).saying(told)


def promote_asked(situation: Situation) -> Situation | None:
    """A person wants the candidate promoted without waiting for steps and gates."""
    candidate = situation.status.candidate
    if candidate is None or situation.asked(Command.PROMOTE) != candidate.revision:
        return None
    return situation.handled(Command.PROMOTE).with_candidate(promote_requested=True)


def advance_asked(situation: Situation) -> Situation | None:
    """A person lets a paused step pass, or a rollout go on that had no data for too long."""
    candidate = situation.status.candidate
    if candidate is None or situation.asked(Command.ADVANCE) != candidate.revision:
        return None
    told = situation.handled(Command.ADVANCE)
    if candidate.no_data_paused:
        return told.with_candidate(no_data_since=None, no_data_paused=False)
    return told.with_candidate(advanced=candidate.step)
