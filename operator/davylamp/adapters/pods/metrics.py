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

Pods may run anybody's code: see `exchange` for how they are asked, and `samples` for what is read.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from davylamp.adapters.pod_names import PodRef
from davylamp.adapters.pods.exchange import OK, ExchangeError, Exchanges, PodRequest
from davylamp.adapters.pods.exposition import WantedLines
from davylamp.adapters.pods.samples import FEW_LINES, AskedPod, samples_in, selections
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.adapters.reading.limits import ReadingRefusedError, UnreadableError
from davylamp.adapters.reading.reader import Reader
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
ACCEPT: Final = "text/plain; version=0.0.4"


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


class PodMetrics:
    """Reads pods.

    Args:
        names: how series are called, the same as in Prometheus.
        timeout: seconds for a sweep, at most the shortest interval between sweeps.
        clock: epoch seconds.
        reader: reads what pods answer; one of its own if there is none.

    Raises:
        ValueError: a selector that cannot be put to a pod.
    """

    def __init__(
        self,
        names: SeriesNames,
        *,
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.time,
        reader: Reader | None = None,
    ) -> None:
        self._names = names
        self._named = tuple(names.items())
        self._timeout = timeout
        self._clock = clock
        self._reader = reader or Reader()
        self._exchanges = Exchanges(self._reader.receiving)
        self._connections = asyncio.Semaphore(MOST_CONNECTIONS)
        selections(None, tuple(channel.name for channel in CHANNELS), self._named)

    async def sweep(
        self, pods: Sequence[PodTarget], channels: Collection[Channel] = CHANNELS
    ) -> Sweep:
        """Read all pods at once; never raises for what a pod does or does not do.

        Takes as long as the slowest pod, so a rollout that must not wait for another's pods needs
        a sweep of its own; sweeps of different pods may overlap.
        """
        at = self._clock()
        metrics = {m.encode() for channel in channels for m in self._names.metrics(channel)}
        wanted = tuple(sorted(metrics))
        ends = asyncio.get_running_loop().time() + self._timeout
        answers = await asyncio.gather(*(self._lines(pod, wanted, ends) for pod in pods))
        samples: dict[Channel, dict[PodRef, tuple[Sample, ...]]] = {c: {} for c in channels}
        by_name = {channel.name: channel for channel in channels}
        failed: dict[PodRef, str] = {}
        # Read only now: whoever is still being waited for must not be late because we were busy.
        for pod, lines in zip(pods, answers, strict=True):
            asked = AskedPod(pod.namespace, pod.name, at, tuple(by_name), self._named)
            scrape = lines if isinstance(lines, Silent) else await self._scrape(lines, asked)
            if isinstance(scrape, Silent):
                failed[pod.key] = scrape.problem
            else:
                for name, sample in scrape.items():
                    samples[by_name[name]][pod.key] = sample
            await asyncio.sleep(0)  # others need the event loop between two texts
        return Sweep(at, samples, failed)

    async def _lines(
        self, pod: PodTarget, metrics: tuple[bytes, ...], ends: float
    ) -> bytes | Silent:
        """The lines of a pod's text that are asked about."""
        wanted = WantedLines(metrics)
        size = 0

        def take(piece: bytes) -> None:
            nonlocal size
            size += len(piece)
            if size > LARGEST:
                raise UnreadableError(f"more than {LARGEST} bytes")
            wanted.add(piece)

        request = PodRequest(pod.host, pod.port, pod.path, owner=pod.namespace, accept=ACCEPT)
        try:
            async with asyncio.timeout_at(ends), self._connections:
                status = await self._exchanges.ask(request, take)
            return b"\n".join(wanted.end()) if status == OK else Silent(f"answered {status}")
        except TimeoutError:
            return Silent(f"no answer within {self._timeout:g} s")
        except OSError as error:
            return Silent(f"cannot be asked: {type(error).__name__}")
        except (UnreadableError, ExchangeError, ReadingRefusedError) as error:
            return Silent(f"cannot be read: {error}")

    async def _scrape(
        self, lines: bytes, asked: AskedPod
    ) -> Mapping[str, tuple[Sample, ...]] | Silent:
        """A pod's sample by the name of its channel; a channel without a usable one is not in it."""
        try:
            usable = await self._reader.read(
                samples_in, lines, asked, owner=asked.namespace, light=FEW_LINES
            )
        except (UnreadableError, ExchangeError, ReadingRefusedError) as error:
            return Silent(f"cannot be read: {error}")
        return usable or Silent("has no usable sample of any metric that is asked for")
