"""Traffic through the Services, and a Prometheus that scrapes the pods' counters.

Requests are shared out evenly among a Service's ready pods; each pod fails the share of them that
its tag fails. Numbers are whole and add up: nothing is drawn at random.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tests.support.fakecluster import FakeCluster
from tests.support.kubelets import endpoints, is_ready

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.suggestions import OtherSeries
from davylamp.adapters.prometheus.user_query import UserQuery
from davylamp.gates.samples import Channel, Sample

SCRAPE_INTERVAL = 5.0
MEMORY = 3600.0
PodKey = tuple[str, str]


class Mood(StrEnum):
    """How Prometheus answers."""

    WELL = "well"
    DOWN = "down"
    NONSENSE = "nonsense"
    EMPTY = "empty"


@dataclass
class FakePrometheus:
    """A metric source over the pods of a fake cluster."""

    cluster: FakeCluster
    clock: Callable[[], float]
    error_share: dict[str, float] = field(default_factory=dict)
    """Share of requests that fail, by tag."""
    rate: int = 100
    """Requests per second to each main Service."""
    mood: Mood = Mood.WELL
    queries: list[CounterQuery] = field(default_factory=list)
    served: Counter[str] = field(default_factory=Counter)
    """Requests answered, by tag."""
    samples: dict[PodKey, list[Sample]] = field(default_factory=dict)
    others: dict[Channel, dict[PodKey, list[Sample]]] = field(default_factory=dict)
    """Samples of the channels that no traffic here makes."""
    own: Callable[[str, float], float | None] = lambda _promql, _time: None
    """Values of users' queries, by text and time."""
    own_queries: list[UserQuery] = field(default_factory=list)
    seen: OtherSeries = field(default_factory=OtherSeries)
    _requests: Counter[PodKey] = field(default_factory=Counter)
    _errors: dict[PodKey, float] = field(default_factory=dict)
    _turn: int = 0

    def polls(self) -> int:
        """Moments at which something was asked."""
        return len({query.at for query in self.queries})

    def flow(self, seconds: float) -> None:
        """Send the traffic of some time."""
        for owner in self.cluster.find("ModelDeployment"):
            name, namespace = owner["metadata"]["name"], owner["metadata"]["namespace"]
            pods = endpoints(self.cluster, name, namespace)
            for _ in range(round(self.rate * seconds) if pods else 0):
                self._turn += 1
                self._answer(pods[self._turn % len(pods)])

    def scrape(self) -> None:
        """Take a sample of each pod that runs."""
        for pod in self.cluster.find("Pod"):
            if is_ready(pod):
                key = _key(pod)
                sample = Sample(self.clock(), self._requests[key], int(self._errors.get(key, 0)))
                known = self.samples.setdefault(key, [])
                known.append(sample)
                if known[0].time < self.clock() - MEMORY:
                    del known[0]

    async def scrapes(
        self, query: CounterQuery, *, until: float | None = None
    ) -> Mapping[PodKey, tuple[Sample, ...]]:
        """See `MetricSource.scrapes`."""
        self.queries.append(query)
        return dict(self._in_window(query)) if self._answers() else {}

    async def values(
        self, query: UserQuery, *, until: float | None = None
    ) -> Mapping[float, float]:
        """See `MetricSource.values`."""
        self.own_queries.append(query)
        if not self._answers():
            return {}
        times = range(query.start, query.end + 1, query.step)
        found = {float(time): self.own(query.promql, float(time)) for time in times}
        return {time: value for time, value in found.items() if value is not None}

    async def other_series(self, query: CounterQuery, *, until: float | None = None) -> OtherSeries:
        """See `MetricSource.other_series`."""
        return self.seen if self._answers() else OtherSeries()

    def _answers(self) -> bool:
        """Whether there is anything in the answer; raises where there is none."""
        match self.mood:
            case Mood.DOWN:
                raise SourceError(SourceFault.DOWN, "Prometheus: no answer within 8 s")
            case Mood.NONSENSE:
                raise SourceError(SourceFault.BAD_ANSWER, "Prometheus: the result is no list")
            case Mood.EMPTY:
                return False
            case Mood.WELL:
                return True

    def _in_window(self, query: CounterQuery) -> Iterator[tuple[PodKey, tuple[Sample, ...]]]:
        begin = query.at - query.window
        is_traffic = query.channel is Channel.ERRORS
        samples = self.samples if is_traffic else self.others.get(query.channel, {})
        for key, known in samples.items():
            seen = tuple(each for each in known if begin < each.time <= query.at)
            if seen and query.owner(*key) is not None:
                yield key, seen

    def _answer(self, pod: dict) -> None:
        key, tag = _key(pod), pod["metadata"]["labels"]["app.kubernetes.io/version"]
        self._requests[key] += 1
        self._errors[key] = self._errors.get(key, 0) + self.error_share.get(tag, 0)
        self.served[tag] += 1


def _key(pod: dict) -> PodKey:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]
