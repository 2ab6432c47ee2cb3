"""The one fake of `MetricSource`: keeps every query, and answers or fails as a test says."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.source import MetricSource
from davylamp.adapters.prometheus.suggestions import OtherSeries
from davylamp.adapters.prometheus.user_query import RangeQuery
from davylamp.gates.samples import Sample

PodKey = tuple[str, str]
Scrapes = Mapping[PodKey, tuple[Sample, ...]]
Query = CounterQuery | RangeQuery
SCRAPE_INTERVAL = 5


@dataclass(kw_only=True)
class FakeMetricSource:
    """Answers from functions of the query.

    `before` is called with each query first and raises what the query shall end in; a query that
    `hangs` says yes to is never answered.
    """

    counts: Callable[[CounterQuery], Scrapes] = lambda _query: {}
    own: Callable[[str, float], float | None] = lambda _promql, _time: None
    """Values of users' queries, by text and time."""
    other: OtherSeries = field(default_factory=OtherSeries)
    before: Callable[[Query], None] = lambda _query: None
    hangs: Callable[[Query], bool] = lambda _query: False
    is_empty: bool = False
    """Whether every answer is one without a result."""
    queries: list[CounterQuery] = field(default_factory=list)
    user_queries: list[RangeQuery] = field(default_factory=list)
    searches: list[CounterQuery] = field(default_factory=list)

    async def scrapes(self, query: CounterQuery, *, until: float | None = None) -> Scrapes:
        """See `MetricSource.scrapes`."""
        self.queries.append(query)
        return self.counts(query) if await self._has_answer(query) else {}

    async def values(
        self, query: RangeQuery, *, until: float | None = None
    ) -> Mapping[float, float]:
        """See `MetricSource.values`."""
        self.user_queries.append(query)
        if not await self._has_answer(query):
            return {}
        times = map(float, range(query.start, query.end + 1, query.step))
        values = {time: self.own(query.promql, time) for time in times}
        return {time: value for time, value in values.items() if value is not None}

    async def other_series(self, query: CounterQuery, *, until: float | None = None) -> OtherSeries:
        """See `MetricSource.other_series`."""
        self.searches.append(query)
        return self.other if await self._has_answer(query) else OtherSeries()

    async def _has_answer(self, query: Query) -> bool:
        if self.hangs(query):
            await asyncio.Event().wait()
        self.before(query)
        return not self.is_empty


_: type[MetricSource] = FakeMetricSource


def pod_of(deployment: str) -> str:
    """Name of the one pod that a Deployment has in `steady` answers."""
    return f"{deployment}-5d7f-abcde"


def scrape_times(query: CounterQuery) -> list[float]:
    """Moments at which pods were scraped within the window of a query."""
    first = int((query.at - query.window) // SCRAPE_INTERVAL + 1) * SCRAPE_INTERVAL
    return [float(time) for time in range(first, int(query.at) + 1, SCRAPE_INTERVAL)]


def steady(query: CounterQuery) -> Scrapes:
    """One pod for each workload that has counted 10 requests a second since the epoch, all fast."""
    samples = tuple(
        Sample(time, 10.0 * time, 0.0, {"0.1": 10.0 * time}) for time in scrape_times(query)
    )
    return {(namespace, pod_of(name)): samples for namespace, name in query.workloads}
