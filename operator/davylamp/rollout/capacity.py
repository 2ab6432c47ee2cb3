"""Holds about pods: how many a stage needs, and what keeps it from having them."""

from datetime import timedelta
from typing import Final

from davylamp.api.names import Reason
from davylamp.api.status import Candidate, Stage
from davylamp.rollout import steps
from davylamp.rollout.faults import why_not_ready
from davylamp.rollout.hold import Hold
from davylamp.rollout.turn import Turn

STABLE_PATIENCE: Final = timedelta(minutes=2)
"""How long a step waits for stable's pods; a fix must be able to pass a broken stable."""


def pods_needed(turn: Turn, candidate: Candidate) -> int:
    """Ready pods the candidate needs at its present stage."""
    if turn.status.stable is None or candidate.stage in {Stage.PROMOTING, Stage.RETURNING}:
        return turn.seen.replicas
    number = candidate.step or steps.next_step(candidate.plan.steps, 0, turn.seen.replicas)
    if not number:
        return 1
    return max(
        1, steps.canary_replicas(candidate.plan.steps[number - 1].weight, turn.seen.replicas)
    )


def secret_missing(turn: Turn, candidate: Candidate) -> Hold | None:
    """A Secret the revision needs does not exist, so the pods it lacks cannot start."""
    if not turn.seen.missing_secrets or pods_not_ready(turn, candidate) is None:
        return None
    names = ", ".join(turn.seen.missing_secrets)
    return Hold(Reason.SECRET_MISSING, f"Secret {names} of spec.secrets does not exist; create it")


def pods_not_ready(turn: Turn, candidate: Candidate) -> Hold | None:
    """Fewer ready pods than this stage needs."""
    workload = turn.seen.workload(candidate.revision)
    needed = pods_needed(turn, candidate)
    if workload.lasting >= needed:
        return None
    return Hold(
        Reason.AWAITING_PODS,
        f"{workload.lasting} of {needed} pods ready; {why_not_ready(workload)}",
    )


def return_not_ready(turn: Turn, candidate: Candidate) -> Hold | None:
    """A return waits for full capacity, unless what serves now cannot serve at all."""
    serving = turn.serving()
    if serving and not serving.ready and turn.seen.workload(candidate.revision).lasting:
        return None
    return secret_missing(turn, candidate) or pods_not_ready(turn, candidate)


def digests_differ(turn: Turn, candidate: Candidate) -> Hold | None:
    """Pods of one revision run different images: the tag was moved in the registry."""
    digests = sorted(turn.seen.workload(candidate.revision).digests)
    if len(digests) < 2:
        return None
    return Hold(
        Reason.IMAGE_DIGESTS_DIFFER,
        f"tag {candidate.tag} was moved: its pods run {' and '.join(digests)}; "
        "use a tag per commit or set spec.image.digest",
    )


def no_step_reachable(turn: Turn, candidate: Candidate) -> Hold | None:
    """No step is wide enough for a whole pod."""
    plan = candidate.plan.steps
    if turn.status.stable is None or not plan or candidate.approved:
        return None
    if steps.next_step(plan, 0, turn.seen.replicas):
        return None
    lowest = steps.lowest_weight(turn.seen.replicas)
    return Hold(
        Reason.STEP_NOT_REACHABLE,
        f"with {turn.seen.replicas} replicas one canary pod is {lowest} % of traffic, more than "
        "any step in spec.rollout.steps allows; add a wider step or raise spec.replicas",
    )


def step_out_of_reach(turn: Turn, candidate: Candidate) -> Hold | None:
    """Stable was scaled down so far that one canary pod exceeds the step."""
    weight = candidate.plan.steps[candidate.step - 1].weight
    if steps.canary_replicas(weight, turn.seen.replicas):
        return None
    lowest = steps.lowest_weight(turn.seen.replicas)
    return Hold(
        Reason.STEP_NOT_REACHABLE,
        f"with {turn.seen.replicas} replicas one canary pod is {lowest} % of traffic, more than "
        f"this step's {weight} %; traffic is back on stable until spec.replicas rises",
    )


def old_pods(turn: Turn, candidate: Candidate) -> Hold | None:
    """Pods of other revisions still exist, and the open Service would reach them."""
    stable = turn.status.stable
    ours = {candidate.revision, stable.revision if stable else candidate.revision}
    others = [w for r, w in sorted(turn.seen.workloads.items()) if r not in ours and w.pods]
    if not others:
        return None
    return Hold(
        Reason.AWAITING_OLD_PODS,
        f"{len(others[0].pods)} pods of revision {others[0].revision} are still stopping; where "
        f"their node is gone: `kubectl delete pod --force {others[0].pods[0].name}`",
    )


def stable_short(turn: Turn, candidate: Candidate) -> Hold | None:
    """Stable lacks pods, so the canary's share would exceed the step's weight."""
    serving = turn.serving()
    if serving is None or serving.ready >= turn.seen.replicas:
        return None
    if turn.seen.now - (candidate.step_at or candidate.stage_at) > STABLE_PATIENCE:
        return None
    return Hold(
        Reason.STABLE_SHORT,
        f"stable has {serving.ready} of {turn.seen.replicas} pods ready; {why_not_ready(serving)}",
    )
