"""Direct scrapes: reads the counters of pods from the pods themselves, all in one sweep.

Every sample of a sweep carries the moment at which the sweep began. A pod reads its counters some
time between that moment and the deadline, so what is wrong about the time is bounded and has one
sign: a counter is never older than its time. That is the side on which evidence is safe. A baseline
stamped after a change of weight was read after it, so no block holds traffic of two splits; with
the moment of arrival, an answer on its way while the weight moved would put the old split's traffic
into the new split's first block. One time for all makes both revisions' counts end at one instant.

The deadline is the sweep's, not a request's, and is no longer than the shortest interval between
sweeps: so the pods of a sweep are never further apart than one interval, which is the misalignment
that the caps on evidence are made for. Who is later is left out, and its next sample carries the sum.

For the same reason the sweeps of one pod must not overlap, and whoever changes between sweeps and
Prometheus must leave out the new source's samples of the first `TIMEOUT` after the old one's last:
they may have been read before it, and a counter that falls is taken for a restarted process.

The operator's selectors choose series here as they do in Prometheus: the same matchers, evaluated on
the labels of the pod's lines. Pods may run anybody's code: see `session` for how they are asked.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import aiohttp
import yarl

from davylamp.adapters.errors import SourceError
from davylamp.adapters.pod_names import PodRef, deployment_of
from davylamp.adapters.pods.exposition import WantedLines, read_lines
from davylamp.adapters.pods.session import open_session
from davylamp.adapters.prometheus.matchers import METRIC_NAME, Condition
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.query_result import CounterSeries
from davylamp.adapters.prometheus.scrapes import samples_of
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.checks import Silent
from davylamp.gates.channels import Channel
from davylamp.gates.kinds.registry import CHANNELS
from davylamp.gates.samples import Sample

TIMEOUT: Final = 1.0
"""Seconds from the beginning of a sweep after which no answer is waited for."""
LARGEST: Final = 4 * 1024 * 1024
"""Bytes of an answer that are read."""
MOST_CONNECTIONS: Final = 512
"""Connections in use; so many pods can hang without keeping others from their turn."""
KEEP_OPEN: Final = 15.0
"""Seconds for which a connection waits for the next sweep."""
OK: Final = 200


@dataclass(frozen=True, slots=True)
class PodTarget:
    """Where a pod serves its metrics. `uid` distinguishes pods of one name.

    `host` is the pod's own address, never one that a resource or an answer names.
    """

    namespace: str
    name: str
    uid: str
    host: str
    port: int
    path: str = "/metrics"

    @property
    def key(self) -> PodRef:
        """What its samples are called by."""
        return self.namespace, self.name


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one sweep brought.

    Attributes:
        at: epoch seconds at which it began, the time of all its samples.
        samples: one sample a pod, by channel; every channel that was asked about is there.
        failed: why a pod brought nothing, in words that quote nothing of its answer.
    """

    at: float
    samples: Mapping[Channel, Mapping[PodRef, tuple[Sample, ...]]]
    failed: Mapping[PodRef, str]


@dataclass(frozen=True, slots=True)
class _Selection:
    """The series of one channel: those of these metrics whose labels fulfil all conditions."""

    metrics: tuple[str, ...]
    conditions: tuple[Condition, ...]

    @classmethod
    def of(cls, query: CounterQuery) -> Self:
        """The series that a query means; `ValueError` where that cannot be evaluated here."""
        conditions = (matcher.condition() for matcher in query.matchers)
        return cls(query.metrics, tuple(conditions))

    def among(self, by_metric: Mapping[str, Sequence[CounterSeries]]) -> Iterator[CounterSeries]:
        """The series that are meant."""
        for metric in self.metrics:
            for series in by_metric.get(metric, ()):
                if all(holds(series.labels) for holds in self.conditions):
                    yield series


