"""What the cluster should look like, level-triggered from the memory: traffic, capacity, records.

A move changes only the memory; what follows from it is worked out here, afresh on every pass, so
a crash between any two writes converges to the same end (P5).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from davylamp.api.status import Candidate, Outcome, Stage
from davylamp.rollout.explanations import is_rehearsed
from davylamp.rollout.holds.pods import old_pods, pods_needed, pods_not_ready, step_out_of_reach
from davylamp.rollout.routing import service_pods
from davylamp.rollout.situation import Situation


@dataclass(frozen=True, slots=True)
class Route:
    """Who gets traffic: `stable` alone, or with `opened` every pod of the model."""

    stable: str | None
    candidate: str | None = None
    opened: bool = False

    def admits(self, revision: str) -> bool:
        """Whether pods of a revision may get user traffic under this route."""
        return revision == self.stable or (self.opened and revision == self.candidate)


@dataclass(frozen=True, slots=True)
class Desired:
    """Route, pods per kept revision, and whether the candidate's own Job shall be there."""

    route: Route
    replicas: Mapping[str, int]
    rehearsed: bool = False


def desired(situation: Situation) -> Desired:
    """What follows from the memory."""
    candidate, stable = situation.status.candidate, situation.status.stable
    return Desired(
        route=Route(
            stable=stable.revision if stable else None,
            candidate=candidate.revision if candidate else None,
            opened=candidate is not None and _opened(situation, candidate),
        ),
        replicas=_replicas(situation),
        rehearsed=candidate is not None and _rehearsed(situation, candidate),
    )


def _opened(situation: Situation, candidate: Candidate) -> bool:
    if situation.status.stable is None or old_pods(situation, candidate):
        return False
    if candidate.stage is Stage.CANARY:
        return candidate.step > 0 and step_out_of_reach(situation, candidate) is None
    return candidate.stage is Stage.PROMOTING


def _rehearsed(situation: Situation, candidate: Candidate) -> bool:
    """What cannot even start need not be explained."""
    return is_rehearsed(situation, candidate) and pods_not_ready(situation, candidate) is None


def _replicas(situation: Situation) -> dict[str, int]:
    status, full = situation.status, situation.seen.replicas
    wanted = dict.fromkeys(_kept(situation), 0)
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
    if not situation.seen.missing_secrets:
        return needed
    return min(needed, situation.seen.workload(candidate.revision).desired)


def _kept(situation: Situation) -> list[str]:
    """Recorded revisions to keep: those that served first, then the newest others."""
    status, limit = situation.status, situation.seen.rollout.history
    in_use = {ref.revision for ref in (status.stable, status.candidate, status.previous) if ref}
    served = {
        h.revision for h in status.history if h.outcome in {Outcome.PROMOTED, Outcome.RETURNED}
    }
    spare = [r for r in reversed(situation.seen.recorded) if r not in in_use]
    ranked = sorted(spare, key=lambda revision: revision not in served)
    return [*sorted(in_use & set(situation.seen.recorded)), *ranked[:limit]]


def planned_share(situation: Situation, candidate: Candidate) -> float:
    """The candidate's share of new connections by the pods that are ready now."""
    if not _opened(situation, candidate):
        return 0.0
    serving = situation.serving()
    return service_pods.share(
        situation.seen.workload(candidate.revision).ready, serving.ready if serving else 0
    )
