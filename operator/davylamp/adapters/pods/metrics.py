"""Reads the counters of pods from the pods themselves, all in one sweep: the fast lane.

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

Pods may be anybody's code, and are met with the care of `modelserver`.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp
import yarl

from davylamp.adapters.errors import SourceError
from davylamp.adapters.pods.exposition import Selector, Series, WantedLines, read_lines
from davylamp.adapters.pods.session import open_session
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.scrapes import PodKey, read_scrapes
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.checks import Silent
from davylamp.gates.channels import Channel
from davylamp.gates.kinds.registry import CHANNELS
from davylamp.gates.samples import Sample

TIMEOUT: Final = 1.0
"""Seconds from the beginning of a sweep after which no answer is waited for."""
LARGEST: Final = 4 * 1024 * 1024
"""Bytes of an answer that are read."""
AT_ONCE: Final = 128
"""Connections in use; so many pods can hang without keeping others from their turn."""
KEEP_OPEN: Final = 15.0
"""Seconds for which a connection waits for the next sweep."""
"""What pods can be asked about."""
OK: Final = 200


@dataclass(frozen=True, slots=True)
class PodTarget:
    """Where a pod tells its metrics. `uid` tells pods of one name apart.

    `host` is the pod's own address, never one that a resource or an answer names.
    """

    namespace: str
    name: str
    uid: str
    host: str
    port: int
    path: str = "/metrics"

    @property
    def key(self) -> PodKey:
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
    samples: Mapping[Channel, Mapping[PodKey, tuple[Sample, ...]]]
    failed: Mapping[PodKey, str]


@dataclass(frozen=True, slots=True)
class _Question:
    """A query about all pods of a sweep, and which series it means."""

    query: CounterQuery
    selector: Selector


class PodMetrics:
    """Reads pods; its connections stay open between sweeps, until it is closed.

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
        self._questions((), CHANNELS, 0.0)

    async def aclose(self) -> None:
        """Close what is open."""
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
        questions = self._questions(pods, channels, at)
        metrics = tuple(m.encode() for each in questions for m in self._names.metrics(each))
        answers = await asyncio.gather(*(self._lines(pod, metrics) for pod in pods))
        samples: dict[Channel, dict[PodKey, tuple[Sample, ...]]] = {c: {} for c in questions}
        failed: dict[PodKey, str] = {}
        # Read only now: whoever is still being waited for must not be late because we were busy.
        for pod, lines in zip(pods, answers, strict=True):
            found = lines if isinstance(lines, Silent) else self._samples(pod, lines, questions)
            if isinstance(found, Silent):
                failed[pod.key] = found.problem
            else:
                for channel, sample in found.items():
                    samples[channel][pod.key] = sample
            await asyncio.sleep(0)  # others need the event loop between two texts
        return Sweep(at, samples, failed)

    def _questions(
        self, pods: Iterable[PodTarget], channels: Iterable[Channel], at: float
    ) -> dict[Channel, _Question]:
        workloads = frozenset((pod.namespace, pod.name.rsplit("-", 2)[0]) for pod in pods)
        queries = (
            CounterQuery(workloads=workloads, at=at, window=1.0, channel=each, series=self._names)
            for each in channels
        )
        return {each.channel: _Question(each, Selector.of(each.text)) for each in queries}

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

    def _samples(
        self, pod: PodTarget, lines: Iterable[bytes], questions: Mapping[Channel, _Question]
    ) -> dict[Channel, tuple[Sample, ...]] | Silent:
        """A pod's sample by channel; a channel without a usable one is not in it."""
        target = {self._names.namespace_label: pod.namespace, self._names.pod_label: pod.name}
        try:
            series = read_lines(lines, target)
            found = {channel: _sample(pod, series, each) for channel, each in questions.items()}
        except ValueError as error:
            return Silent(f"cannot be read: {error}")
        except SourceError:
            return Silent("cannot be read: its series are none that can be counted")
        usable = {channel: sample for channel, sample in found.items() if sample}
        return usable or Silent("has no usable sample of any metric that is asked for")

    def _opened(self) -> aiohttp.ClientSession:
        """The session, made inside the running event loop."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=AT_ONCE, keepalive_timeout=KEEP_OPEN)
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


def _sample(pod: PodTarget, series: Iterable[Series], asked: _Question) -> tuple[Sample, ...]:
    matrix = [each.at(asked.query.at) for each in series if asked.selector.means(each)]
    return read_scrapes(asked.query, matrix).get(pod.key, ())
