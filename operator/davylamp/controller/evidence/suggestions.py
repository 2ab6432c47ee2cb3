"""Before a canary: which series there are where a gate has no data of stable.

Such a gate would be blind during the canary. So the user learns beforehand what it looks for, and
what the pods have instead.
"""

import asyncio
import math
from collections.abc import Callable
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
        slots: limits the questions at a time.
    """

    def __init__(
        self,
        source: MetricSource,
        tracked: TrackedRollouts,
        settings: MetricSettings,
        *,
        clock: Callable[[], float],
        slots: asyncio.Semaphore,
    ) -> None:
        self._source = source
        self._tracked = tracked
        self._series = settings.series
        self._clock = clock
        self._slots = slots

    async def search(self) -> None:
        """Look for other series where gates have no data, and drop suggestions that are outdated."""
        await asyncio.gather(*(self._search(key, tracked) for key, tracked in self._tracked))

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

    async def _search(self, key: Key, tracked: TrackedRollout) -> None:
        before = tracked.suggestions.texts
        with isolated(key):
            for gate in tracked.subject.trials:
                await self._search_for(gate, tracked, self._clock())
            if before != tracked.suggestions.texts:
                self._tracked.report_news(key, tracked)

    async def _search_for(self, gate: str, tracked: TrackedRollout, now: float) -> None:
        known, channel = tracked.suggestions, tracked.subject.trials[gate].rule.channel
        if channel is None or not _lacks_baseline(gate, tracked, now):
            texts = {name: text for name, text in known.texts.items() if name != gate}
            tracked.suggestions = Suggestions(texts, known.looked_at)
        elif now - known.looked_at.get(gate, -math.inf) >= SEARCH_INTERVAL:
            looked_at = {**known.looked_at, gate: now}
            tracked.suggestions = Suggestions(known.texts, looked_at)
            async with self._slots:
                text = await self.suggestion(tracked.subject, channel, now)
            tracked.suggestions = Suggestions({**known.texts, gate: text}, looked_at)


def _lacks_baseline(gate: str, tracked: TrackedRollout, now: float) -> bool:
    """Whether a gate that waits for its canary has no data of stable, though it was asked for."""
    trial, state = tracked.subject.trials[gate], tracked.folded.family.states[gate]
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
