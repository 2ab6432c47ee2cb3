"""What serves is recognised where the status knows nothing of it: made anew, or restored without it."""

from davylamp.api.names import Reason
from davylamp.api.status import Outcome, Stable, identity
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
