"""A past canary as it is judged again: what was scraped, and under which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from davylamp.api.gates import OnFail
from davylamp.api.spec import Rollout
from davylamp.cli.counters import Pods, scrape_interval
from davylamp.cli.errors import UsageError
from davylamp.cli.weights import estimated_share
from davylamp.gates import Trial, WeightChange
from davylamp.simulation import plans


@dataclass(frozen=True)
class Past:
    """Counters of both revisions, and the settings to judge them by.

    Times are seconds on the clock of the samples. `others` are gates that counters of errors
    cannot decide, which are left out.
    """

    rollout: Rollout
    candidate: Pods
    stable: Pods
    weights: tuple[WeightChange, ...]
    scrape_interval: float
    others: tuple[str, ...] = ()
    stands_in: bool = False
    """Whether the spec had no error-rate gate and the default one is used."""

    @property
    def started_at(self) -> float:
        """The canary's first traffic."""
        return self.weights[0].at

    @property
    def ended_at(self) -> float:
        """The last sample of either revision."""
        every = chain(self.candidate.values(), self.stable.values())
        return max(samples[-1].time for samples in every)

    @property
    def silent(self) -> frozenset[str]:
        """Gates that only warn: they neither take back nor keep from promotion."""
        return frozenset(g.name for g in self.rollout.gates if g.action is OnFail.WARN)

    def takes_back(self, gate: str) -> bool:
        """Whether a gate's failure takes the canary back, and does not only pause or warn."""
        found = {each.name: each.action for each in self.rollout.gates}
        return found[gate] is OnFail.ROLLBACK

    def trials(self) -> Mapping[str, Trial]:
        """What the operator would have judged.

        Raises:
            UsageError: the settings are no rule.
        """
        try:
            return plans.trials(self.rollout, self.started_at, self.weights, self.scrape_interval)
        except ValueError as wrong:
            raise UsageError(f"spec.rollout.gates: {wrong}") from wrong


def past_of(
    rollout: Rollout,
    candidate: Pods,
    stable: Pods,
    *,
    weights: tuple[WeightChange, ...] = (),
    interval: float | None = None,
) -> Past:
    """Put together what is known; what is not told is taken from the samples.

    Raises:
        UsageError: there is nothing to judge after the start.
    """
    every = float(interval or scrape_interval([*candidate.values(), *stable.values()]))
    kept, others = plans.by_errors_alone(rollout)
    told = weights or (_began(candidate, stable, every),)
    stands_in = kept.gates == (plans.DEFAULT_GATE,) != rollout.gates
    past = Past(kept, candidate, stable, told, every, others, stands_in)
    if past.ended_at <= past.started_at:
        raise UsageError(
            f"the last sample ({past.ended_at:g} s) is not after the canary's start "
            f"({past.started_at:g} s): are the times of --weights those of the file?"
        )
    return past


def _began(candidate: Pods, stable: Pods, every: float) -> WeightChange:
    """The start where nobody told it: one scrape before the canary had counted anything."""
    first = min((samples[0] for samples in candidate.values()), key=lambda each: each.time)
    at = first.time - every if first.requests else first.time
    return WeightChange(at, estimated_share(candidate.values(), stable.values(), at))
