"""A metric source over pods that count evenly, and all that can go wrong with one.

For tests of whoever asks; `fakeprometheus` is the one over the pods of a fake cluster.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from davylamp.adapters.errors import SourceError, SourceFault, TooMuch
from davylamp.adapters.pod_names import PodRef
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.suggestions import OtherSeries
from davylamp.adapters.prometheus.user_query import UserQuery
from davylamp.gates.samples import Channel, Sample

SCRAPE_INTERVAL = 5


def pod_of(deployment: str) -> str:
    """The only pod of a Deployment."""
    return f"{deployment}-5d7f-abcde"


@dataclass
class FakeMetricSource:
    """Every Deployment has one pod, scraped every 5 s since the beginning of time."""

    now: float
    """Epoch seconds; tests move it on."""
    seconds_per_question: float = 0.0
    """Seconds by which an answer about counters moves it on."""
    rate: int = 10
    """Requests of each pod per second."""
    bad_since: float = 0.0
    bad: dict[str, float] = field(default_factory=dict)
    """Share of errors since then, by pod."""
    value: Callable[[str], float] = lambda _promql: 1.0
    """Value of a user query, whenever it is asked."""
    other: OtherSeries = field(default_factory=OtherSeries)

    fault: SourceFault | None = None
    """Why nothing can be asked."""
    faults: dict[Channel, SourceFault] = field(default_factory=dict)
    """Why some channels cannot be asked about."""
    query_errors: dict[str, SourceError] = field(default_factory=dict)
    """What is raised for user queries with some text in them."""
    strange: str = ""
    """A Deployment whose series are none that can be counted."""
    most_workloads: float = math.inf
    longest_window: float = math.inf
    """Beyond these the answer is too long."""
    longest_good_window: float = math.inf
    """Beyond it the answer is a bad one."""
    is_empty: bool = False
    hangs: bool = False
    user_queries_hang: bool = False

    queries: list[CounterQuery] = field(default_factory=list)
    user_queries: list[UserQuery] = field(default_factory=list)
    searches: list[CounterQuery] = field(default_factory=list)

    def sample(
        self, pod: str, at: float, channel: Channel, *, read_at: float | None = None
    ) -> Sample:
        """What a pod counted at a moment, stamped with another if need be."""
        moment = at if read_at is None else read_at
        requests = float(int(self.rate * moment))
        share = self.bad.get(pod, 0.0)
        errors = float(int(share * self.rate * max(0.0, moment - self.bad_since)))
        parts = {"0.1": requests - errors, "1": requests}
        return Sample(at, requests, errors, {} if channel is Channel.ERRORS else parts)

    async def scrapes(
        self, query: CounterQuery, *, until: float | None = None
    ) -> Mapping[PodRef, tuple[Sample, ...]]:
        """See `MetricSource.scrapes`."""
        self.queries.append(query)
        if self.hangs:
            await asyncio.Event().wait()
        self._refuse(query)
        self.now += self.seconds_per_question
        if self.is_empty:
            return {}
        begin = int((query.at - query.window) // SCRAPE_INTERVAL + 1) * SCRAPE_INTERVAL
        times = range(begin, int(query.at) + 1, SCRAPE_INTERVAL)
        return {
            (namespace, pod_of(name)): tuple(
                self.sample(pod_of(name), float(at), query.channel) for at in times
            )
            for namespace, name in query.workloads
        }

    async def values(
        self, query: UserQuery, *, until: float | None = None
    ) -> Mapping[float, float]:
        """See `MetricSource.values`."""
        self.user_queries.append(query)
        if self.user_queries_hang:
            await asyncio.Event().wait()
        self._refuse_all()
        for text, error in self.query_errors.items():
            if text in query.promql:
                raise error
        times = map(float, range(query.start, query.end + 1, query.step))
        return dict.fromkeys(times, self.value(query.promql))

    async def other_series(self, query: CounterQuery, *, until: float | None = None) -> OtherSeries:
        """See `MetricSource.other_series`."""
        self.searches.append(query)
        self._refuse_all()
        return self.other

    def _refuse(self, query: CounterQuery) -> None:
        names = {name for _, name in query.workloads}
        if len(names) > self.most_workloads or query.window > self.longest_window:
            raise TooMuch("the answer is too long")
        if query.channel in self.faults:
            raise SourceError(self.faults[query.channel], "no answer")
        if self.strange in names:
            raise SourceError(SourceFault.BAD_ANSWER, "histograms came for counters")
        self._refuse_all()
        if query.window > self.longest_good_window:
            raise SourceError(SourceFault.BAD_ANSWER, "no answer")

    def _refuse_all(self) -> None:
        if self.fault:
            raise SourceError(self.fault, "no answer")
