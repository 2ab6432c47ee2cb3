"""How an attempt ends badly: its traffic is lost, the reason is remembered, the one before serves."""

from davylamp.api.names import Reason, RollbackReason
from davylamp.api.status import Candidate, Outcome, Stable, identity
from davylamp.rollout.holds.checks import unpassed
from davylamp.rollout.moves.verification import verifying
from davylamp.rollout.notices import Notice
from davylamp.rollout.situation import Situation
from davylamp.rollout.wording import pair


def roll_back(
    situation: Situation, reason: RollbackReason, message: str, *, by: str | None = None
) -> Situation:
    """The candidate loses its traffic and is remembered as rejected; stable continues."""
    candidate, stable = situation.status.candidate, situation.status.stable
    assert candidate is not None  # noqa: S101
    bad, good = pair(candidate, stable)
    remaining = f"{good} is still serving" if stable else "nothing served before it"
    notice = Notice(
        Reason.ABORTED if reason is Reason.ABORTED else Reason.ROLLED_BACK,
        f"{bad} rolled back ({reason}): {message}; {remaining}",
        candidate.revision,
        "Warning",
    )
    ended = (
        situation.rejecting(candidate, reason, message, checks=_unpassed(candidate, reason))
        .ended(candidate, _outcome(reason), reason, by=by)
        .remember(candidate=None)
        .with_notice(notice)
    )
    return verifying(ended)


def roll_back_promoted(
    situation: Situation, reason: RollbackReason, message: str, *, by: str | None = None
) -> Situation:
    """The promoted revision fails its probation; the one before serves again."""
    promoted, previous = situation.status.stable, situation.status.previous
    assert promoted is not None and previous is not None  # noqa: S101, PT018
    bad, good = pair(promoted, previous)
    notice = Notice(
        Reason.ROLLED_BACK,
        f"{bad} rolled back in its probation ({reason}): {message}; {good} is serving again",
        promoted.revision,
        "Warning",
    )
    now = situation.observation.now
    ended = (
        situation.rejecting(promoted, reason, message)
        .ended(promoted, _outcome(reason), reason, by=by)
        .remember(stable=Stable(**identity(previous), promoted_at=now), previous=None)
        .with_notice(notice)
    )
    return verifying(ended)


def _unpassed(candidate: Candidate, reason: Reason) -> tuple[str, ...]:
    """The checks for which a candidate is rolled back; a user may leave them out and try again."""
    return unpassed(candidate) if reason is Reason.CHECK_FAILED else ()


def _outcome(reason: Reason) -> Outcome:
    return Outcome.ABORTED if reason is Reason.ABORTED else Outcome.ROLLED_BACK
