"""Prometheus metrics with fixed names: the operator's default query depends on them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector

ROUTES = ("predict", "explain")
CODES_FROM_THE_START = ("200", "500")
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(frozen=True, slots=True)
class Metrics:
    """``model_requests_total``, ``model_request_seconds`` and ``model_info`` of one process."""

    registry: CollectorRegistry
    model: str
    revision: str
    requests: Counter
    seconds: Histogram

    @classmethod
    def of(cls, *, model: str, revision: str) -> Self:
        """Fresh metrics; the series of success and failure exist from the start, at zero.

        A counter that appears with its first error has no increase to see.
        """
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        labels = ("model", "revision", "route")
        metrics = cls(
            registry=registry,
            model=model,
            revision=revision,
            requests=Counter(
                "model_requests",
                "Requests answered, by route and status code.",
                (*labels, "code"),
                registry=registry,
            ),
            seconds=Histogram(
                "model_request_seconds",
                "Time to answer a request.",
                labels,
                buckets=BUCKETS,
                registry=registry,
            ),
        )
        metrics._create(ROUTES)
        return metrics

    def describe(self, facts: dict[str, str]) -> None:
        """Sets ``model_info``."""
        identity = {"model": self.model, "revision": self.revision}
        Info("model", "What this process serves.", registry=self.registry).info(identity | facts)

    def observer(self) -> Callable[[str, int, float], None]:
        """A function ``(route, code, seconds)`` that counts one answer."""
        timers = {r: self.seconds.labels(self.model, self.revision, r) for r in ROUTES}
        counters: dict[tuple[str, int], Counter] = {}

        def counter(route: str, code: int) -> Counter:
            found = counters.get((route, code))
            if found is None:
                found = self.requests.labels(self.model, self.revision, route, str(code))
                counters[route, code] = found
            return found

        def observe(route: str, code: int, seconds: float) -> None:
            counter(route, code).inc()
            timers[route].observe(seconds)

        return observe

    def exposition(self) -> bytes:
        """The text that Prometheus scrapes."""
        return prometheus_client.generate_latest(self.registry)

    def _create(self, routes: Iterable[str]) -> None:
        for route in routes:
            for code in CODES_FROM_THE_START:
                self.requests.labels(self.model, self.revision, route, code)
