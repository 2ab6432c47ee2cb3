"""The operator's own loops side by side on a fake cluster, by the event loop's virtual clock.

`operation.py` makes one pass after the other; here the work queue, the evidence tracker, the inspector
and the reader of warnings run as in a process, and whatever hangs really is waited for.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from prometheus_client import CollectorRegistry
from tests.support.fakecluster import FakeCluster, Port, is_watched
from tests.support.fakemodels import FakeModels
from tests.support.fakeprometheus import SCRAPE_INTERVAL, FakePrometheus
from tests.support.kubelets import Kubelets, endpoints

from davylamp.adapters.errors import Retryable
from davylamp.adapters.kubernetes.ports import Cluster
from davylamp.adapters.pods.model_server import PodAddress
from davylamp.api import names
from davylamp.checks import Heard
from davylamp.controller.app import WORKERS, WRITE_TIMEOUT
from davylamp.controller.checks.inspector import Inspector
from davylamp.controller.cluster.cache import Key, ObjectCache
from davylamp.controller.evidence.tracker import EvidenceTracker
from davylamp.controller.metrics import Metrics
from davylamp.controller.pods.warnings import PodWarnings
from davylamp.controller.settings import Settings
from davylamp.controller.wiring import Wiring
from davylamp.controller.workqueue import WorkQueue

Json = dict[str, Any]
START = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
VICTIM = Key("models", "risk")
HOSTILE = "hostile"
ROUND_TRIP = 0.005
"""Seconds that a request to the API server takes."""
DELIVERY = 0.05
"""Seconds between two deliveries of the watches."""


class SlowPort:
    """The way to the cluster; in the hostile namespace a webhook may hang until the request times out."""

    def __init__(self, port: Port, is_hanging: Callable[[], bool]) -> None:
        self._port = port
        self._is_hanging = is_hanging

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        do = getattr(self._port, verb)

        async def asked(*arguments: Any, **options: Any) -> Any:
            await asyncio.sleep(ROUND_TRIP)
            if self._is_hanging() and HOSTILE in _namespaces(arguments):
                await asyncio.sleep(WRITE_TIMEOUT)
                raise Retryable(f"{verb}: no answer within {WRITE_TIMEOUT:g} s")
            return await do(*arguments, **options)

        return asked


class SlowModels(FakeModels):
    """Model servers; those of the hostile namespace take the connection and never answer."""

    async def get(self, pod: PodAddress, path: str) -> Heard:
        if pod.name.startswith(HOSTILE):
            await asyncio.Event().wait()
        return await super().get(pod, path)


@dataclass
class Crowd:
    """A cluster, and one operator at work in it."""

    is_hanging: bool = False
    """Whether a webhook of the hostile namespace does not answer."""
    cluster: FakeCluster = field(init=False)
    passes: dict[Key, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cluster = FakeCluster(self.time)
        self.kubelets = Kubelets(self.cluster, self.time)
        self.prometheus = FakePrometheus(self.cluster, self.seconds)
        models = SlowModels(self.cluster)
        port = cast("Cluster", SlowPort(Port(self.cluster), lambda: self.is_hanging))
        settings = Settings(identity="davylamp-0")
        cache, metrics = ObjectCache(), Metrics(CollectorRegistry())
        self.queue: WorkQueue[Key] = WorkQueue(
            self._pass, workers=WORKERS, owner=lambda key: key.namespace
        )
        self.tracker = EvidenceTracker(
            self.prometheus,
            settings.metrics,
            on_news=self.queue.add,
            clock=self.seconds,
            monotonic=self.seconds,
        )
        self.inspector = Inspector(models, on_news=self.queue.add, clock=self.seconds)
        self.warnings = PodWarnings(port, on_news=self.queue.add, clock=self.seconds)
        self.cache = cache
        self.reconcile = Wiring(
            cluster=port,
            cache=cache,
            tracker=self.tracker,
            inspector=self.inspector,
            warnings=self.warnings,
            metrics=metrics,
            settings=settings,
            clock=self.time,
            ticks=self.seconds,
        ).reconciler()
        self._watch = self.cluster.watch()

    def time(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    def seconds(self) -> float:
        return self.time().timestamp()

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """The operator runs, and so does everything around it."""
        loops = (
            self.queue.run(),
            self.tracker.run(),
            self.inspector.run(),
            self.warnings.run(),
            self._deliver(),
            self._live(),
        )
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            yield
            ended = [task for task in tasks if task.done()]
            assert not ended, ended
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def apply(self, key: Key, tag: str, **spec: Any) -> None:
        """Apply a ModelDeployment."""
        known = next(iter(self.cluster.find(names.KIND, key.name, key.namespace)), None)
        manifest: Json = known or {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "metadata": {"namespace": key.namespace, "name": key.name},
            "spec": {"featureSnapshot": {"id": "2026-11-01"}, "seed": 42},
        }
        image = {"repository": "registry.example/model", "tag": tag}
        self.cluster.put({**manifest, "spec": {**manifest["spec"], **spec, "image": image}})

    def serving(self, key: Key) -> set[str]:
        """Tags that get traffic."""
        pods = endpoints(self.cluster, key.name, key.namespace)
        return {pod["metadata"]["labels"]["app.kubernetes.io/version"] for pod in pods}

    async def until(self, holds: Callable[[], bool], within: float = 300.0) -> float:
        """Wait until something holds; how many seconds that took."""
        began = self.seconds()
        while self.seconds() - began < within:
            if holds():
                return self.seconds() - began
            await asyncio.sleep(DELIVERY)
        raise AssertionError(f"not within {within} s")

    async def _pass(self, key: Key) -> float | None:
        self.passes[key] = self.passes.get(key, 0) + 1
        return await self.reconcile(key)

    async def _deliver(self) -> None:
        """The watches bring what has changed."""
        while True:
            for change, item in self._watch.taken():
                if is_watched(item):
                    gone = change == "DELETED"
                    key = self.cache.remove(item) if gone else self.cache.put(item)
                    if key is not None:
                        self.queue.add(key)
            await asyncio.sleep(DELIVERY)

    async def _live(self) -> None:
        """Kubelets, traffic and scrapes, second by second."""
        second = 0
        while True:
            second += 1
            self.kubelets.run()
            self.prometheus.flow(1)
            if not second % SCRAPE_INTERVAL:
                self.prometheus.scrape()
            await asyncio.sleep(1)


def _namespaces(arguments: tuple[Any, ...]) -> set[str]:
    """The namespaces that the arguments of a request name."""
    manifests = (a["metadata"]["namespace"] for a in arguments if isinstance(a, dict))
    return {*manifests, *(a for a in arguments if isinstance(a, str))}
