"""The trials of a rollout that is only thought of: what its spec means, at times that are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from davylamp.api.gates import ErrorRate, Gate
from davylamp.api.quantities import seconds
from davylamp.api.spec import Rollout
from davylamp.api.status import Candidate, Stage
from davylamp.gates import Channel, Trial, WeightChange
from davylamp.rollout import judging, steps

PAUSE: Final = 300.0
"""Seconds until a person is taken to let a paused step pass."""
DEFAULT_GATE: Final = Gate(name="errors", error_rate=ErrorRate())
_THEN: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the canary gets which share of the traffic, in seconds from its first traffic."""

    weights: tuple[WeightChange, ...]
    ends: float
    """When the last step may end at the earliest."""

    def share(self, at: float) -> float:
        """The canary's share at a moment."""
        return max((w for w in self.weights if w.at <= at), key=lambda w: w.at).weight


def trials(
    rollout: Rollout,
    started_at: float,
    weights: Sequence[WeightChange],
    scrape_interval: float,
) -> Mapping[str, Trial]:
    """What the operator would judge of a canary that got its first traffic at `started_at`."""
    candidate = Candidate(
        revision="thought-of",
        tag="thought-of",
        feature_snapshot="none",
        seed=0,
        stage=Stage.CANARY,
        started_at=_THEN,
        stage_at=_THEN,
        plan=rollout,
    )
    found = judging.canary_trials(candidate, scrape_interval)
    exact = tuple(weights)
    return {
        name: replace(trial, started_at=started_at, weights=exact) for name, trial in found.items()
    }


def by_errors_alone(rollout: Rollout) -> tuple[Rollout, tuple[str, ...]]:
    """The rollout with those of its gates that count errors, and the names of the others.

    Where none is left, the default error-rate gate stands in.
    """
    kept = tuple(gate for gate in rollout.gates if gate.error_rate is not None)
    others = tuple(gate.name for gate in rollout.gates if gate.error_rate is None)
    return rollout.model_copy(update={"gates": kept or (DEFAULT_GATE,)}), others


def counts_errors(trial: Trial) -> bool:
    """Whether counters of requests and errors are all that a trial needs."""
    return trial.rule.channel is Channel.ERRORS


def schedule(rollout: Rollout, replicas: int, rps: float, step: float) -> Schedule:
    """When each step begins if nothing but its hold and its requests keep it.

    Lengths are whole multiples of `step` seconds, the time between two scrapes.

    Raises:
        ValueError: no step is wide enough for a whole pod.
    """
    at, number, weights = 0.0, 0, list[WeightChange]()
    while found := steps.next_step(rollout.steps, number, replicas):
        number, planned = found, rollout.steps[found - 1]
        share = steps.share(steps.canary_replicas(planned.weight, replicas), replicas)
        weights.append(WeightChange(at, share))
        hold = float(seconds(planned.hold)) if planned.hold else PAUSE
        length = max(hold, rollout.min_requests / (rps * share))
        at += step * max(1, -(-length // step))
    if not weights:
        lowest = steps.lowest_weight(replicas)
        raise ValueError(
            f"with {replicas} replicas one canary pod is {lowest} % of traffic, more than any "
            "step in spec.rollout.steps allows; add a wider step or raise spec.replicas"
        )
    return Schedule(tuple(weights), at)
