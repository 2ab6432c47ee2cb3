"""The trials of a rollout that is only thought of: what its spec means, at times that are given."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from davylamp.api.gate_kinds import ErrorRate
from davylamp.api.gate_status import FeatureShare
from davylamp.api.gates import Gate
from davylamp.api.spec import Rollout
from davylamp.api.status import Candidate, Stage
from davylamp.gates import Channel, Trial, WeightChange
from davylamp.rollout.routing.protocol import planned_share
from davylamp.rollout.routing.registry import router_of
from davylamp.rollout.trials import canary_trials
from davylamp.schema.quantities import seconds

PAUSE: Final = 300.0
"""Seconds until a person is taken to let a paused step pass."""
DEFAULT_GATE: Final = Gate(name="errors", error_rate=ErrorRate())
ERRORS_ALONE: Final = frozenset({Channel.ERRORS})
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


@dataclass(frozen=True, slots=True)
class Judged:
    """What of a rollout can be judged from some channels and values of some own queries.

    `others` are the gates that cannot. Where that is all of them the default error-rate gate
    stands in for them, if there is what it needs.
    """

    rollout: Rollout
    others: tuple[str, ...] = ()
    stands_in: bool = False


def judged(
    rollout: Rollout, channels: Collection[Channel] = ERRORS_ALONE, own: Collection[str] = ()
) -> Judged:
    """Find out which gates can be judged; `own` are the gates whose own queries have values."""
    others = tuple(
        gate.name
        for gate in rollout.gates
        if channel_of(gate) not in channels and gate.name not in own
    )
    if len(others) < len(rollout.gates) or Channel.ERRORS not in channels:
        return Judged(rollout, others)
    return Judged(rollout.model_copy(update={"gates": (DEFAULT_GATE,)}), others, stands_in=True)


def channel_of(gate: Gate) -> Channel:
    """What a gate is judged by."""
    kinds = {
        Channel.LATENCY: gate.latency,
        Channel.SCORES: gate.predictions,
        Channel.SHARES: gate.explanations,
        Channel.GROUPS: gate.bias,
        Channel.QUERY: gate.query,
    }
    return next((channel for channel, told in kinds.items() if told), Channel.ERRORS)


def trials(  # noqa: PLR0913  (the last three have defaults)
    rollout: Rollout,
    weights: Sequence[WeightChange],
    scrape_interval: float,
    *,
    channels: Collection[Channel] = ERRORS_ALONE,
    own: Collection[str] = (),
    baseline: Sequence[FeatureShare] = (),
) -> Mapping[str, Trial]:
    """What the operator would judge of a canary with these shares of the traffic.

    Judged are the gates on `channels` and, by name, those whose `own` queries have values. Gates
    that are left out keep their part of `falseRollback`, so that the others decide as they
    would beside them.

    Raises:
        ValueError: the settings of a gate are no rule.
    """
    candidate = Candidate(
        revision="thought-of",
        tag="thought-of",
        feature_snapshot="none",
        seed=0,
        stage=Stage.CANARY,
        started_at=_THEN,
        stage_at=_THEN,
        plan=rollout,
        baseline=tuple(baseline),
    )
    found, exact = canary_trials(candidate, scrape_interval), tuple(weights)
    return {
        name: replace(trial, started_at=exact[0].at, weights=exact)
        for name, trial in found.items()
        if trial.rule.channel in channels or name in own
    }


def schedule(rollout: Rollout, replicas: int, rps: float, step: float) -> Schedule:
    """When each step begins if nothing but its hold and its requests keep it.

    Lengths are whole multiples of `step` seconds, the time between two scrapes.

    Raises:
        ValueError: no step is wide enough for a whole pod.
    """
    at, number, weights, router = 0.0, 0, list[WeightChange](), router_of(rollout)
    while found := router.next_step(rollout.steps, number, replicas):
        number, planned = found, rollout.steps[found - 1]
        share = planned_share(router, planned.weight, replicas)
        weights.append(WeightChange(at, share))
        hold = float(seconds(planned.hold)) if planned.hold else PAUSE
        length = max(hold, rollout.min_requests / (rps * share))
        at += step * max(1, -(-length // step))
    if not weights:
        lowest = router.lowest_weight(replicas)
        raise ValueError(
            f"with {replicas} replicas one canary pod is {lowest} % of traffic, more than any "
            "step in spec.rollout.steps allows; add a wider step or raise spec.replicas"
        )
    return Schedule(tuple(weights), at)
