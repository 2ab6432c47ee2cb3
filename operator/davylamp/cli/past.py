"""A past canary as it is judged again: what was scraped, and under which settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from davylamp.api.gate_status import FeatureShare
from davylamp.api.gates import OnFail
from davylamp.api.spec import Rollout
from davylamp.cli.counters import Pods, scrape_interval
from davylamp.cli.errors import UsageError
from davylamp.cli.weights import estimated_share
from davylamp.gates import Channel, Sample, Scrapes, Trial, WeightChange
from davylamp.simulation import plans


@dataclass(frozen=True)
class Past:
    """Counters of both revisions by channel, and the settings to judge them by.

    Times are seconds on the clock of the samples. `others` are gates that these channels cannot
    decide; if that is all of them the default gate stands in.
    """

    rollout: Rollout
    channels: Mapping[Channel, Scrapes]
    weights: tuple[WeightChange, ...]
    scrape_interval: float
    others: tuple[str, ...] = ()
    stands_in: bool = False
    baseline: tuple[FeatureShare, ...] = ()

    @property
    def started_at(self) -> float:
        """The canary's first traffic."""
        return self.weights[0].at

    @property
    def ended_at(self) -> float:
        """The last sample of either revision."""
        return max(samples[-1].time for samples in _every(self.channels.values()))

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
            return plans.trials(
                self.rollout,
                self.weights,
                self.scrape_interval,
                channels=self.channels.keys(),
                baseline=self.baseline,
            )
        except ValueError as wrong:
            raise UsageError(f"spec.rollout.gates: {wrong}") from wrong


def of_counters(candidate: Pods, stable: Pods) -> Mapping[Channel, Scrapes]:
    """Counters of requests and errors as a channel."""
    until = max(samples[-1].time for samples in chain(candidate.values(), stable.values()))
    return {Channel.ERRORS: Scrapes(until, stable, candidate)}


def past_of(
    rollout: Rollout,
    channels: Mapping[Channel, Scrapes],
    *,
    weights: tuple[WeightChange, ...] = (),
    interval: float | None = None,
    baseline: tuple[FeatureShare, ...] = (),
) -> Past:
    """Put together what is known; what is not told is taken from the samples of errors.

    Raises:
        UsageError: there is nothing to judge after the start.
    """
    errors = channels[Channel.ERRORS]
    every = float(interval or scrape_interval(_every([errors])))
    told = plans.judged(rollout, channels.keys())
    past = Past(
        told.rollout,
        channels,
        weights or (_began(errors, every),),
        every,
        told.others,
        told.stands_in,
        baseline,
    )
    if past.ended_at <= past.started_at:
        raise UsageError(
            f"the last sample ({past.ended_at:.15g} s) is not after the canary's start "
            f"({past.started_at:.15g} s): are the times of --weights on the clock of the samples?"
        )
    return past


def _began(errors: Scrapes, every: float) -> WeightChange:
    """The start where nobody told it: one scrape before the canary had counted anything."""
    pods = errors.candidate.values()
    first = min((samples[0] for samples in pods), key=lambda each: each.time)
    at = first.time - every if first.requests else first.time
    return WeightChange(at, estimated_share(pods, errors.stable.values(), at))


def _every(channels: Iterable[Scrapes]) -> list[Sequence[Sample]]:
    """The samples of each pod of either revision."""
    found = (chain(seen.candidate.values(), seen.stable.values()) for seen in channels)
    return [samples for pods in found for samples in pods if samples]
