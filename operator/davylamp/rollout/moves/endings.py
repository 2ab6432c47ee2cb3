"""How a turn ends badly: the traffic is lost, the reason is remembered, the one before serves."""

from davylamp.api.names import Reason, RollbackReason
from davylamp.api.status import Outcome, Stable, identity
from davylamp.rollout.notices import Notice
from davylamp.rollout.situation import Situation
from davylamp.rollout.verification import verifying


def roll_back(situation: Situation, reason: RollbackReason, message: str) -> Situation:
    """The candidate loses its traffic and is remembered as rejected; stable goes on."""
    candidate = situation.status.candidate
    assert candidate is not None  # noqa: S101
    outcome = Outcome.ABORTED if reason is Reason.ABORTED else Outcome.ROLLED_BACK
    stable = situation.status.stable
    stays = f"{stable.tag} keeps serving" if stable else "nothing served before it"
    told = Notice(
        Reason.ABORTED if reason is Reason.ABORTED else Reason.ROLLED_BACK,
        f"{candidate.tag} taken back ({reason}): {message}; {stays}",
        candidate.revision,
        "Warning",
    )
    ended = (
        situation.rejecting(candidate, reason, message)
        .ended(candidate, outcome, reason)
        .remember(candidate=None)
        .saying(told)
    )
    return verifying(ended)


def roll_back_promoted(situation: Situation, reason: RollbackReason, message: str) -> Situation:
    """The promoted revision fails its probation; the one before serves again."""
    bad, good = situation.status.stable, situation.status.previous
    assert bad is not None and good is not None  # noqa: S101, PT018
    outcome = Outcome.ABORTED if reason is Reason.ABORTED else Outcome.ROLLED_BACK
    told = Notice(
        Reason.ROLLED_BACK,
        f"{bad.tag} taken back in probation ({reason}): {message}; {good.tag} serves again",
        bad.revision,
        "Warning",
    )
    ended = (
        situation.rejecting(bad, reason, message)
        .ended(bad, outcome, reason)
        .remember(stable=Stable(**identity(good), promoted_at=situation.seen.now), previous=None)
        .saying(told)
    )
    return verifying(ended)
