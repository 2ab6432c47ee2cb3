"""What a replay works on: the measurements of a past canary, and the settings to judge them by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain

from davylamp.api.gates import OnFail
from davylamp.api.spec import Rollout
from davylamp.cli.errors import UsageError
from davylamp.cli.replay.measurements import Measurements, pods_of, scrape_interval
from davylamp.cli.replay.weights import estimated_share
from davylamp.gates import ERRORS, QueryAnswers, Scrapes, ShareChange, Trial, UserQuery
from davylamp.rollout.trials import probation_trials
from davylamp.simulation import plans


@dataclass(frozen=True)
class PastAttempt:
    """A canary or a probation of the past, and the trials that the operator would have judged.

    `others` are gates that the measurements cannot decide; if no gate is left, the default one is
    used and `stands_in` is true.
    """

    rollout: Rollout
    measured: Measurements
    trials: Mapping[str, Trial]
    others: tuple[str, ...] = ()
    stands_in: bool = False

    @property
    def started_at(self) -> float:
        """Time of the canary's first traffic, or of the promotion."""
        return self.measured.weights[0].at

    @property
    def beginning(self) -> str:
        """What happened at `started_at`."""
        return "its promotion" if self.in_probation else "its first traffic"

    @property
    def in_probation(self) -> bool:
        """Whether the revision had been promoted already, so that there is no stable to compare."""
        return self.measured.rates is not None

    @property
    def ended_at(self) -> float:
        """Time of the last sample of either revision, or of the last value of a query."""
        samples = (samples[-1].time for samples in pods_of(self.measured.channels.values()))
        values = (answers.until for answers in self.measured.answers.values())
        return max(chain(samples, values))

    @property
    def silent(self) -> frozenset[str]:
        """Gates that only warn: they neither roll back nor delay promotion."""
        return frozenset(gate.name for gate in self.rollout.gates if gate.action is OnFail.WARN)

    def rolls_back(self, name: str) -> bool:
        """Whether a failure of this gate rolls back, instead of pausing or warning."""
        actions = {gate.name: gate.action for gate in self.rollout.gates}
        return actions[name] is OnFail.ROLLBACK


def past_attempt(rollout: Rollout, measured: Measurements) -> PastAttempt:
    """Settings and measurements together; what is not known is estimated from the error channel.

    Raises:
        UsageError: the settings make no rule, or there is nothing to judge after the start.
    """
    measured = _completed(replace(measured, answers=_answers_to(rollout, measured)))
    judged = plans.judged(rollout, measured.channels, measured.answers)
    trials = _trials(judged.rollout, measured)
    of_spec = () if judged.stands_in else trials
    others = tuple(gate.name for gate in rollout.gates if gate.name not in of_spec)
    past = PastAttempt(judged.rollout, measured, trials, others, judged.stands_in)
    _require_something(past)
    return past


def _require_something(past: PastAttempt) -> None:
    """Refuse an attempt of which nothing can be judged."""
    if not past.trials:
        gates = f": {', '.join(past.others)}" if past.others else ""
        raise UsageError(f"spec.rollout.gates: no gate can be judged from what was recorded{gates}")
    if past.ended_at <= past.started_at:
        raise UsageError(
            f"the last sample ({past.ended_at:.15g} s) is not after the canary's start "
            f"({past.started_at:.15g} s): --weights can give another start, on the clock of the "
            "samples"
        )


def _answers_to(rollout: Rollout, measured: Measurements) -> Mapping[str, QueryAnswers]:
    """Values that gates of the rollout can be judged by: those of exactly the same query."""
    queries = {gate.name: query for gate in rollout.gates if (query := gate.user_query)}
    return {
        name: answers
        for name, answers in measured.answers.items()
        if name in queries
        and _asks_the_same(queries[name], measured.asked.get(name))
        and (answers.stable or not queries[name].against_stable or measured.rates is not None)
    }


def _asks_the_same(query: UserQuery, asked: UserQuery | None) -> bool:
    if asked is None:
        return False
    return query.interval == asked.interval and query.promql == asked.promql


def _completed(measured: Measurements) -> Measurements:
    """With weights and scrape interval, estimated from the error channel if they are not known."""
    if measured.weights and measured.scrape_interval:
        return measured
    errors = measured.channels.get(ERRORS)
    if errors is None or not errors.candidate:
        options = {"--weights": measured.weights, "--scrape-interval": measured.scrape_interval}
        missing = ", ".join(option for option, value in options.items() if not value)
        raise UsageError(f"missing: {missing}: without counters of the canary, give it yourself")
    interval = measured.scrape_interval or scrape_interval(pods_of([errors]))
    weights = measured.weights or (_start(errors, interval),)
    return replace(measured, weights=weights, scrape_interval=interval)


def _trials(rollout: Rollout, measured: Measurements) -> Mapping[str, Trial]:
    """The trials that the operator would have judged with these measurements."""
    of_phase = _of_canary if measured.rates is None else _of_probation
    try:
        return of_phase(rollout, measured)
    except ValueError as error:
        raise UsageError(f"spec.rollout.gates: {error}") from error


def _of_canary(rollout: Rollout, measured: Measurements) -> Mapping[str, Trial]:
    return plans.trials(
        rollout,
        measured.weights,
        measured.scrape_interval,
        read=plans.Readable(measured.channels, measured.answers, measured.baseline),
    )


def _of_probation(rollout: Rollout, measured: Measurements) -> Mapping[str, Trial]:
    started_at, interval = measured.weights[0].at, measured.scrape_interval
    trials = probation_trials(rollout, started_at, measured.rates or (), interval)
    return {
        name: trial
        for name, trial in trials.items()
        if trial.rule.channel in measured.channels or name in measured.answers
    }


def _start(errors: Scrapes, interval: float) -> ShareChange:
    """The start if it is not known: one scrape before the first sample that has requests."""
    pods = errors.candidate.values()
    first = min((samples[0] for samples in pods), key=lambda sample: sample.time)
    at = first.time - interval if first.requests else first.time
    return ShareChange(at, estimated_share(pods, errors.stable.values(), at))
