"""The status after a decision: who serves, who is on its way, what the gates have, and conditions."""

from davylamp.api import names
from davylamp.api.status import Candidate, ModelDeploymentStatus, RevisionRef, Stable
from davylamp.api.status_parts import GateStatus, ImageNote
from davylamp.rollout.desired import Desired, actual_share
from davylamp.rollout.drift_reports import DriftResult
from davylamp.rollout.holds.chain import hold_of
from davylamp.rollout.holds.drift import with_drift
from davylamp.rollout.holds.hold import Hold
from davylamp.rollout.report.conditions import conditions
from davylamp.rollout.report.gates import gate_statuses
from davylamp.rollout.situation import Situation


def report(situation: Situation, wanted: Desired) -> ModelDeploymentStatus:
    """The status after the moves: what was observed, and the hold that the candidate waits for."""
    status = situation.status
    candidate, serving = status.candidate, situation.serving()
    hold = hold_of(situation, candidate) if candidate else None
    return status.model_copy(
        update={
            "observed_generation": situation.observation.generation,
            "candidate": _candidate(situation, candidate, hold) if candidate else None,
            "stable": _stable(situation),
            "images": _images(situation),
            "probation_gates": _probation_gates(situation),
            "conditions": conditions(situation, hold),
            "replicas": wanted.replicas.get(serving.revision, 0) if serving else 0,
            "ready_replicas": serving.ready if serving else 0,
            "selector": _selector(situation),
        }
    )


def _candidate(situation: Situation, candidate: Candidate, hold: Hold | None) -> Candidate:
    observation = situation.observation
    judgements = observation.judgements_of(candidate.revision)
    return candidate.model_copy(
        update={
            "waiting_for": hold.reason if hold else None,
            "actual_weight": round(100 * actual_share(situation, candidate)),
            "checks": with_drift(situation, candidate),
            "gates": gate_statuses(candidate.gates, judgements, observation.now),
            "digest": _digest(situation, candidate),
            "training_image": _training_image(candidate, situation.observation.candidate_run),
        }
    )


def _digest(situation: Situation, candidate: Candidate) -> str | None:
    """What its pods run: what its record says, or else what they report."""
    observation = situation.observation
    running = observation.workload(candidate.revision).digest or candidate.digest
    return observation.pins.get(candidate.revision, running)


def _images(situation: Situation) -> tuple[ImageNote, ...]:
    """What is to be said of images, of revisions that are still looked at."""
    status = situation.status
    refs = (status.candidate, status.stable, status.previous)
    looked_at = {ref.revision for ref in refs if ref}
    return tuple(note for note in status.images if note.revision in looked_at)


def _stable(situation: Situation) -> Stable | None:
    """What serves, with the digest of its pods once they agree on one."""
    stable, serving = situation.status.stable, situation.serving()
    if stable is None or serving is None:
        return None
    run = situation.observation.last_run
    return stable.model_copy(
        update={
            "digest": stable.digest or serving.digest,
            "training_image": _training_image(stable, run),
        }
    )


def _training_image(ref: RevisionRef, run: DriftResult | None) -> str | None:
    """What the first run of a revision's nightly job pulled: every later run is bound to that."""
    is_its = run is not None and run.revision == ref.revision
    return ref.training_image or (run.image if run and is_its else None)


def _probation_gates(situation: Situation) -> tuple[GateStatus, ...]:
    status, observation = situation.status, situation.observation
    if status.previous is None or status.stable is None:
        return ()
    judgements = observation.judgements_of(status.stable.revision)
    return gate_statuses(status.probation_gates, judgements, observation.now)


def _selector(situation: Situation) -> str:
    """Selects the pods that serve, for an autoscaler."""
    stable = situation.status.stable
    if stable is None:
        return ""
    return f"{names.LABEL_MODEL}={situation.name},{names.LABEL_REVISION}={stable.revision}"
