"""Asks Prometheus about pods' counters: one query for each channel of a batch."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from davylamp.adapters.errors import SourceError, SourceFault, TooMuch
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.adapters.prometheus.source import MetricSource
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.answers import answer_or_error, deadline
from davylamp.controller.evidence.batches import Batch, halves, shorter
from davylamp.controller.evidence.ingest import Scraped, by_deployment
from davylamp.controller.evidence.subjects import Subject
from davylamp.controller.settings import MetricSettings
from davylamp.gates import Channel

LONGEST_WINDOW: Final = 6 * 3600.0
"""Seconds before which no sample is asked for."""
Answers: TypeAlias = Mapping[Channel, Scraped | SourceError]
"""By channel what Prometheus answered, or why it did not."""


class CounterQueries:
    """Turns batches into queries.

    Args:
        source: where the samples come from.
        settings: which series to ask for.
    """

    def __init__(self, source: MetricSource, settings: MetricSettings) -> None:
        self._source = source
        self._settings = settings

    async def together(self, batch: Batch) -> Mapping[Key, Answers]:
        """The answers about each rollout of a batch.

        Where the answer about a channel is bad, half of the rollouts are asked about at a time: so
        what is too long gets shorter, and one rollout's strange series blind no other. Of several
        namespaces none is divided: one that answers badly is asked about apart, and delays no other.
        """
        return await self._together(batch, is_divided=len(batch.namespaces) == 1)

    async def _together(self, batch: Batch, *, is_divided: bool) -> Mapping[Key, Answers]:
        answers = await self.counters(batch)
        bad = [channel for channel, answer in answers.items() if _is_bad(answer)]
        by_key = {part.key: {c: answers[c] for c in part.channels} for part in batch.parts}
        if not is_divided and len(batch.namespaces) == 1:
            return by_key
        for half in halves(batch, bad):
            for key, better in (await self._together(half, is_divided=is_divided)).items():
                by_key[key] |= better
        return by_key

    async def alone(self, batch: Batch) -> tuple[Batch, Answers]:
        """The answers about a single rollout; of what is too long, about less time."""
        answers = await self.counters(batch)
        while any(isinstance(answer, TooMuch) for answer in answers.values()):
            less = shorter(batch, self._settings.scrape_interval)
            if less is None:
                break
            batch, answers = less, await self.counters(less)
        return batch, answers

    async def counters(self, batch: Batch) -> Answers:
        """Ask one query for each channel."""
        channels = batch.channels
        if not batch.is_concurrent:
            return {channel: await self._channel(channel, batch) for channel in channels}
        answers = await asyncio.gather(*(self._channel(channel, batch) for channel in channels))
        return dict(zip(channels, answers, strict=True))

    async def _channel(self, channel: Channel, batch: Batch) -> Scraped | SourceError:
        rollouts = [part.tracked for part in batch.parts if channel in part.channels]
        query = counter_query(
            channel,
            (tracked.subject for tracked in rollouts),
            series=self._settings.series,
            at=batch.at,
            since=max(min(t.unread[channel] for t in rollouts), batch.at - LONGEST_WINDOW),
        )
        answer = await answer_or_error(self._source.scrapes(query, until=deadline()))
        return answer if isinstance(answer, SourceError) else by_deployment(answer)


def counter_query(
    channel: Channel, subjects: Iterable[Subject], *, series: SeriesNames, at: float, since: float
) -> CounterQuery:
    """The query for a channel of all pods of some subjects, for the samples of (since, at]."""
    workloads = {(s.namespace, deployment) for s in subjects for deployment in s.deployments}
    return CounterQuery(
        workloads=frozenset(workloads),
        at=at,
        window=at - since,
        channel=channel,
        series=series,
    )


def _is_bad(answer: Scraped | SourceError) -> bool:
    return isinstance(answer, SourceError) and answer.fault is SourceFault.BAD_ANSWER
