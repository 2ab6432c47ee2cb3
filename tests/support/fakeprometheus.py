"""Traffic through the Services, and a Prometheus that scrapes the pods' counters.

Requests are shared out evenly among a Service's ready pods; each pod fails the share of them that
its tag fails. Numbers are whole and add up: nothing is drawn at random.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.support.fakecluster import FakeCluster
from tests.support.fakesource import SCRAPE_INTERVAL, FakeMetricSource, PodKey, Query
from tests.support.kubelets import endpoints, is_ready
from typing_extensions import override

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.gates import ERRORS, Channel
from davylamp.gates.samples import Sample

__all__ = ["SCRAPE_INTERVAL", "FakePrometheus", "Mood"]

Json = dict[str, Any]
MEMORY = 3600.0


class Mood(StrEnum):
    """How Prometheus answers."""

    WELL = "well"
    DOWN = "down"
    NONSENSE = "nonsense"
    EMPTY = "empty"


@dataclass
class FakePrometheus(FakeMetricSource):
    """A metric source over the pods of a fake cluster."""

    cluster: FakeCluster
    clock: Callable[[], float]
    error_share: dict[str, float] = field(default_factory=dict)
    """Share of requests that fail, by tag."""
    rate: int = 100
    """Requests per second to each main Service."""
    mood: Mood = Mood.WELL
    served: Counter[str] = field(default_factory=Counter)
    """Requests answered, by tag."""
    samples: dict[PodKey, list[Sample]] = field(default_factory=dict)
    others: dict[Channel, dict[PodKey, list[Sample]]] = field(default_factory=dict)
    """Samples of the channels that no traffic here makes."""
    _requests: Counter[PodKey] = field(default_factory=Counter)
    _errors: dict[PodKey, float] = field(default_factory=dict)
    _sent: int = 0

    def __post_init__(self) -> None:
        self.counts = lambda query: dict(self._in_window(query))
        self.before = self._refuse

    def polls(self) -> int:
        """Moments at which something was asked."""
        return len({query.at for query in self.queries})

    def flow(self, seconds: float) -> None:
        """Send the traffic of some time."""
        for owner in self.cluster.find("ModelDeployment"):
            name, namespace = owner["metadata"]["name"], owner["metadata"]["namespace"]
            pods = endpoints(self.cluster, name, namespace)
            for _ in range(round(self.rate * seconds) if pods else 0):
                self._sent += 1
                self._answer(pods[self._sent % len(pods)])

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

    @override
    async def _has_answer(self, query: Query) -> bool:
        return await super()._has_answer(query) and self.mood is not Mood.EMPTY

    def _refuse(self, _query: Query) -> None:
        if self.mood is Mood.DOWN:
            raise SourceError(SourceFault.DOWN, "Prometheus: no answer within 8 s")
        if self.mood is Mood.NONSENSE:
            raise SourceError(SourceFault.BAD_ANSWER, "Prometheus: the result is no list")

    def _in_window(self, query: CounterQuery) -> Iterator[tuple[PodKey, tuple[Sample, ...]]]:
        begin = query.at - query.window
        is_traffic = query.channel is ERRORS
        samples = self.samples if is_traffic else self.others.get(query.channel, {})
        for key, known in samples.items():
            within = tuple(sample for sample in known if begin < sample.time <= query.at)
            if within and query.owner(*key) is not None:
                yield key, within

    def _answer(self, pod: Json) -> None:
        key, tag = _key(pod), pod["metadata"]["labels"]["app.kubernetes.io/version"]
        self._requests[key] += 1
        self._errors[key] = self._errors.get(key, 0) + self.error_share.get(tag, 0)
        self.served[tag] += 1


def _key(pod: Json) -> PodKey:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]
