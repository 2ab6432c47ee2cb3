"""Holds about the candidate's pods: how many a stage needs, and what keeps it from having them."""

from datetime import datetime, timedelta

from davylamp.api.names import Command, Reason
from davylamp.api.status import Candidate, Stage
from davylamp.rollout.holds.hold import Hold, how_to
from davylamp.rollout.pods.images import differing
from davylamp.rollout.pods.shortfall import why_and_where
from davylamp.rollout.situation import Situation


def pods_needed(situation: Situation, candidate: Candidate) -> int:
    """Ready pods the candidate needs at its present stage."""
    replicas, steps = situation.observation.replicas, candidate.plan.steps
    if situation.status.stable is None or candidate.stage in {Stage.PROMOTING, Stage.RETURNING}:
        return replicas
    number = candidate.step or situation.router.next_step(steps, 0, replicas)
    fewest = max(1, candidate.plan.min_deployment_replicas)
    if not number:
        return fewest
    return max(fewest, situation.router.canary_pods(steps[number - 1].weight, replicas))


def secret_missing(situation: Situation, candidate: Candidate) -> Hold | None:
    """A Secret the revision needs does not exist, so the pods it lacks cannot start."""
    missing = situation.observation.missing_secrets
    if not missing or pods_not_ready(situation, candidate) is None:
        return None
    return Hold(
        Reason.SECRET_MISSING,
        f"Secret {', '.join(missing)} of spec.secrets does not exist; create it",
    )


def pods_not_ready(situation: Situation, candidate: Candidate) -> Hold | None:
    """Fewer ready pods than this stage needs."""
    workload = situation.observation.workload(candidate.revision)
    needed = pods_needed(situation, candidate)
    if workload.lasting >= needed:
        return None
    return Hold(
        Reason.AWAITING_PODS,
        f"{workload.lasting} of {needed} pods ready; "
        f"{why_and_where(workload, situation.namespace)}",
    )


def pods_unsettled(situation: Situation, candidate: Candidate) -> Hold | None:
    """The pods are ready, but may not stay so: a sidecar that crashes is ready for a moment."""
    until = settled_at(situation, candidate)
    if until is None or until <= situation.observation.now:
        return None
    seconds = candidate.plan.min_ready_seconds
    return Hold(
        Reason.AWAITING_PODS,
        f"the pods must stay ready for {seconds} s (spec.rollout.minReadySeconds), "
        f"until {until:%H:%M:%SZ}",
    )


def unsettled_at_last(situation: Situation, candidate: Candidate) -> Hold | None:
    """The last step ends only with pods that stay ready, as promotion comes next."""
    steps, replicas = candidate.plan.steps, situation.observation.replicas
    if situation.router.next_step(steps, candidate.step, replicas):
        return None
    return pods_unsettled(situation, candidate)


def unsettled_at_first(situation: Situation, candidate: Candidate) -> Hold | None:
    """The first revision serves only with pods that stay ready: no canary comes before."""
    return None if situation.status.stable else pods_unsettled(situation, candidate)


def settled_at(situation: Situation, candidate: Candidate) -> datetime | None:
    """From when on its pods have stayed ready for long enough, if none becomes unready."""
    needed = pods_needed(situation, candidate)
    min_ready = timedelta(seconds=candidate.plan.min_ready_seconds)
    return situation.observation.workload(candidate.revision).settled_at(needed, min_ready)


def return_not_ready(situation: Situation, candidate: Candidate) -> Hold | None:
    """A return waits for full capacity, unless what serves now cannot serve at all."""
    serving = situation.serving()
    returning = situation.observation.workload(candidate.revision)
    if serving and not serving.ready and returning.lasting:
        return None
    return secret_missing(situation, candidate) or pods_not_ready(situation, candidate)


def digests_differ(situation: Situation, candidate: Candidate) -> Hold | None:
    """Pods of one revision run different images: the tag was moved in the registry.

    With `spec.image.digest`, or a tag that was resolved, they cannot, whatever their nodes report. Where stable's pods differ
    too, it is their nodes that do: each architecture has an image id of its own.
    """
    target, serving = situation.observation.target, situation.serving()
    if target.revision == candidate.revision and target.digest:
        return None
    if candidate.revision in situation.observation.pins:
        return None
    if candidate.promote_requested or (serving and any(differing(serving.image_ids))):
        return None
    workload = situation.observation.workload(candidate.revision)
    digests = next(differing(workload.image_ids), None)
    if digests is None:
        return None
    return Hold(
        Reason.IMAGE_DIGESTS_DIFFER,
        f"tag {candidate.tag} was moved: its pods run {' and '.join(digests)}; "
        "use a tag per commit or set spec.image.digest; if it is only that nodes of several "
        "architectures have images of their own, promote it: "
        f"{how_to(Command.PROMOTE, situation, candidate)}",
    )
