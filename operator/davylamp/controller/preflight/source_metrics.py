"""What was found out about Prometheus, in the operator's own metrics."""

import math

from prometheus_client import CollectorRegistry, Gauge

from davylamp.adapters.prometheus.connection.preflight import Preflight
from davylamp.controller import metric_names as names
from davylamp.controller.metric_names import MetricFamily


class SourceMetrics:
    """Gauges about what answers queries.

    Args:
        registry: where they are published.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(family: MetricFamily) -> Gauge:
            return Gauge(family.name, family.meaning, family.labels, registry=registry)

        self._info = gauge(names.SOURCE_INFO)
        self._problems = gauge(names.SOURCE_PROBLEMS)
        self._skew = gauge(names.SOURCE_SKEW)
        self._age = gauge(names.SOURCE_AGE)

    def show(self, found: Preflight) -> None:
        """Show a finding; what is not known is no number."""
        self._info.clear()
        if found.kind:
            self._info.labels(found.kind, found.version).set(1)
        self._problems.set(len(found.problems))
        self._skew.set(math.nan if found.skew is None else found.skew)
        self._age.set(math.nan if found.newest is None else found.newest)
