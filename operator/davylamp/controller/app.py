"""Wires the operator together and runs it until it is stopped."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Coroutine
from typing import Any, Final, cast

import kopf
from kubernetes.aio.client import ApiClient
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from davylamp.adapters.kubernetes.cluster import KubernetesCluster
from davylamp.adapters.kubernetes.connection import connect
from davylamp.adapters.kubernetes.ports import Leases
from davylamp.adapters.kubernetes.watches import KubernetesWatches
from davylamp.api import names
from davylamp.controller import endpoints, handlers
from davylamp.controller.cluster.cache import CHILD_KINDS, Key, ObjectCache
from davylamp.controller.leadership.elector import Elector
from davylamp.controller.leadership.lease import LeaseSettings
from davylamp.controller.leadership.passes import LeaderPasses
from davylamp.controller.leadership.sole import SoleReplica
from davylamp.controller.logs import configure
from davylamp.controller.metrics import Metrics
from davylamp.controller.outside import Outside
from davylamp.controller.process import memory
from davylamp.controller.process.lag import LagMeter
from davylamp.controller.reconcile.reconciler import Reconciler
from davylamp.controller.settings import Settings
from davylamp.controller.watches.unread import UnreadObjects
from davylamp.controller.watches.watches import Watches
from davylamp.controller.wiring import Wiring, operator_version
from davylamp.controller.workqueue import PassOutcome, WorkQueue

WRITE_TIMEOUT: Final = 5.0
"""Seconds for one request; shorter where the lease is short, so that none outlives leadership."""
WORKERS: Final = 16
"""Passes over objects of one namespace at the same time, twice as many of all. They wait for the API
server, not for a CPU, and must wait for it side by side, or hundreds of new objects take as long as
all their requests in a row."""
_log = logging.getLogger(__name__)


class Operator:
    """One operator process: watches always, acts only while it holds the lease."""

    def __init__(self, settings: Settings, client: ApiClient) -> None:
        self._settings = settings
        self.metrics = Metrics(_registry(), shown=settings.limits.shown_models)
        self.metrics.show_build(operator_version(), sys.version.split()[0])
        self._cache = ObjectCache()
        cluster = self._cluster(client)
        self.queue: WorkQueue[Key] = WorkQueue(
            self._pass, workers=WORKERS, owner=_namespace, on_pass=self._count_pass
        )
        self.outside = Outside(settings, cluster, self.metrics, on_news=self.queue.add)
        self.unread = UnreadObjects(cluster, reporter=settings.identity)
        self.leadership = self._leadership(cluster)
        self.watches = self._watches(client)
        self.passes = self._leader_passes(self._reconciler(cluster))
        self._publish()
        self.ready = asyncio.Event()
        self.stop = asyncio.Event()

    def _publish(self) -> None:
        """Show in the metrics what changes without anybody telling them."""
        self.metrics.watch_queue(lambda: self.queue.depth, self.queue.oldest_age)
        self.metrics.watch_unread(self._cache.unread, (names.KIND, *CHILD_KINDS))
        self.metrics.watch_limits(self.outside.tracker.left_out)

    def _reconciler(self, cluster: KubernetesCluster) -> Reconciler:
        return Wiring(
            cluster=cluster,
            cache=self._cache,
            tracker=self.outside.tracker,
            inspector=self.outside.inspector,
            warnings=self.outside.warnings,
            metrics=self.metrics,
            settings=self._settings,
            images=self.outside.images,
        ).reconciler()

    def _cluster(self, client: ApiClient) -> KubernetesCluster:
        return KubernetesCluster(
            client,
            write_guard=self._fence,
            on_request=self.metrics.on_request,
            timeout=min(WRITE_TIMEOUT, self._settings.lease_duration / 3),
        )

    def _leader_passes(self, reconcile: Reconciler) -> LeaderPasses:
        return LeaderPasses(
            reconcile,
            is_leading=self.leadership.is_leader,
            knows=self.watches.knows,
            refused=self.watches.refused,
            wake_after=self.queue.add_after,
        )

    def _watches(self, client: ApiClient) -> Watches:
        return Watches(
            KubernetesWatches(
                client,
                on_request=self.metrics.on_request,
                on_passed_over=self.metrics.on_passed_over,
            ),
            self._cache,
            namespaces=self._settings.namespaces,
            on_change=self.queue.add,
            on_known=self._look_at_all,
            on_refused=self._look_at_all,
            on_unread=self.unread.note,
        )

    def _leadership(self, leases: Leases) -> Elector | SoleReplica:
        settings = self._settings
        if not settings.leader_election:
            return SoleReplica(settings.identity, on_started=self.take_over)
        lease = LeaseSettings(
            name=settings.lease_name,
            namespace=settings.lease_namespace,
            identity=settings.identity,
            duration=settings.lease_duration,
        )
        return Elector(leases, lease, on_started=self.take_over, on_stopped=self.stand_by)

    async def run(self) -> None:
        """Run until `stop` is set, then finish what is under way and release the lease."""
        settings = self._settings
        probes = endpoints.probes(
            stuck_for=self.queue.stuck_for,
            ready=self.ready.is_set,
            source=lambda: self.outside.preflights.text,
        )
        async with (
            endpoints.serving(probes, settings.probes_port),
            endpoints.serving(
                endpoints.metrics(
                    self.metrics.registry, settings.metrics_token_file, self.metrics.refresh
                ),
                settings.metrics_port,
            ),
            asyncio.TaskGroup() as tasks,
        ):
            watching = tasks.create_task(self._watch())
            working = tasks.create_task(self.queue.run())
            helping = [tasks.create_task(loop) for loop in self._helpers()]
            leading = tasks.create_task(self._lead())
            await self.stop.wait()
            await self.queue.stop()
            self.leadership.stop()
            if self.ready.is_set():
                await leading
            self.watches.end()
            for task in (leading, *helping, working, watching):
                task.cancel()

    def _helpers(self) -> tuple[Coroutine[object, object, None], ...]:
        """What runs all the time, besides watches and passes."""
        lag = LagMeter(self.metrics.on_lag)
        return (*self.outside.loops(), self.unread.run(), lag.run(), memory.keep_giving_back())

    async def aclose(self) -> None:
        """Close the connections to all but the API server."""
        await self.outside.aclose()

    def handle_signals(self) -> None:
        """Stop in order on SIGTERM and SIGINT: work first, then the lease, then the watches."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop.set)

    async def _watch(self) -> None:
        passed_over = self.metrics.on_passed_over
        async with handlers.registry(self._cache, self.queue.add, passed_over) as registry:
            await kopf.operator(
                registry=registry,
                settings=handlers.watch_settings(),
                clusterwide=not self._settings.namespaces,
                namespaces=self._settings.namespaces,
                standalone=True,
                # without one kopf asks for the name of the user, whom containers do not have; it is
                # a string, of a type that kopf does not export
                identity=cast("Any", self._settings.identity),
                ready_flag=self.ready,
                stop_flag=self.stop,
            )
        self.stop.set()  # a signal reached kopf first, or the watches cannot go on

    async def _lead(self) -> None:
        """Compete for the lease once the watches are up, so that a leader knows the cluster."""
        await self.ready.wait()
        self.handle_signals()  # kopf has set its own handlers meanwhile
        await self.leadership.run()

    def take_over(self) -> None:
        """Leadership was won: find out what there is, then look at every object."""
        _log.info("leading as %s", self.leadership.holder)
        self.metrics.leading.set(1)
        self.watches.begin()

    def stand_by(self) -> None:
        """Leadership was lost: another process acts now, and reads what it needs itself."""
        _log.info("lost leadership")
        self.metrics.leading.set(0)
        self.metrics.forget_all()
        self.passes.stand_by(self._cache.parents())
        self.watches.end()

    def _look_at_all(self, namespace: str | None) -> None:
        """All that there is in a namespace, or everywhere, is known now, or cannot be known."""
        for key in self._cache.parents():
            if namespace in {None, key.namespace}:
                self.queue.add(key)

    async def _pass(self, key: Key) -> float | None:
        return await self.passes(key)

    def _fence(self) -> None:
        self.leadership.ensure()

    def _count_pass(self, _key: Key, outcome: PassOutcome, seconds: float) -> None:
        self.metrics.on_pass(outcome.value, seconds)


def _namespace(key: Key) -> str:
    return key.namespace


def run(settings: Settings) -> int:
    """Run an operator in this process; returns its exit code."""
    configure(settings.log_level)
    memory.limit_heaps()

    async def main() -> None:
        async with connect() as client:
            operator = Operator(settings, client)
            memory.keep_modules()
            async with contextlib.aclosing(operator):
                operator.handle_signals()
                await operator.run()

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(main())
    return 0


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry
