"""Wires the operator together and runs it until it is told to stop."""

import asyncio
import contextlib
import logging
import signal
import sys

import kopf
from kopf._core.engines.peering import Identity
from kubernetes.aio.client import ApiClient
from prometheus_client import CollectorRegistry, Gauge, PlatformCollector, ProcessCollector

from davylamp.adapters.errors import Terminal
from davylamp.adapters.kubernetes.cluster import KubernetesCluster
from davylamp.adapters.kubernetes.connection import connect
from davylamp.adapters.pods.metrics import PodMetrics
from davylamp.adapters.pods.model_server import HttpModelServer
from davylamp.adapters.prometheus.source import PrometheusSource
from davylamp.controller import endpoints, handlers
from davylamp.controller.checks.inspector import Inspector
from davylamp.controller.cluster.cache import Key, ObjectCache
from davylamp.controller.evidence.tracker import EvidenceTracker
from davylamp.controller.leadership.elector import Elector
from davylamp.controller.leadership.lease import LeaseSettings
from davylamp.controller.logs import configure
from davylamp.controller.metrics import Metrics
from davylamp.controller.reconcile.flight_records import operator_version
from davylamp.controller.reconcile.reconciler import Reconciler
from davylamp.controller.settings import MetricSettings, Settings
from davylamp.controller.workqueue import Outcome, WorkQueue

WRITE_TIMEOUT = 5.0
REFUSED_AGAIN = 300.0
"""Seconds after which what was refused is tried again: a name may be free, a policy changed."""
_log = logging.getLogger(__name__)


class Operator:
    """One operator process: watches always, acts only while it holds the lease."""

    def __init__(self, settings: Settings, client: ApiClient) -> None:
        self._settings = settings
        self.metrics = Metrics(_registry())
        self._cache = ObjectCache()
        cluster = KubernetesCluster(
            client,
            write_guard=self._fence,
            on_request=self.metrics.on_request,
            timeout=min(WRITE_TIMEOUT, settings.lease_duration / 3),
        )
        self.queue: WorkQueue[Key] = WorkQueue(
            self._process, workers=settings.workers, on_pass=self._passed
        )
        self.source = PrometheusSource(
            settings.metrics,
            on_query=self.metrics.on_query,
            on_down=self.metrics.on_source_down,
        )
        self.pods = _pod_metrics(settings.metrics)
        self.sampler = EvidenceTracker(
            self.source, settings.metrics, on_news=self.queue.add, pods=self.pods
        )
        self.models = HttpModelServer()
        self.inspector = Inspector(
            self.models, on_news=self.queue.add, on_result=self.metrics.on_check
        )
        self._reconcile = Reconciler(
            cluster=cluster,
            cache=self._cache,
            sampler=self.sampler,
            inspector=self.inspector,
            metrics=self.metrics,
            settings=settings,
        )
        self.elector = Elector(
            cluster,
            LeaseSettings(
                name=settings.lease_name,
                namespace=settings.lease_namespace,
                identity=settings.identity,
                duration=settings.lease_duration,
            ),
            on_started=self._started,
            on_stopped=self._stopped,
        )
        self.metrics.watch_queue(lambda: self.queue.depth, self.queue.oldest_age)
        self.ready = asyncio.Event()
        self.stop = asyncio.Event()

    async def run(self) -> None:
        """Run until `stop` is set, then finish what is under way and release the lease."""
        settings = self._settings
        probes = endpoints.probes(oldest=self.queue.oldest_age, ready=self.ready.is_set)
        async with (
            endpoints.serving(probes, settings.probes_port),
            endpoints.serving(endpoints.metrics(self.metrics.registry), settings.metrics_port),
            asyncio.TaskGroup() as tasks,
        ):
            watching = tasks.create_task(self._watch())
            working = tasks.create_task(self.queue.run())
            judging = tasks.create_task(self.sampler.run())
            checking = tasks.create_task(self.inspector.run())
            leading = tasks.create_task(self._lead())
            await self.stop.wait()
            await self.queue.stop()
            self.elector.stop()
            if self.ready.is_set():
                await leading
            for task in (leading, judging, checking, working, watching):
                task.cancel()

    async def aclose(self) -> None:
        """Close the connections to pods and to Prometheus."""
        self.source.close()
        await self.models.aclose()
        if self.pods:
            await self.pods.aclose()

    def heed_signals(self) -> None:
        """Stop in order on SIGTERM and SIGINT: work first, then the lease, then the watches."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop.set)

    async def _watch(self) -> None:
        await kopf.operator(
            registry=handlers.registry(self._cache, self.queue.add),
            settings=handlers.watch_settings(),
            clusterwide=not self._settings.namespaces,
            namespaces=self._settings.namespaces,
            standalone=True,
            # kopf would ask for the name of a user that containers do not have
            identity=Identity(self._settings.identity),
            ready_flag=self.ready,
            stop_flag=self.stop,
        )
        self.stop.set()  # a signal reached kopf first, or the watches cannot go on

    async def _lead(self) -> None:
        """Compete for the lease once the watches are up, so that a leader knows the cluster."""
        await self.ready.wait()
        self.heed_signals()  # kopf has set its own handlers meanwhile
        if self._settings.leader_election:
            await self.elector.run()
        else:
            self._started()

    async def _process(self, key: Key) -> float | None:
        """A pass over one object; nobody asks Prometheus about it where somebody else leads."""
        try:
            again = await self._reconcile(key) if self._leads() else None
        except Terminal:
            self.queue.add_after(key, REFUSED_AGAIN)
            raise
        finally:
            if not self._leads():
                self._reconcile.stand_by(key)
        return again

    def _leads(self) -> bool:
        return not self._settings.leader_election or self.elector.is_leader()

    def _fence(self) -> None:
        if self._settings.leader_election:
            self.elector.ensure()

    def _started(self) -> None:
        _log.info("leading as %s", self.elector.holder)
        self.metrics.leading.set(1)
        for key in self._cache.parents():
            self.queue.add(key)

    def _stopped(self) -> None:
        _log.info("no longer leading")
        self.metrics.leading.set(0)
        self.metrics.forget_all()
        for key in self._cache.parents():
            self.sampler.follow(key, None)
            self.inspector.follow(key, None)

    def _passed(self, _key: Key, outcome: Outcome, seconds: float) -> None:
        self.metrics.passes.labels(outcome.value).inc()
        self.metrics.pass_seconds.observe(seconds)


def run(settings: Settings) -> int:
    """Run an operator in this process; answers with its exit code."""
    configure(settings.log_level)

    async def main() -> None:
        async with connect() as client:
            operator = Operator(settings, client)
            async with contextlib.aclosing(operator):
                operator.heed_signals()
                await operator.run()

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(main())
    return 0


def _pod_metrics(settings: MetricSettings) -> PodMetrics | None:
    """What reads pods; None where that is not allowed, or a selector is one for Prometheus alone."""
    if not settings.pod_metrics:
        return None
    try:
        return PodMetrics(settings.series)
    except ValueError as wrong:
        _log.warning("pods are not read directly, Prometheus instead: %s", wrong)
        return None


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    Gauge("davylamp_build_info", "Version.", ["version", "python"], registry=registry).labels(
        operator_version(), sys.version.split()[0]
    ).set(1)
    return registry
