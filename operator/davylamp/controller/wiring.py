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
from davylamp.controller.images.resolver import ImageResolver
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
from davylamp.controller.reconcile.observing.images import ImageObserver
from davylamp.controller.reconcile.observing.observer import Observer
from davylamp.controller.reconcile.passes import Allowances
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
class _Parts:
    """What more than one part of a pass works with, or remembers something by: one of each."""

    applier: Applier
    adoption: Adoption
    consumer: Consumer
    creations: Creations
    following: Following
    nightly: Nightly
    obstacles: Obstacles
    pod_clock: PodClock
    refusals: Refusals


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
    images: ImageResolver | None = None
    """Who asks registries; None where nobody does."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ticks: Ticks = time.monotonic
    patience: float = PATIENCE
    """Seconds that a status waits for a flight record at most."""

    def reconciler(self) -> Reconciler:
        """A reconciler with all its parts."""
        parts = self._parts()
        observer = self._observer(parts)
        reconciler = Reconciler(
            cache=self.cache,
            observer=observer,
            executor=self._executor(parts),
            following=parts.following,
            claims=Claims(self.settings.release, self.clock),
            onlookers=(parts.pod_clock, self.warnings, *([self.images] if self.images else [])),
            memories=(
                observer,
                parts.applier,
                parts.creations,
                parts.nightly,
                parts.refusals,
                parts.obstacles,
                parts.consumer,
                parts.following,
                self.cache,
            ),
            attentive=(observer, parts.applier, parts.following, self.cache),
            settings=self._plan_settings(),
            clock=self.clock,
        )
        self.cache.on_rest = reconciler.rest
        return reconciler

    def _parts(self) -> _Parts:
        owners, creations = Owners(self.cluster, self.clock), Creations(self.clock)
        return _Parts(
            applier=Applier(self.cluster, self.cache, owners, creations),
            adoption=Adoption(self.cluster, owners, reads_secrets=self.settings.reads_secrets),
            consumer=Consumer(self.cluster, self.cache, clock=self.clock),
            creations=creations,
            following=self._following(),
            nightly=Nightly(self.cluster, self.cache),
            obstacles=Obstacles(),
            pod_clock=PodClock(self.ticks),
            refusals=Refusals(),
        )

    def _plan_settings(self) -> PlanSettings:
        return PlanSettings(
            reporter=self.settings.identity,
            operator=operator_version(),
            scrape_interval=self.settings.metrics.scrape_interval,
            children=self.settings.children,
            release=self.settings.release,
            allowed=self.settings.allowed,
        )

    def _following(self) -> Following:
        metrics = self.settings.metrics
        return Following(
            tracker=self.tracker,
            checker=self.inspector,
            metrics=self.metrics,
            reading=ReadSettings(
                metrics.scrape_interval, metrics.pod_metrics, self.settings.pod_networks
            ),
        )

    def _observer(self, parts: _Parts) -> Observer:
        return Observer(
            cluster=self.cluster,
            applier=parts.applier,
            warnings=self.warnings,
            adoption=parts.adoption,
            pod_clock=parts.pod_clock,
            inspections=self.inspector,
            samples=self.tracker,
            nightly=parts.nightly,
            refusals=parts.refusals,
            consumer=parts.consumer,
            allowed=Allowances(
                secrets=self.settings.reads_secrets,
                user_queries=self.settings.metrics.user_queries,
                rules=self.settings.images.rules,
            ),
            proven_names=self.settings.proven_names,
            images=ImageObserver(self.images, self.settings.images),
            clock=self.clock,
        )

    def _executor(self, parts: _Parts) -> Executor:
        announcer = Announcer(
            cluster=self.cluster,
            obstacles=parts.obstacles,
            reporter=self.settings.identity,
            on_notice=self.metrics.tell,
            on_obstacles=self.metrics.show_refused,
        )
        return Executor(
            cluster=self.cluster,
            cache=self.cache,
            applier=parts.applier,
            recorder=FlightRecorder(parts.applier, patience=self.patience),
            consumer=parts.consumer,
            following=parts.following,
            obstacles=parts.obstacles,
            refusals=parts.refusals,
            announcer=announcer,
            on_notice=self.metrics.tell,
            clock=self.clock,
        )