class PodMetrics:
    """Reads pods; its connections stay open between sweeps, until `aclose`.

    Args:
        names: how series are called, the same as in Prometheus.
        timeout: seconds for a sweep, at most the shortest interval between sweeps.
        clock: epoch seconds.

    Raises:
        ValueError: a selector that cannot be put to a pod.
    """

    def __init__(
        self,
        names: SeriesNames,
        *,
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._names = names
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._selections((), CHANNELS)

    async def aclose(self) -> None:
        """Close the connections; the next sweep would open others."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def sweep(
        self, pods: Sequence[PodTarget], channels: Collection[Channel] = CHANNELS
    ) -> Sweep:
        """Read all pods at once; never raises for what a pod does or does not do.

        Takes as long as the slowest pod, so a rollout that must not wait for another's pods needs
        a sweep of its own; sweeps of different pods may overlap.
        """
        at = self._clock()
        selections = self._selections(pods, channels)
        metrics = {metric.encode() for wanted in selections.values() for metric in wanted.metrics}
        answers = await asyncio.gather(*(self._lines(pod, tuple(metrics)) for pod in pods))
        samples: dict[Channel, dict[PodRef, tuple[Sample, ...]]] = {c: {} for c in selections}
        failed: dict[PodRef, str] = {}
        # Read only now: whoever is still being waited for must not be late because we were busy.
        for pod, lines in zip(pods, answers, strict=True):
            scrape = (
                lines
                if isinstance(lines, Silent)
                else self._scrape(pod, lines, selections=selections, at=at)
            )
            if isinstance(scrape, Silent):
                failed[pod.key] = scrape.problem
            else:
                for channel, sample in scrape.items():
                    samples[channel][pod.key] = sample
            await asyncio.sleep(0)  # others need the event loop between two texts
        return Sweep(at, samples, failed)

    def _selections(
        self, pods: Iterable[PodTarget], channels: Iterable[Channel]
    ) -> dict[Channel, _Selection]:
        """What Prometheus would be asked about these pods, by channel."""
        workloads = frozenset((pod.namespace, deployment_of(pod.name)) for pod in pods)
        queries = (
            CounterQuery(
                workloads=workloads, at=0.0, window=1.0, channel=channel, series=self._names
            )
            for channel in channels
        )
        return {query.channel: _Selection.of(query) for query in queries}

    async def _lines(self, pod: PodTarget, metrics: tuple[bytes, ...]) -> list[bytes] | Silent:
        """The lines of a pod's text that are asked about."""
        wanted = WantedLines(metrics)
        try:
            url = yarl.URL.build(scheme="http", host=pod.host, port=pod.port, path=pod.path)
            async with self._opened().get(url, allow_redirects=False) as answer:
                if answer.status != OK:
                    return Silent(f"answered {answer.status}")
                await _receive(answer, wanted)
            return wanted.end()
        except TimeoutError:
            return Silent(f"no answer within {self._timeout.total:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return Silent(f"cannot be asked: {type(error).__name__}")
        except ValueError as error:
            return Silent(f"cannot be read: {error}")

    def _scrape(
        self,
        pod: PodTarget,
        lines: Iterable[bytes],
        *,
        selections: Mapping[Channel, _Selection],
        at: float,
    ) -> dict[Channel, tuple[Sample, ...]] | Silent:
        """A pod's sample by channel; a channel without a usable one is not in it."""
        target = {self._names.namespace_label: pod.namespace, self._names.pod_label: pod.name}
        by_metric = dict[str, list[CounterSeries]]()
        try:
            for series in read_lines(lines, target, at=at):
                by_metric.setdefault(series.labels[METRIC_NAME], []).append(series)
            samples = {
                channel: samples_of(channel, selection.among(by_metric), names=self._names)
                for channel, selection in selections.items()
            }
        except ValueError as error:
            return Silent(f"cannot be read: {error}")
        except SourceError:
            return Silent("cannot be read: its series are none that can be counted")
        usable = {channel: sample for channel, sample in samples.items() if sample}
        return usable or Silent("has no usable sample of any metric that is asked for")

    def _opened(self) -> aiohttp.ClientSession:
        """The session, opened with the first sweep: it belongs to the running event loop."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=MOST_CONNECTIONS, keepalive_timeout=KEEP_OPEN)
            accept = "text/plain; version=0.0.4"
            self._session = open_session(self._timeout, connector, accept=accept)
        return self._session


async def _receive(answer: aiohttp.ClientResponse, wanted: WantedLines) -> None:
    size = 0
    async for piece in answer.content.iter_any():
        size += len(piece)
        if size > LARGEST:
            raise ValueError(f"more than {LARGEST} bytes")
        wanted.add(piece)
