"""Pods that count evenly as Prometheus knows them, and all that can go wrong when it is asked."""

import math
from dataclasses import dataclass, field

from tests.support.fakesource import FakeMetricSource, Query, Scrapes, pod_of, scrape_times

from davylamp.adapters.errors import SourceError, SourceFault, TooMuch
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.user_query import RangeQuery
from davylamp.gates import ERRORS, Channel
from davylamp.gates.samples import Sample


@dataclass(kw_only=True)
class EvenPods(FakeMetricSource):
    """Every Deployment has one pod, which has counted since the epoch."""

    now: float
    """Epoch seconds; tests move it on."""
    seconds_per_question: float = 0.0
    """Seconds by which an answer about counters moves it on."""
    rate: int = 10
    """Requests of each pod per second."""
    bad_since: float = 0.0
    bad: dict[str, float] = field(default_factory=dict)
    """Share of errors since then, by pod."""

    fault: SourceFault | None = None
    """Why nothing can be asked."""
    faults: dict[Channel, SourceFault] = field(default_factory=dict)
    """Why some channels cannot be asked about."""
    query_errors: dict[str, SourceError] = field(default_factory=dict)
    """What user queries with some text in them end in."""
    strange: str = ""
    """A Deployment whose series are none that can be counted."""
    most_workloads: float = math.inf
    longest_window: float = math.inf
    """Beyond these the answer is too long."""
    longest_good_window: float = math.inf
    """Beyond it the answer is a bad one."""

    def __post_init__(self) -> None:
        self.counts = self._counted
        self.before = self._refuse

    def sample(
        self, pod: str, at: float, channel: Channel, *, read_at: float | None = None
    ) -> Sample:
        """What a pod counted at a moment, stamped with another if need be."""
        moment = at if read_at is None else read_at
        requests = float(int(self.rate * moment))
        share = self.bad.get(pod, 0.0)
        errors = float(int(share * self.rate * max(0.0, moment - self.bad_since)))
        parts = {"0.1": requests - errors, "1": requests}
        return Sample(at, requests, errors, {} if channel is ERRORS else parts)

    def _counted(self, query: CounterQuery) -> Scrapes:
        self.now += self.seconds_per_question
        return {
            (namespace, pod_of(name)): tuple(
                self.sample(pod_of(name), at, query.channel) for at in scrape_times(query)
            )
            for namespace, name in query.workloads
        }

    def _refuse(self, query: Query) -> None:
        if isinstance(query, RangeQuery):
            for text, error in self.query_errors.items():
                if text in query.promql:
                    raise error
        else:
            self._refuse_counters(query)
        if self.fault:
            raise SourceError(self.fault, "no answer")

    def _refuse_counters(self, query: CounterQuery) -> None:
        names = {name for _, name in query.workloads}
        if len(names) > self.most_workloads or query.window > self.longest_window:
            raise TooMuch("the answer is too long")
        if query.channel in self.faults:
            raise SourceError(self.faults[query.channel], "no answer")
        if self.strange in names:
            raise SourceError(SourceFault.BAD_ANSWER, "histograms came for counters")
        if query.window > self.longest_good_window:
            raise SourceError(self.fault or SourceFault.BAD_ANSWER, "no answer")
