"""What the operator asks besides the API server: Prometheus, pods and registries, within limits."""

import logging
from collections.abc import Callable, Coroutine

from davylamp.adapters.kubernetes.ports import Cluster
from davylamp.adapters.pods.metrics import PodMetrics
from davylamp.adapters.pods.model_server import HttpModelServer
from davylamp.adapters.prometheus.connection.preflight import examine
from davylamp.adapters.prometheus.source import PrometheusSource
from davylamp.adapters.reading.reader import Reader
from davylamp.adapters.registries.client import HttpRegistries
from davylamp.controller.checks.inspector import Inspector
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.tracker import EvidenceTracker
from davylamp.controller.images.resolver import ImageResolver
from davylamp.controller.metrics import Metrics
from davylamp.controller.pods.warnings import PodWarnings
from davylamp.controller.preflight.preflights import Preflights
from davylamp.controller.preflight.source_metrics import SourceMetrics
from davylamp.controller.settings import MetricSettings, Settings

_log = logging.getLogger(__name__)


class Outside:
    """Asks strangers, in loops of its own, and keeps what they answered for the next pass.

    Args:
        settings: addresses, credentials and limits.
        cluster: has warnings of kubelets, and Secrets to pull images with.
        metrics: count what is asked.
        on_news: called with each model about which something new was learnt.
    """

    def __init__(
        self,
        settings: Settings,
        cluster: Cluster,
        metrics: Metrics,
        *,
        on_news: Callable[[Key], None],
    ) -> None:
        prometheus = settings.metrics.prometheus
        self._metrics = metrics
        self._reader = Reader(on_reading=metrics.on_reading)
        self.preflights = Preflights(
            lambda: examine(prometheus), on_found=SourceMetrics(metrics.registry).show
        )
        self.source = PrometheusSource(
            prometheus,
            reader=self._reader,
            on_query=self._count_query,
            on_down=metrics.on_source_down,
            user_queries=settings.metrics.user_back_end,
        )
        self.pods = _pod_metrics(settings.metrics, self._reader)
        self.tracker = EvidenceTracker(
            self.source,
            settings.metrics,
            on_news=on_news,
            pods=self.pods,
            limits=settings.limits,
        )
        self.inspector = Inspector(
            HttpModelServer(self._reader),
            on_news=on_news,
            on_result=metrics.on_check,
            reader=self._reader,
        )
        self._registries = HttpRegistries(settings.images.registries)
        self.images = ImageResolver(self._registries, cluster, on_news=on_news)
        self.warnings = PodWarnings(cluster, on_news=on_news)

    def loops(self) -> tuple[Coroutine[object, object, None], ...]:
        """What has to run all the time."""
        return (
            self.preflights.run(),
            self.tracker.run(),
            self.inspector.run(),
            self.images.run(),
            self.warnings.run(),
        )

    async def aclose(self) -> None:
        """Close all connections, and end what reads answers."""
        self.source.close()
        await self._reader.aclose()
        await self._registries.aclose()

    def _count_query(self, result: str, seconds: float) -> None:
        self._metrics.on_query(result, seconds)
        self.preflights.on_query(result)


def _pod_metrics(settings: MetricSettings, reader: Reader) -> PodMetrics | None:
    """What scrapes pods; None where that is off, or where only Prometheus understands a selector."""
    if not settings.pod_metrics:
        return None
    try:
        return PodMetrics(settings.series, reader=reader)
    except ValueError as error:
        _log.warning("no direct scrapes of pods, only Prometheus: %s", error)
        return None
