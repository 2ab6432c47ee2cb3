"""Holds about pods: how many a stage needs, and what keeps it from having them."""

from datetime import timedelta
from typing import Final

from davylamp.api.names import Reason
from davylamp.api.status import Candidate, Stage
from davylamp.rollout.faults import why_not_ready
from davylamp.rollout.holds.hold import Hold
from davylamp.rollout.routing import service_pods
from davylamp.rollout.situation import Situation

STABLE_PATIENCE: Final = timedelta(minutes=2)
"""How long a step waits for stable's pods; a fix must be able to pass a broken stable."""


def pods_needed(situation: Situation, candidate: Candidate) -> int:
    """Ready pods the candidate needs at its present stage."""
    if situation.status.stable is None or candidate.stage in {Stage.PROMOTING, Stage.RETURNING}:
        return situation.seen.replicas
    number = candidate.step or service_pods.next_step(
        candidate.plan.steps, 0, situation.seen.replicas
    )
    if not number:
        return 1
    return max(
        1,
        service_pods.canary_replicas(
            candidate.plan.steps[number - 1].weight, situation.seen.replicas
        ),
    )


def secret_missing(situation: Situation, candidate: Candidate) -> Hold | None:
    """A Secret the revision needs does not exist, so the pods it lacks cannot start."""
    if not situation.seen.missing_secrets or pods_not_ready(situation, candidate) is None:
        return None
    names = ", ".join(situation.seen.missing_secrets)
    return Hold(Reason.SECRET_MISSING, f"Secret {names} of spec.secrets does not exist; create it")


def pods_not_ready(situation: Situation, candidate: Candidate) -> Hold | None:
    """Fewer ready pods than this stage needs."""
    workload = situation.seen.workload(candidate.revision)
    needed = pods_needed(situation, candidate)
    if workload.lasting >= needed:
        return None
    return Hold(
        Reason.AWAITING_PODS,
        f"{workload.lasting} of {needed} pods ready; {why_not_ready(workload)}",
    )


def return_not_ready(situation: Situation, candidate: Candidate) -> Hold | None:
    """A return waits for full capacity, unless what serves now cannot serve at all."""
    serving = situation.serving()
    if serving and not serving.ready and situation.seen.workload(candidate.revision).lasting:
        return None
    return secret_missing(situation, candidate) or pods_not_ready(situation, candidate)


def digests_differ(situation: Situation, candidate: Candidate) -> Hold | None:
    """Pods of one revision run different images: the tag was moved in the registry."""
    digests = sorted(situation.seen.workload(candidate.revision).digests)
    if len(digests) < 2:
        return None
    return Hold(
        Reason.IMAGE_DIGESTS_DIFFER,
        f"tag {candidate.tag} was moved: its pods run {' and '.join(digests)}; "
        "use a tag per commit or set spec.image.digest",
    )


def no_step_reachable(situation: Situation, candidate: Candidate) -> Hold | None:
    """No step is wide enough for a whole pod."""
    plan = candidate.plan.steps
    if situation.status.stable is None or not plan or candidate.promote_requested:
        return None
    if service_pods.next_step(plan, 0, situation.seen.replicas):
        return None
    lowest = service_pods.lowest_weight(situation.seen.replicas)
    return Hold(
        Reason.STEP_NOT_REACHABLE,
        f"with {situation.seen.replicas} replicas one canary pod is {lowest} % of traffic, more than "
        "any step in spec.rollout.steps allows; add a wider step or raise spec.replicas",
    )


def step_out_of_reach(situation: Situation, candidate: Candidate) -> Hold | None:
    """Stable was scaled down so far that one canary pod exceeds the step."""
    weight = candidate.plan.steps[candidate.step - 1].weight
    if service_pods.canary_replicas(weight, situation.seen.replicas):
        return None
    lowest = service_pods.lowest_weight(situation.seen.replicas)
    return Hold(
        Reason.STEP_NOT_REACHABLE,
        f"with {situation.seen.replicas} replicas one canary pod is {lowest} % of traffic, more than "
        f"this step's {weight} %; traffic is back on stable until spec.replicas rises",
    )


def old_pods(situation: Situation, candidate: Candidate) -> Hold | None:
    """Pods of other revisions still exist, and the open Service would reach them."""
    stable = situation.status.stable
    ours = {candidate.revision, stable.revision if stable else candidate.revision}
    others = [w for r, w in sorted(situation.seen.workloads.items()) if r not in ours and w.pods]
    if not others:
        return None
    return Hold(
        Reason.AWAITING_OLD_PODS,
        f"{len(others[0].pods)} pods of revision {others[0].revision} are still stopping; where "
        f"their node is gone: `kubectl delete pod --force {others[0].pods[0].name}`",
    )


def stable_degraded(situation: Situation, candidate: Candidate) -> Hold | None:
    """Stable lacks pods, so the canary's share would exceed the step's weight."""
    serving = situation.serving()
    if serving is None or serving.ready >= situation.seen.replicas:
        return None
    if situation.seen.now - (candidate.step_at or candidate.stage_at) > STABLE_PATIENCE:
        return None
    return Hold(
        Reason.STABLE_DEGRADED,
        f"stable has {serving.ready} of {situation.seen.replicas} pods ready; {why_not_ready(serving)}",
    )
