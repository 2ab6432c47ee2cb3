"""The operator's own metrics: what was decided, how much work it was, whether it can still see."""

import contextlib
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller.cache import Key
from davylamp.rollout import Notice


class Metrics:
    """Counters and gauges with fixed names; labels are bounded by the number of resources."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.requests = Counter(
            "davylamp_api_requests_total",
            "Requests to the API server.",
            ["verb", "kind", "code"],
            registry=registry,
        )
        self.queries = Counter(
            "davylamp_prometheus_queries_total",
            "Queries to Prometheus.",
            ["result"],
            registry=registry,
        )
        self.query_seconds = Histogram(
            "davylamp_prometheus_query_duration_seconds",
            "How long Prometheus took to answer.",
            registry=registry,
        )
        self.source_up = Gauge(
            "davylamp_source_up", "Whether Prometheus answered the last query.", registry=registry
        )
        self.passes = Counter(
            "davylamp_reconcile_total", "Reconcile passes.", ["result"], registry=registry
        )
        self.pass_seconds = Histogram(
            "davylamp_reconcile_duration_seconds", "How long a pass took.", registry=registry
        )
        self.leading = Gauge(
            "davylamp_leader", "Whether this process holds the lease.", registry=registry
        )
        self._notices = Counter(
            "davylamp_events_total",
            "What happened to rollouts.",
            ["namespace", "name", "reason"],
            registry=registry,
        )
        self._rollbacks = Counter(
            "davylamp_rollbacks_total",
            "Revisions taken back.",
            ["namespace", "name"],
            registry=registry,
        )
        self._weight = Gauge(
            "davylamp_canary_weight",
            "Share of the candidate in percent.",
            ["namespace", "name"],
            registry=registry,
        )
        self._started = Gauge(
            "davylamp_rollout_started_timestamp_seconds",
            "When the rollout under way began.",
            ["namespace", "name"],
            registry=registry,
        )
        self._verdicts = Counter(
            "davylamp_gate_verdicts_total",
            "Changes of verdict, by gate.",
            ["namespace", "name", "gate", "verdict", "reason"],
            registry=registry,
        )
        self.source_up.set(1)

    def watch_queue(self, depth: Callable[[], float], oldest: Callable[[], float]) -> None:
        """Show how much work waits, and for how long."""
        Gauge("davylamp_queue_depth", "Keys waiting.", registry=self.registry).set_function(depth)
        Gauge(
            "davylamp_queue_oldest_seconds", "Age of the oldest key.", registry=self.registry
        ).set_function(oldest)

    def on_request(self, verb: str, kind: str, code: int, _seconds: float) -> None:
        """Count a request to the API server."""
        self.requests.labels(verb, kind, str(code)).inc()

    def on_query(self, result: str, seconds: float) -> None:
        """Count a query to Prometheus; `result` is `ok` or the fault."""
        self.queries.labels(result).inc()
        self.query_seconds.observe(seconds)
        self.source_up.set(result == "ok")

    def tell(self, key: Key, notice: Notice) -> None:
        """Count what happened."""
        self._notices.labels(*key, notice.reason.value).inc()
        if notice.severity == "Warning":
            self._rollbacks.labels(*key).inc()

    def show(self, key: Key, before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> None:
        """Show where a rollout stands."""
        if after.candidate:
            self._weight.labels(*key).set(after.candidate.actual_weight)
            self._started.labels(*key).set(after.candidate.started_at.timestamp())
        else:
            self.forget(key)
        self._count_verdicts(key, before, after)

    def forget(self, key: Key) -> None:
        """Drop what shows a rollout under way."""
        for gauge in (self._weight, self._started):
            with contextlib.suppress(KeyError):
                gauge.remove(*key)

    def forget_object(self, key: Key) -> None:
        """Drop every series of an object that is gone."""
        self.forget(key)
        labels = {"namespace": key.namespace, "name": key.name}
        for counter in (self._notices, self._rollbacks, self._verdicts):
            counter.remove_by_labels(labels)

    def forget_all(self) -> None:
        """Drop everything about rollouts: another process leads now."""
        self._weight.clear()
        self._started.clear()
        self.source_up.set(1)

    def _count_verdicts(
        self, key: Key, before: ModelDeploymentStatus, after: ModelDeploymentStatus
    ) -> None:
        gates = after.candidate.gates if after.candidate else after.probation_gates
        known = before.candidate.gates if before.candidate else before.probation_gates
        told = {gate.name: (gate.verdict, gate.reason) for gate in known}
        for gate in gates:
            if told.get(gate.name) != (gate.verdict, gate.reason):
                self._verdicts.labels(*key, gate.name, gate.verdict, gate.reason).inc()
