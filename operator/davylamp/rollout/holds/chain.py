"""Why a stage does not end yet: small named rules, first answer wins, read top-down.

A hold is a fact with a sentence; it goes into the status as it is. No hold means the stage is
over and the next move is made.
"""

from typing import Final

from davylamp.api.status import Candidate, Stage
from davylamp.rollout.holds import checks, clocks, drift, gates, images, patience, pods, shares
from davylamp.rollout.holds.hold import Hold, HoldRule
from davylamp.rollout.situation import Situation

HOLDS: Final[dict[Stage, tuple[HoldRule, ...]]] = {
    Stage.PREPARING: (
        pods.secret_missing,
        clocks.paused,
        shares.no_step_reachable,
        images.image_awaited,
        patience.pods_late,
        pods.pods_not_ready,
        pods.digests_differ,
        checks.checks_pending,
        drift.explanations_awaited,
        shares.old_pods,
        shares.stable_degraded,
        gates.metrics_unavailable,
        gates.not_scraped_yet,
        gates.gate_without_baseline,
        pods.unsettled_at_first,
    ),
    Stage.CANARY: (
        clocks.paused,
        clocks.past_deadline,
        shares.step_out_of_reach,
        pods.secret_missing,
        patience.pods_late,
        patience.trouble_shared,
        pods.pods_not_ready,
        shares.old_pods,
        pods.digests_differ,
        gates.nothing_else_serves,
        gates.approval_awaited_by_gate,
        gates.approval_awaited_without_data,
        clocks.approval_awaited,
        clocks.holding_time,
        gates.gate_without_data,
        gates.few_requests,
        gates.undecided,
        pods.unsettled_at_last,
        shares.stable_degraded,
    ),
    Stage.PROMOTING: (
        pods.secret_missing,
        gates.nothing_else_serves,
        patience.pods_late,
        patience.trouble_shared,
        pods.pods_not_ready,
        pods.pods_unsettled,
    ),
    Stage.RETURNING: (patience.return_late, pods.return_not_ready),
}


def hold_of(situation: Situation, candidate: Candidate) -> Hold | None:
    """The first reason why the candidate's stage is not over, None when it is.

    A user's promotion ends the canary at once; pods that are lacking are awaited while promoting,
    where that has a deadline.
    """
    if candidate.promote_requested and candidate.stage is Stage.CANARY:
        return None
    for rule in HOLDS[candidate.stage]:
        hold = rule(situation, candidate)
        if hold:
            return hold
    return None
