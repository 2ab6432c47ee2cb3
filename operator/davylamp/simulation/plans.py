"""What a spec means where no operator ran: its trials, and when its steps would begin."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from davylamp.api.gates import gate_of
from davylamp.api.spec import Rollout
from davylamp.api.status_parts import FeatureShare
from davylamp.gates import Channel, Count, ShareChange, Trial
from davylamp.gates.kinds.error_rate import ErrorRateSpec
from davylamp.gates.kinds.registry import CHANNELS
from davylamp.rollout.routing.protocol import planned_share
from davylamp.rollout.routing.registry import router_of
from davylamp.rollout.trials import trials_of
from davylamp.schema.quantities import seconds

PAUSE: Final = 300.0
"""Seconds until a user is taken to let a paused step pass."""
DEFAULT_GATE: Final = gate_of("errors", ErrorRateSpec())
SIMULATED: Final = frozenset(
    channel for channel in CHANNELS if channel.simulated(Count()) is not None
)
"""Channels whose samples plain traffic tells."""


@dataclass(frozen=True, slots=True)
class Readable:
    """What gates can be judged by: channels, user queries with values by gate, training shares."""

    channels: Collection[Channel] = SIMULATED
    own: Collection[str] = ()
    training: Sequence[FeatureShare] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the canary gets which share of the traffic, in seconds from its first traffic."""

    weights: tuple[ShareChange, ...]
    ends: float
    """When the last step may end at the earliest."""

    def share(self, at: float) -> float:
        """The canary's share at a moment."""
        return max((w for w in self.weights if w.at <= at), key=lambda w: w.at).weight


@dataclass(frozen=True, slots=True)
class Judged:
    """What of a rollout can be judged from some channels and values of some user queries.

    `others` are the gates that cannot. Where that is all of them the default error-rate gate
    stands in for them, if there is what it needs.
    """

    rollout: Rollout
    others: tuple[str, ...] = ()
    stands_in: bool = False


def judged(
    rollout: Rollout, channels: Collection[Channel] = SIMULATED, own: Collection[str] = ()
) -> Judged:
    """Find out which gates can be judged; `own` are the gates whose user queries have values."""
    others = tuple(
        gate.name
        for gate in rollout.gates
        if gate.kind.channel not in channels and gate.name not in own
    )
    if len(others) < len(rollout.gates) or DEFAULT_GATE.kind.channel not in channels:
        return Judged(rollout, others)
    return Judged(rollout.model_copy(update={"gates": (DEFAULT_GATE,)}), others, stands_in=True)


def trials(
    rollout: Rollout,
    weights: Sequence[ShareChange],
    scrape_interval: float,
    *,
    read: Readable | None = None,
) -> Mapping[str, Trial]:
    """What the operator would judge of a canary with these shares of the traffic.

    Gates that are left out keep their part of `falseRollback`, so that the others decide as they
    would beside them.

    Args:
        rollout: the plan.
        weights: the canary's shares of the traffic, from its first traffic on.
        scrape_interval: seconds.
        read: what the gates can be judged by; by default what is simulated.

    Raises:
        ValueError: the settings of a gate are no rule.
    """
    read = read or Readable()
    made = trials_of(
        rollout,
        started_at=weights[0].at,
        weights=weights,
        scrape_interval=scrape_interval,
        training=read.training,
    )
    return {
        name: trial
        for name, trial in made.items()
        if trial.rule.channel in read.channels or name in read.own
    }


def schedule(rollout: Rollout, replicas: int, rps: float, step: float) -> Schedule:
    """When each step begins if nothing but its hold and its requests keep it.

    Lengths are whole multiples of `step` seconds, the time between two scrapes.

    Raises:
        ValueError: no step is wide enough for a whole pod.
    """
    at, number, weights, router = 0.0, 0, list[ShareChange](), router_of(rollout)
    while step_number := router.next_step(rollout.steps, number, replicas):
        number, planned = step_number, rollout.steps[step_number - 1]
        share = planned_share(router, planned.weight, replicas)
        weights.append(ShareChange(at, share))
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
