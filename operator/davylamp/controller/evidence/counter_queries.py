"""Turns what is followed into questions to Prometheus, each under a deadline."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.source import MetricSource
from davylamp.adapters.prometheus.suggestions import SeenSeries
from davylamp.adapters.prometheus.templates import render
from davylamp.adapters.prometheus.user_query import ArmNames, OwnQuery, QueryScope, on_grid
from davylamp.controller.evidence.batches import Batch, parts_with
from davylamp.controller.evidence.tracked import Scraped, TrackedRollout, by_workload
from davylamp.controller.settings import MetricSettings
from davylamp.gates import Channel, Query, QueryAnswers

DEADLINE: Final = 8.0
"""Seconds for one query about counters, or for all that is asked by one gate."""
LAG: Final = 1.0
"""Seconds that a sample may take from its scrape until Prometheus can be asked for it."""
LONGEST_WINDOW: Final = 6 * 3600.0
MOST_POINTS: Final = 500
"""Points of a user's own query that are asked for at a time."""
_T = TypeVar("_T")


class CounterQueries:
    """Turns what is followed into queries.

    Args:
        source: where the samples come from.
        settings: which series to ask for.
    """

    def __init__(self, source: MetricSource, settings: MetricSettings) -> None:
        self._source = source
        self._settings = settings

    async def counters(self, batch: Batch) -> Mapping[Channel, Scraped | SourceError]:
        """Ask one query for each channel: values, or why there are none."""
        channels = batch.channels
        if not batch.at_once:
            return {channel: await self._channel(channel, batch) for channel in channels}
        asked = (self._channel(channel, batch) for channel in channels)
        return dict(zip(channels, await asyncio.gather(*asked), strict=True))

    async def seen_instead(self, followed: TrackedRollout, channel: Channel, now: float) -> str:
        """Say what a channel looks for, and what there is of stable's pods instead."""
        query = self._query(channel, (followed,), now, now - 60.0)
        names = " or ".join(self._settings.series.metrics(channel))
        wanted = f"{names}{{{self._settings.series.selector(channel)}}}"
        until = asyncio.get_running_loop().time() + DEADLINE
        seen = await _told(self._source.labels_seen(query, until=until))
        if isinstance(seen, SourceError):
            return f"no series {wanted} of stable's pods"
        return f"no series {wanted} of stable's pods; {_described(seen)}"

    async def _channel(self, channel: Channel, batch: Batch) -> Scraped | SourceError:
        wanted = parts_with(channel, batch.parts)
        oldest = min(each.unread[channel] for each in wanted)
        query = self._query(channel, wanted, batch.at, max(oldest, batch.at - LONGEST_WINDOW))
        until = asyncio.get_running_loop().time() + DEADLINE
        answer = await _told(self._source.scrapes(query, until=until))
        return answer if isinstance(answer, SourceError) else by_workload(answer)

    def _query(
        self, channel: Channel, group: Iterable[TrackedRollout], now: float, since: float
    ) -> CounterQuery:
        workloads = {
            (each.subject.namespace, deployment)
            for each in group
            for deployment in (each.subject.candidate, each.subject.stable)
            if deployment
        }
        return CounterQuery(
            workloads=frozenset(workloads),
            at=now,
            window=now - since,
            channel=channel,
            series=self._settings.series,
        )

    async def own(
        self, followed: TrackedRollout, gate: str, rule: Query, now: float
    ) -> QueryAnswers | SourceError | None:
        """Ask a user's own query of both sides, for the times that are due; None if none is.

        Who is far behind is told of the oldest `MOST_POINTS` of them.
        """
        scope = followed.subject.scope
        if scope is None:
            return None
        if not self._settings.user_queries:
            text = "queries of users are not allowed here (chart value gates.userQueries)"
            return SourceError(SourceFault.BAD_ANSWER, text)
        after = followed.asked_until.get(gate, followed.since)
        edge = min(now - LAG, after + MOST_POINTS * max(1.0, rule.interval))
        arms = [scope.candidate]
        if rule.ratio is not None and scope.stable:
            arms.append(scope.stable)
        due = on_grid(rule.promql, after=after, until=edge, step=rule.interval)
        if due is None:
            return None
        until = asyncio.get_running_loop().time() + DEADLINE
        values = []
        for arm in arms:
            answer = await _told(self._values(due, scope, arm, until))
            if isinstance(answer, SourceError):
                return answer
            values.append(answer)
        return QueryAnswers(edge, *values)

    async def _values(
        self, due: OwnQuery, scope: QueryScope, arm: ArmNames, until: float
    ) -> Mapping[float, float]:
        """One side's values; `ValueError` where the query's variables cannot be put in."""
        text = render(due.promql, replace(scope, interval=due.step).variables(arm))
        return await self._source.values(replace(due, promql=text), until=until)


async def _told(answer: Awaitable[_T]) -> _T | SourceError:
    """An error as a value: one question must not take the others with it."""
    try:
        return await answer
    except SourceError as error:
        return error
    except ValueError as error:
        return SourceError(SourceFault.BAD_ANSWER, str(error))


def _described(seen: SeenSeries) -> str:
    if seen.labels:
        return f"the metric is there with other labels: {seen.labels_text}"
    if seen.metrics:
        return f"metrics that are there: {', '.join(seen.metrics)}"
    return "Prometheus has none of their metrics that could be meant"
