"""Before a canary: which series there are where a gate has no data of stable.

Such a gate would be blind during the canary. So the user learns beforehand what it looks for, and
what the pods have instead.
"""

import math
from collections.abc import Callable, Hashable
from functools import partial
from typing import Final

from davylamp.adapters.errors import SourceError
from davylamp.adapters.prometheus.promql import CounterQuery, braces
from davylamp.adapters.prometheus.source import MetricSource, OtherSeries
from davylamp.adapters.prometheus.suggestions import all_names_text, unselected_text
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.answers import answer_or_error, deadline
from davylamp.controller.evidence.counter_queries import counter_query
from davylamp.controller.evidence.ingest import isolated
from davylamp.controller.evidence.subjects import Subject
from davylamp.controller.evidence.tracked import Suggestions, TrackedRollout, TrackedRollouts
from davylamp.controller.fairness.errands import Errands
from davylamp.controller.settings import MetricSettings
from davylamp.gates import Channel
from davylamp.gates.forecast.forecast import has_samples_of_stable

SEARCH_INTERVAL: Final = 10.0
"""Seconds between two searches: pods that have just begun to serve were not scraped yet."""
SEARCH_WINDOW: Final = 60.0
"""Seconds in which a series must have had a sample."""


class SuggestionSearch:
    """Looks for other series, now and then.

    Args:
        source: where the series are.
        tracked: the rollouts.
        settings: which series the gates look for.
        clock: epoch seconds.
        errands: in which it is asked.
    """

    def __init__(
        self,
        source: MetricSource,
        tracked: TrackedRollouts,
        settings: MetricSettings,
        *,
        clock: Callable[[], float],
        errands: Errands[Hashable],
    ) -> None:
        self._source = source
        self._tracked = tracked
        self._series = settings.series
        self._clock = clock
        self._errands = errands

    def begin(self) -> None:
        """Look for other series where gates have no data, and drop suggestions that are outdated."""
        now = self._clock()
        for key, tracked in self._tracked:
            with isolated(key):
                self._begin_of(key, tracked, now)

    async def suggestion(self, subject: Subject, channel: Channel, now: float) -> str:
        """What a channel looks for, and which series there are of stable's pods instead."""
        query = counter_query(
            channel, (subject,), series=self._series, at=now, since=now - SEARCH_WINDOW
        )
        wanted = " or ".join(query.metrics) + braces(self._series.matchers(channel))
        other = await answer_or_error(self._source.other_series(query, until=deadline()))
        missing = f"no series {wanted} of stable's pods"
        return (
            missing if isinstance(other, SourceError) else f"{missing}; {_described(other, query)}"
        )

    def _begin_of(self, key: Key, tracked: TrackedRollout, now: float) -> None:
        lacking = {gate for gate in tracked.subject.trials if _lacks_baseline(gate, tracked, now)}
        known = tracked.suggestions
        if known.texts.keys() - lacking:
            texts = {gate: text for gate, text in known.texts.items() if gate in lacking}
            tracked.suggestions = Suggestions(texts, known.looked_at)
            self._tracked.report_news(key, tracked)
        for gate in sorted(lacking):
            if now - known.looked_at.get(gate, -math.inf) >= SEARCH_INTERVAL:
                search = partial(self._search_for, key, tracked, gate)
                self._errands.start(key.namespace, ("suggestion", key, gate), search)

    async def _search_for(self, key: Key, tracked: TrackedRollout, gate: str) -> None:
        now, trial = self._clock(), tracked.subject.trials.get(gate)
        channel = trial.rule.channel if trial else None
        if channel is None or not self._tracked.is_current(key, tracked):
            return
        known = tracked.suggestions
        tracked.suggestions = Suggestions(known.texts, {**known.looked_at, gate: now})
        with isolated(key):
            text = await self.suggestion(tracked.subject, channel, now)
            known = tracked.suggestions
            if known.texts.get(gate) != text:
                tracked.suggestions = Suggestions({**known.texts, gate: text}, known.looked_at)
                self._tracked.report_news(key, tracked)


def _lacks_baseline(gate: str, tracked: TrackedRollout, now: float) -> bool:
    """Whether a gate that waits for its canary has no data of stable, though it was asked for."""
    trial, state = tracked.subject.trials[gate], tracked.folded.family.states[gate]
    if trial.rule.channel is None:
        return False
    is_answered = trial.rule.channel in tracked.counters.answered
    is_waiting = trial.started_at > now and tracked.subject.stable is not None
    return is_waiting and is_answered and not has_samples_of_stable(state)


def _described(other: OtherSeries, query: CounterQuery) -> str:
    if other.is_there:
        shows = unselected_text(query)
        return f"the metric is there with other labels, see in Prometheus: {shows}"
    counted = f"{other.others} others" if other.metrics else f"{other.others} that look like it"
    metrics = [*other.metrics, *([counted] if other.others else [])]
    if metrics:
        shows = all_names_text(query)
        return f"metrics that are there: {', '.join(metrics)}; see in Prometheus: {shows}"
    return "Prometheus has none of their metrics that could be meant"
