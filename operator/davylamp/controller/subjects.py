"""What is to be judged at each stage: from the status to the trials of the gates. Pure."""

from datetime import datetime
from itertools import accumulate, starmap
from typing import Final

from davylamp.api.quantities import fraction, seconds
from davylamp.api.spec import Gate, Rollout
from davylamp.api.status import Candidate, ModelDeploymentStatus, Stage
from davylamp.controller.sampler import Subject
from davylamp.gates import Rule, Sequential, Threshold, Trial, WeightChange
from davylamp.manifests import Owner

CANARY_SHARE: Final = 0.9
"""Part of `falseRollback` spent on the canary; the rest is left for the probation."""
PROMOTE_RATIO: Final = 2.0
DEFAULT_RATIO: Final = "1.5"


def subject_of(
    owner: Owner, status: ModelDeploymentStatus, rollout: Rollout, *, scrape_interval: float
) -> Subject | None:
    """The pods and trials to follow now; None while there is nothing to judge."""
    if status.candidate and status.stable:
        return _of_canary(owner, status.candidate, status.stable.revision, scrape_interval)
    if status.previous and status.stable and rollout.gates and not status.candidate:
        at = status.stable.promoted_at
        trials = {
            gate.name: Trial(
                rule=_rule(gate, rollout, 1 - CANARY_SHARE),
                started_at=at.timestamp(),
                weights=(WeightChange(at.timestamp(), 1.0),),
                scrape_interval=scrape_interval,
            )
            for gate in rollout.gates
        }
        return Subject(owner.namespace, owner.child(status.stable.revision), None, trials)
    return None


def _of_canary(
    owner: Owner, candidate: Candidate, stable: str, scrape_interval: float
) -> Subject | None:
    if candidate.stage is Stage.RETURNING or not candidate.plan.gates:
        return None
    trials: dict[str, Trial] = {}
    if candidate.stage is not Stage.PREPARING:
        began = candidate.canary_at or candidate.stage_at
        trials = {
            gate.name: Trial(
                rule=_rule(gate, candidate.plan, CANARY_SHARE),
                started_at=began.timestamp(),
                weights=_weights(candidate, began),
                scrape_interval=scrape_interval,
            )
            for gate in candidate.plan.gates
        }
    deployment = owner.child(candidate.revision)
    return Subject(owner.namespace, deployment, owner.child(stable), trials)


def _weights(candidate: Candidate, began: datetime) -> tuple[WeightChange, ...]:
    """The recorded shares; a leader's clock that was behind the one before makes no disorder."""
    times = accumulate((change.at.timestamp() for change in candidate.weights), max)
    shares = (float(change.share) for change in candidate.weights)
    changes = tuple(starmap(WeightChange, zip(times, shares, strict=True)))
    return changes or (WeightChange(began.timestamp(), 0.5),)


def _rule(gate: Gate, rollout: Rollout, part: float) -> Rule:
    """The rule of a gate; all gates together and the probation share one `falseRollback`."""
    told = gate.error_rate
    if told.method == "Threshold":
        return Threshold(
            max_rate=fraction(told.max),
            failures=told.failures or 1,
            window=float(seconds(told.window or "1m")),
        )
    ratio = float(told.ratio or DEFAULT_RATIO)
    return Sequential(
        max_rate=fraction(told.max),
        ratio=ratio,
        false_rollback=fraction(rollout.false_rollback) * part / len(rollout.gates),
        false_promotion=fraction(rollout.false_promotion),
        promote_ratio=max(PROMOTE_RATIO, ratio),
    )
