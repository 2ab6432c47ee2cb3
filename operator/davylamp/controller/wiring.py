"""Puts the parts of a pass together: one Applier and one memory of refusals for all of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from davylamp.adapters.kubernetes.ports import Cluster
from davylamp.controller.checks.inspector import Inspector
from davylamp.controller.cluster.applier import Applier
from davylamp.controller.cluster.cache import ObjectCache
from davylamp.controller.cluster.owning.adoption import Adoption
from davylamp.controller.cluster.owning.creations import Creations
from davylamp.controller.cluster.owning.liveness import Owners
from davylamp.controller.commands.consumer import Consumer
from davylamp.controller.evidence.subjects import ReadSettings
from davylamp.controller.evidence.tracker import EvidenceTracker
from davylamp.controller.leadership.claims import Claims
from davylamp.controller.metrics import Metrics
from davylamp.controller.nightly.nightly import Nightly
from davylamp.controller.obstacles.announcer import Announcer
from davylamp.controller.obstacles.obstacles import Obstacles
from davylamp.controller.obstacles.refusals import Refusals
from davylamp.controller.pods.clock import PodClock, Ticks
from davylamp.controller.pods.warnings import PodWarnings
from davylamp.controller.reconcile.executor import Executor
from davylamp.controller.reconcile.flight_recorder import PATIENCE, FlightRecorder
from davylamp.controller.reconcile.following import Following
from davylamp.controller.reconcile.observing.observer import Observer
from davylamp.controller.reconcile.reconciler import Reconciler
from davylamp.controller.reconcile.writes import PlanSettings
from davylamp.controller.settings import Settings


def operator_version() -> str:
    """The version of this operator."""
    try:
        return version("davylamp")
    except PackageNotFoundError:
        return "unknown"


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What a reconciler works with, from which its parts are made."""

    cluster: Cluster
    cache: ObjectCache
    tracker: EvidenceTracker
    inspector: Inspector
    warnings: PodWarnings
    metrics: Metrics
    settings: Settings
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ticks: Ticks = time.monotonic
    patience: float = PATIENCE
    """Seconds that a status waits for a flight record at most."""

    def reconciler(self) -> Reconciler:
        """A reconciler with all its parts."""
        owners, obstacles, refusals = Owners(self.cluster, self.clock), Obstacles(), Refusals()
        creations, adoption = Creations(self.clock), Adoption(self.cluster, owners)
        applier = Applier(self.cluster, self.cache, owners, creations)
        nightly, pod_clock = Nightly(self.cluster, self.cache), PodClock(self.ticks)
        consumer = Consumer(self.cluster, self.cache, clock=self.clock)
        observer = self._observer(applier, adoption, pod_clock, nightly, refusals, consumer)
        following = self._following()
        executor = self._executor(applier, consumer, following, refusals, obstacles)
        return Reconciler(
            cache=self.cache,
            observer=observer,
            executor=executor,
            following=following,
            claims=Claims(self.settings.release, self.clock),
            onlookers=(pod_clock, self.warnings),
            memories=(
                observer,
                applier,
                creations,
                nightly,
                refusals,
                obstacles,
                consumer,
                following,
                self.cache,
            ),
            attentive=(observer, applier, following, self.cache),
            settings=self._plan_settings(),
            clock=self.clock,
        )

    def _plan_settings(self) -> PlanSettings:
        return PlanSettings(
            reporter=self.settings.identity,
            operator=operator_version(),
            scrape_interval=self.settings.metrics.scrape_interval,
            children=self.settings.children,
            release=self.settings.release,
        )

    def _observer(  # noqa: PLR0913, PLR0917  (everybody who knows something)
        self,
        applier: Applier,
        adoption: Adoption,
        pod_clock: PodClock,
        nightly: Nightly,
        refusals: Refusals,
        consumer: Consumer,
    ) -> Observer:
        return Observer(
            cluster=self.cluster,
            applier=applier,
            warnings=self.warnings,
            adoption=adoption,
            pod_clock=pod_clock,
            inspections=self.inspector,
            samples=self.tracker,
            nightly=nightly,
            refusals=refusals,
            consumer=consumer,
            clock=self.clock,
        )

    def _following(self) -> Following:
        metrics = self.settings.metrics
        return Following(
            tracker=self.tracker,
            checker=self.inspector,
            metrics=self.metrics,
            reading=ReadSettings(metrics.scrape_interval, metrics.pod_metrics),
        )

    def _executor(
        self,
        applier: Applier,
        consumer: Consumer,
        following: Following,
        refusals: Refusals,
        obstacles: Obstacles,
    ) -> Executor:
        announcer = Announcer(
            cluster=self.cluster,
            obstacles=obstacles,
            reporter=self.settings.identity,
            on_notice=self.metrics.tell,
            on_obstacles=self.metrics.show_refused,
        )
        return Executor(
            cluster=self.cluster,
            cache=self.cache,
            applier=applier,
            recorder=FlightRecorder(applier, patience=self.patience),
            consumer=consumer,
            following=following,
            obstacles=obstacles,
            refusals=refusals,
            announcer=announcer,
            on_notice=self.metrics.tell,
            clock=self.clock,
        )
