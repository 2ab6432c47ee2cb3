"""Moves that a person asks for, by an annotation that names the revision it means."""

from davylamp.api.names import Command, Reason
from davylamp.api.status import Outcome
from davylamp.rollout.endings import revert, take_back
from davylamp.rollout.notices import Notice
from davylamp.rollout.turn import Turn


def abort_asked(turn: Turn) -> Turn | None:
    """A person aborts the candidate, the revision in probation, or one that has not begun."""
    revision = turn.asked(Command.ABORT)
    if revision is None:
        return None
    status, target = turn.status, turn.seen.target
    told = turn.handled(Command.ABORT)
    if status.candidate and status.candidate.revision == revision:
        return take_back(told, Reason.ABORTED, "a person said abort")
    if status.stable and status.stable.revision == revision:
        if status.previous:
            return revert(told, Reason.ABORTED, "a person said abort")
        message = f"{status.stable.tag} serves and nothing is rolling out; edit the spec to go back"
        return told.saying(Notice(Reason.NOTHING_TO_ABORT, message, revision))
    if target.revision == revision and not turn.rejected(revision):
        message = f"{target.tag} will not be rolled out: a person said abort before it began"
        return (
            told.rejecting(target, Reason.ABORTED, "a person said abort")
            .ended(target, Outcome.ABORTED, Reason.ABORTED)
            .saying(Notice(Reason.ABORTED, message, revision, "Warning"))
        )
    return told if turn.rejected(revision) else None


def retry_asked(turn: Turn) -> Turn | None:
    """A person gives a rejected revision another chance.

    Said of one that is not rejected it is used up, or it would undo a later rejection unasked.
    """
    revision = turn.asked(Command.RETRY)
    if revision is None:
        return None
    rejection = turn.rejected(revision)
    if rejection is None:
        return turn.handled(Command.RETRY)
    kept = tuple(r for r in turn.status.rejected if r.revision != revision)
    told = Notice(Reason.RETRIED, f"{rejection.tag} may be rolled out again", revision)
    return turn.handled(Command.RETRY).remember(rejected=kept).saying(told)


def promote_asked(turn: Turn) -> Turn | None:
    """A person wants the candidate promoted without waiting for steps and gates."""
    candidate = turn.status.candidate
    if candidate is None or turn.asked(Command.PROMOTE) != candidate.revision:
        return None
    return turn.handled(Command.PROMOTE).with_candidate(approved=True)


def advance_asked(turn: Turn) -> Turn | None:
    """A person lets a paused step pass, or a rollout go on that had no data for too long."""
    candidate = turn.status.candidate
    if candidate is None or turn.asked(Command.ADVANCE) != candidate.revision:
        return None
    told = turn.handled(Command.ADVANCE)
    if candidate.blind_paused:
        return told.with_candidate(blind_since=None, blind_paused=False)
    return told.with_candidate(advanced=candidate.step)
