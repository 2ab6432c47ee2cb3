"""A past canary as it is judged again: what was scraped, and under which settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from davylamp.api.gate_status import FeatureShare, GateRate
from davylamp.api.gates import OnFail
from davylamp.api.spec import Rollout
from davylamp.cli.errors import UsageError
from davylamp.cli.replay.sources.counters import Pods, scrape_interval
from davylamp.cli.replay.weights import estimated_share
from davylamp.gates import (
    ERRORS,
    Channel,
    QueryAnswers,
    Sample,
    Scrapes,
    Trial,
    UserQuery,
    WeightChange,
)
from davylamp.rollout.trials import probation_trials
from davylamp.simulation import plans


@dataclass(frozen=True)
class Seen:
    """What was seen of both revisions: counters by channel, values of own queries by gate.

    `asked` are the queries that gave the values. Times are seconds on the clock of the samples.
    `scrape_interval` is 0 and `weights` are empty where nobody told them. `rates` are told of a
    probation: what was bad of the answers of the revision before. `lacks` says what of all this
    was not kept.
    """

    channels: Mapping[Channel, Scrapes]
    answers: Mapping[str, QueryAnswers] = field(default_factory=dict)
    asked: Mapping[str, UserQuery] = field(default_factory=dict)
    weights: tuple[WeightChange, ...] = ()
    scrape_interval: float = 0.0
    baseline: tuple[FeatureShare, ...] = ()
    rates: tuple[GateRate, ...] | None = None
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Past:
    """What was seen of a canary or in a probation, and what the operator would have judged.

    `others` are gates that it cannot decide; if that is all of them the default gate stands in.
    """

    rollout: Rollout
    seen: Seen
    trials: Mapping[str, Trial]
    others: tuple[str, ...] = ()
    stands_in: bool = False

    @property
    def started_at(self) -> float:
        """The canary's first traffic, or the promotion."""
        return self.seen.weights[0].at

    @property
    def beginning(self) -> str:
        """What happened at `started_at`."""
        return "its promotion" if self.in_probation else "its first traffic"

    @property
    def in_probation(self) -> bool:
        """Whether the revision had been promoted already, so that there is nothing to compare."""
        return self.seen.rates is not None

    @property
    def ended_at(self) -> float:
        """The last sample of either revision, or the last value."""
        samples = (samples[-1].time for samples in _every(self.seen.channels.values()))
        return max(chain(samples, (told.until for told in self.seen.answers.values())))

    @property
    def silent(self) -> frozenset[str]:
        """Gates that only warn: they neither take back nor keep from promotion."""
        return frozenset(g.name for g in self.rollout.gates if g.action is OnFail.WARN)

    def takes_back(self, gate: str) -> bool:
        """Whether a gate's failure takes the canary back, and does not only pause or warn."""
        found = {each.name: each.action for each in self.rollout.gates}
        return found[gate] is OnFail.ROLLBACK


def of_counters(candidate: Pods, stable: Pods) -> Mapping[Channel, Scrapes]:
    """Counters of requests and errors as a channel."""
    until = max(samples[-1].time for samples in chain(candidate.values(), stable.values()))
    return {ERRORS: Scrapes(until, stable, candidate)}


def past_of(rollout: Rollout, seen: Seen) -> Past:
    """Put together what is known; what is not told is taken from the samples of errors.

    Raises:
        UsageError: the settings are no rule, or there is nothing to judge after the start.
    """
    seen = _completed(replace(seen, answers=_answers_to(rollout, seen)))
    told = plans.judged(rollout, seen.channels, seen.answers)
    trials = _trials(told.rollout, seen)
    of_spec = () if told.stands_in else trials
    others = tuple(gate.name for gate in rollout.gates if gate.name not in of_spec)
    past = Past(told.rollout, seen, trials, others, told.stands_in)
    _require_something(past)
    return past


def _require_something(past: Past) -> None:
    """Refuse a past of which nothing can be judged."""
    if not past.trials:
        among = f": {', '.join(past.others)}" if past.others else ""
        raise UsageError(f"spec.rollout.gates: no gate can be judged from what was recorded{among}")
    if past.ended_at <= past.started_at:
        raise UsageError(
            f"the last sample ({past.ended_at:.15g} s) is not after the canary's start "
            f"({past.started_at:.15g} s): --weights can tell another, on the clock of the samples"
        )


def _answers_to(rollout: Rollout, seen: Seen) -> Mapping[str, QueryAnswers]:
    """Values by which gates of the rollout can be judged: those of the very same query."""
    queries = {gate.name: query for gate in rollout.gates if (query := gate.user_query)}
    return {
        name: answers
        for name, answers in seen.answers.items()
        if name in queries
        and _asks_the_same(queries[name], seen.asked.get(name))
        and (answers.stable or not queries[name].against_stable or seen.rates is not None)
    }


def _asks_the_same(query: UserQuery, asked: UserQuery | None) -> bool:
    if asked is None:
        return False
    return query.interval == asked.interval and query.promql == asked.promql


def _completed(seen: Seen) -> Seen:
    """With weights and interval."""
    if seen.weights and seen.scrape_interval:
        return seen
    errors = seen.channels.get(ERRORS)
    if errors is None or not errors.candidate:
        told = {"--weights": seen.weights, "--scrape-interval": seen.scrape_interval}
        missing = ", ".join(option for option, value in told.items() if not value)
        raise UsageError(f"missing: {missing}: no counters of the canary's requests tell it")
    every = seen.scrape_interval or scrape_interval(_every([errors]))
    weights = seen.weights or (_began(errors, every),)
    return replace(seen, weights=weights, scrape_interval=every)


def _trials(rollout: Rollout, seen: Seen) -> Mapping[str, Trial]:
    """What the operator would have judged of what was seen."""
    try:
        return _of_canary(rollout, seen) if seen.rates is None else _of_probation(rollout, seen)
    except ValueError as wrong:
        raise UsageError(f"spec.rollout.gates: {wrong}") from wrong


def _of_canary(rollout: Rollout, seen: Seen) -> Mapping[str, Trial]:
    return plans.trials(
        rollout,
        seen.weights,
        seen.scrape_interval,
        read=plans.Readable(seen.channels, seen.answers, seen.baseline),
    )


def _of_probation(rollout: Rollout, seen: Seen) -> Mapping[str, Trial]:
    began, every = seen.weights[0].at, seen.scrape_interval
    found = probation_trials(rollout, began, seen.rates or (), every)
    return {
        name: trial
        for name, trial in found.items()
        if trial.rule.channel in seen.channels or name in seen.answers
    }


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
