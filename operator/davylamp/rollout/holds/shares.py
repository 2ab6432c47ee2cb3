"""Holds about the share of traffic: what the router cannot do with these pods, or not yet."""

from datetime import timedelta
from typing import Final

from davylamp.api.names import Reason
from davylamp.api.status import Candidate
from davylamp.rollout.holds.hold import Hold
from davylamp.rollout.pods.shortfall import why_and_where
from davylamp.rollout.pods.state import Workload
from davylamp.rollout.situation import Situation
from davylamp.rollout.wording import counted, kubectl

STABLE_PATIENCE: Final = timedelta(minutes=2)
"""How long a step waits for stable's pods; a fix must be able to pass a broken stable."""


def no_step_reachable(situation: Situation, candidate: Candidate) -> Hold | None:
    """Every step is below the smallest share that can be had."""
    steps, replicas = candidate.plan.steps, situation.observation.replicas
    if situation.status.stable is None or not steps or candidate.promote_requested:
        return None
    if situation.router.next_step(steps, 0, replicas):
        return None
    return Hold(
        Reason.STEP_NOT_REACHABLE,
        f"{_smallest_share(situation, candidate)}, more than any step in spec.rollout.steps allows; "
        "add a wider step or raise spec.replicas",
    )


def step_out_of_reach(situation: Situation, candidate: Candidate) -> Hold | None:
    """Stable was scaled down so far that the smallest share exceeds the step."""
    weight = candidate.plan.steps[candidate.step - 1].weight
    if situation.router.canary_pods(weight, situation.observation.replicas):
        return None
    return Hold(
        Reason.STEP_NOT_REACHABLE,
        f"{_smallest_share(situation, candidate)}, more than this step's {weight} %; "
        "all traffic goes to stable until spec.replicas rises",
    )


def _smallest_share(situation: Situation, candidate: Candidate) -> str:
    replicas, fewest = situation.observation.replicas, candidate.plan.min_deployment_replicas
    lowest = situation.router.lowest_weight(replicas)
    pods = f"{fewest} canary pods (minDeploymentReplicas)" if fewest > 1 else "one canary pod"
    return f"with {counted(replicas, 'replica')} {pods} would get {lowest} % of traffic"


def old_pods(situation: Situation, candidate: Candidate) -> Hold | None:
    """Pods of other revisions still exist, and an opened route would reach them."""
    others = _others(situation, candidate) if situation.router.reaches_every_pod else []
    if situation.status.stable is None or not others:  # a first revision is never opened beside one
        return None
    old = others[0]
    force = kubectl(f"delete pod --force {old.running[0].name}", situation.namespace)
    return Hold(
        Reason.AWAITING_OLD_PODS,
        f"waiting for {counted(len(old.running), 'pod')} of revision {old.revision} to terminate"
        f"{_until(old)}; if the node is gone: {force}",
    )


def _until(old: Workload) -> str:
    """How long the last pod may take; only a process that does not hear SIGTERM takes all of it."""
    ends = [pod.killed_at for pod in old.running if pod.killed_at]
    if not ends:
        return ""
    return (
        f", until {max(ends):%H:%M:%SZ} at the latest, when what does not end on SIGTERM is killed "
        "(a shell that started the server does not pass it on)"
    )


def _others(situation: Situation, candidate: Candidate) -> list[Workload]:
    """Workloads with running pods that are neither the candidate's nor stable's."""
    stable = situation.status.stable
    ours = {candidate.revision, stable.revision if stable else candidate.revision}
    workloads = sorted(situation.observation.workloads.items())
    return [w for revision, w in workloads if revision not in ours and w.running]


def stable_degraded(situation: Situation, candidate: Candidate) -> Hold | None:
    """Stable lacks pods, so the canary's share would exceed the step's weight."""
    serving, replicas = situation.serving(), situation.observation.replicas
    if not situation.router.share_depends_on_pods:
        return None
    if serving is None or serving.ready >= replicas:
        return None
    since = candidate.step_at or candidate.stage_at
    if situation.observation.now - since > STABLE_PATIENCE:
        return None
    return Hold(
        Reason.STABLE_DEGRADED,
        f"stable has {serving.ready} of {replicas} pods ready; "
        f"{why_and_where(serving, situation.namespace)}",
    )
