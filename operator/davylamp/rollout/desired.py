"""What the cluster should look like, level-triggered from the memory: traffic, capacity, records.

A move changes only the memory; what follows from it is worked out here, afresh on every pass, so
a crash between any two writes converges to the same end (P5).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from davylamp.api.status import Candidate, Outcome, Stage
from davylamp.rollout.holds.drift import is_rehearsed
from davylamp.rollout.holds.pods import pods_needed, pods_not_ready
from davylamp.rollout.holds.shares import old_pods, step_out_of_reach
from davylamp.rollout.routing.protocol import Route, Router
from davylamp.rollout.situation import Situation


@dataclass(frozen=True, slots=True)
class Desired:
    """Route and the router of it, pods per kept revision, and whether the candidate has a Job."""

    route: Route
    router: Router
    replicas: Mapping[str, int]
    rehearsed: bool = False


def desired(situation: Situation) -> Desired:
    """What follows from the memory."""
    candidate = situation.status.candidate
    return Desired(
        route=_route(situation),
        router=situation.router,
        replicas=_replicas(situation),
        rehearsed=candidate is not None and _rehearsed(situation, candidate),
    )


def _route(situation: Situation) -> Route:
    candidate, stable = situation.status.candidate, situation.status.stable
    opened = candidate is not None and _opened(situation, candidate)
    served = situation.observation.served
    known = served.revision if served else None
    return Route(
        stable=stable.revision if stable else known,
        candidate=candidate.revision if candidate else None,
        opened=opened,
        weight=_weight(candidate) if candidate and opened else 0,
    )


def _opened(situation: Situation, candidate: Candidate) -> bool:
    if situation.status.stable is None or old_pods(situation, candidate):
        return False
    if candidate.stage is Stage.CANARY:
        return candidate.step > 0 and step_out_of_reach(situation, candidate) is None
    return candidate.stage is Stage.PROMOTING


def _weight(candidate: Candidate) -> int:
    """The weight of the last step: until its pods are all ready, a promotion adds none."""
    return candidate.weights[-1].weight if candidate.weights else 0


def _rehearsed(situation: Situation, candidate: Candidate) -> bool:
    """What cannot even start need not be explained."""
    return is_rehearsed(situation, candidate) and pods_not_ready(situation, candidate) is None


def _replicas(situation: Situation) -> dict[str, int]:
    status, full = situation.status, situation.observation.replicas
    wanted = dict.fromkeys(_kept(situation), 0)
    served = situation.observation.served
    if served and not status.stable:  # until something else can serve
        wanted[served.revision] = situation.observation.workload(served.revision).desired
    if status.previous:
        wanted[status.previous.revision] = full
    if status.candidate:
        wanted[status.candidate.revision] = _candidate_pods(situation, status.candidate)
    if status.stable:
        wanted[status.stable.revision] = full
    return wanted


def _candidate_pods(situation: Situation, candidate: Candidate) -> int:
    """What its stage needs; without its Secrets no new pod could start, running ones stay."""
    needed = pods_needed(situation, candidate)
    if not situation.observation.missing_secrets:
        return needed
    return min(needed, situation.observation.workload(candidate.revision).desired)


def _kept(situation: Situation) -> list[str]:
    """Recorded revisions to keep: those that served first, then the newest others."""
    status, limit = situation.status, situation.observation.rollout.history
    recorded = situation.observation.recorded
    in_use = {ref.revision for ref in (status.stable, status.candidate, status.previous) if ref}
    served = {
        h.revision for h in status.history if h.outcome in {Outcome.PROMOTED, Outcome.RETURNED}
    }
    spare = [revision for revision in reversed(recorded) if revision not in in_use]
    ranked = sorted(spare, key=lambda revision: revision not in served)
    return [*sorted(in_use & set(recorded)), *ranked[:limit]]


def actual_share(situation: Situation, candidate: Candidate) -> float:
    """The candidate's share of new connections with the pods that are ready now."""
    if not _opened(situation, candidate):
        return 0.0
    serving = situation.serving()
    return situation.router.share(
        _weight(candidate),
        canary_pods=situation.observation.workload(candidate.revision).ready,
        stable_pods=serving.ready if serving else 0,
    )
