"""What the status says of stable is brought in line with what there is.

What serves is recognised where the status knows nothing of it: made anew, or restored without it. A
stable revision of which nothing is left is given up, as nothing could bring it back.
"""

from davylamp.api.names import Reason
from davylamp.api.status import Outcome, Stable, Stage, identity
from davylamp.rollout.notices import Notice
from davylamp.rollout.situation import Situation
from davylamp.rollout.wording import named_in_full


def stable_resumed(situation: Situation) -> Situation | None:
    """The stored route sends traffic to a recorded revision: it goes on serving, as stable.

    What the spec asks for is then rolled out beside it like any other revision. A candidate that is
    this very revision has its checks first, and keeps the traffic meanwhile.
    """
    served, candidate = situation.observation.served, situation.status.candidate
    if situation.status.stable or served is None or served.ref is None:
        return None
    if candidate and candidate.revision == served.revision:
        return None
    message = (
        f"{named_in_full(served.ref)} was serving already, though the status knew of no stable "
        "revision: it goes on as stable, without checks or a canary"
    )
    stable = Stable(**identity(served.ref), promoted_at=situation.observation.now)
    return (
        situation.ended(stable, Outcome.PROMOTED, Reason.RESUMED)
        .remember(stable=stable)
        .with_notice(Notice(Reason.RESUMED, message, served.revision))
    )


def stable_given_up(situation: Situation) -> Situation | None:
    """Somebody deleted the stable revision's record and all that ran of it.

    Without its record it cannot be made again as it was. So what the spec asks for, be it the same
    revision, is rolled out as a first one is: there is nothing left to compare it to.
    """
    stable, candidate = situation.status.stable, situation.status.candidate
    if stable is None or situation.status.previous:
        return None
    if stable.revision in situation.observation.recorded:
        return None
    workload = situation.observation.workload(stable.revision)
    if workload.desired or workload.pods or (candidate and candidate.stage is not Stage.PREPARING):
        return None
    message = (
        f"{named_in_full(stable)} cannot be made again: its ControllerRevision and its pods were "
        "deleted; what the spec asks for is rolled out as the first revision is, without a canary"
    )
    return situation.remember(stable=None, verification=None).with_notice(
        Notice(Reason.STABLE_GIVEN_UP, message, stable.revision, "Warning")
    )
