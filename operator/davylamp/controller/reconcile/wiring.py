"""Puts the parts of a pass together: one Applier and one memory of refusals for all of them."""

from collections.abc import Callable
from datetime import UTC, datetime

from davylamp.adapters.kubernetes.cluster import Cluster
from davylamp.controller.checks.inspector import Inspector
from davylamp.controller.cluster.applier import Applier
from davylamp.controller.cluster.cache import ObjectCache
from davylamp.controller.cluster.refusals import Refusals
from davylamp.controller.evidence.subjects import Reading
from davylamp.controller.evidence.tracker import EvidenceTracker
from davylamp.controller.metrics import Metrics
from davylamp.controller.nightly.nightly import Nightly
from davylamp.controller.reconcile.executor import Executor
from davylamp.controller.reconcile.flight_records import (
    PATIENCE,
    FlightRecorder,
    operator_version,
)
from davylamp.controller.reconcile.following import Following
from davylamp.controller.reconcile.observer import Observer
from davylamp.controller.reconcile.plan import PlanSettings
from davylamp.controller.reconcile.reconciler import Reconciler
from davylamp.controller.settings import Settings


def reconciler(  # noqa: PLR0913  (its collaborators, each needed)
    *,
    cluster: Cluster,
    cache: ObjectCache,
    tracker: EvidenceTracker,
    inspector: Inspector,
    metrics: Metrics,
    settings: Settings,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    patience: float = PATIENCE,
) -> Reconciler:
    """A reconciler with all its parts.

    Args:
        cluster: is read and written.
        cache: has what is known of it.
        tracker: has the evidence.
        inspector: has the answers to checks.
        metrics: show what is going on.
        settings: of the operator.
        clock: the time.
        patience: seconds that a status waits for a flight record at most.
    """
    scrape_interval = settings.metrics.scrape_interval
    applier, refusals = Applier(cluster, cache), Refusals()
    nightly = Nightly(cluster, cache)
    following = Following(
        tracker=tracker,
        checker=inspector,
        metrics=metrics,
        reading=Reading(scrape_interval, settings.metrics.pod_metrics),
    )
    observer = Observer(
        cluster=cluster,
        cache=cache,
        applier=applier,
        inspections=inspector,
        samples=tracker,
        nightly=nightly,
        refusals=refusals,
        clock=clock,
    )
    executor = Executor(
        cluster=cluster,
        cache=cache,
        applier=applier,
        recorder=FlightRecorder(applier, patience=patience),
        following=following,
        refusals=refusals,
        on_notice=metrics.tell,
    )
    return Reconciler(
        cache=cache,
        observer=observer,
        executor=executor,
        following=following,
        memories=(observer, applier, nightly, refusals, following, cache),
        settings=PlanSettings(settings.identity, operator_version(), scrape_interval),
        clock=clock,
    )
