"""The operator's own metrics: what was decided, how much work it was, whether it can still see."""

import contextlib
import functools
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from davylamp.api.names import Reason
from davylamp.api.status import ModelDeploymentStatus
from davylamp.checks import CheckResult
from davylamp.controller.cluster.cache import Key
from davylamp.rollout import Notice


class Metrics:
    """Counters and gauges with fixed names; labels are bounded by the number of resources."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        counter = functools.partial(Counter, registry=registry)
        gauge = functools.partial(Gauge, registry=registry)
        histogram = functools.partial(Histogram, registry=registry)
        prefix, whose = "davylamp_", ("namespace", "name")

        # the process
        said = "Requests to the API server."
        self.requests = counter(f"{prefix}api_requests_total", said, ("verb", "kind", "code"))
        said = "Queries to Prometheus."
        self.queries = counter(f"{prefix}prometheus_queries_total", said, ("result",))
        said = "How long Prometheus took to answer."
        self.query_seconds = histogram(f"{prefix}prometheus_query_duration_seconds", said)
        said = "Whether Prometheus can be asked what pods counted."
        self.source_up = gauge(f"{prefix}source_up", said)
        self.passes = counter(f"{prefix}reconcile_total", "Reconcile passes.", ("result",))
        said = "How long a pass took."
        self.pass_seconds = histogram(f"{prefix}reconcile_duration_seconds", said)
        self.leading = gauge(f"{prefix}leader", "Whether this process holds the lease.")

        # each rollout
        said = "What happened to rollouts."
        self._notices = counter(f"{prefix}events_total", said, (*whose, "reason"))
        self._rollbacks = counter(f"{prefix}rollbacks_total", "Revisions taken back.", whose)
        said = "Share of the candidate in percent."
        self._weight = gauge(f"{prefix}canary_weight", said, whose)
        said = "When the rollout under way began."
        self._started = gauge(f"{prefix}rollout_started_timestamp_seconds", said, whose)
        said = "Changes of verdict, by gate."
        told = (*whose, "gate", "verdict", "reason")
        self._verdicts = counter(f"{prefix}gate_verdicts_total", said, told)
        said = "Gates that have no data at the moment, by reason."
        self._blind = gauge(f"{prefix}gate_without_data", said, (*whose, "gate", "reason"))
        said = "Distance between recent explanations and those of training, at the last run."
        self._distance = gauge(f"{prefix}explanation_distance", said, whose)
        said = "Whether the last run found that explanations drifted."
        self._drifted = gauge(f"{prefix}explanation_drifted", said, whose)
        said = "Whether the last run of the nightly job failed."
        self._nightly_failed = gauge(f"{prefix}nightly_failed", said, whose)
        said = "Results of checks before traffic and after rollbacks, as they change."
        self._checks = counter(
            f"{prefix}check_results_total", said, (*whose, "check", "verdict", "reason")
        )
        said = "Whether what serves after a rollback gives its golden predictions."
        self._verified = gauge(f"{prefix}rollback_verified", said, whose)
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
        if result == "ok":
            self.source_up.set(1)

    def on_source_down(self) -> None:
        """Show that Prometheus does not tell what pods counted."""
        self.source_up.set(0)

    def on_check(self, key: Key, result: CheckResult) -> None:
        """Count what a check found."""
        self._checks.labels(*key, result.name, result.verdict, result.reason).inc()

    def tell(self, key: Key, notice: Notice) -> None:
        """Count what happened."""
        self._notices.labels(*key, notice.reason.value).inc()
        if notice.reason in {Reason.ROLLED_BACK, Reason.ABORTED}:
            self._rollbacks.labels(*key).inc()

    def show(self, key: Key, before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> None:
        """Show where a rollout stands."""
        if after.candidate:
            self._weight.labels(*key).set(after.candidate.actual_weight)
            self._started.labels(*key).set(after.candidate.started_at.timestamp())
        else:
            self.forget(key)
        self._show_blindness(key, after)
        self._show_verification(key, after)
        self._show_explanations(key, after)
        self._count_verdicts(key, before, after)

    def forget(self, key: Key) -> None:
        """Drop what shows a rollout under way."""
        self._forget_gauges(key, self._weight, self._started)

    def forget_object(self, key: Key) -> None:
        """Drop every series of an object that is gone."""
        self.forget(key)
        self._forget_gauges(key, self._verified)
        self._forget_explanations(key)
        self._forget_blindness(key)
        labels = {"namespace": key.namespace, "name": key.name}
        for counter in (self._notices, self._rollbacks, self._verdicts, self._checks):
            counter.remove_by_labels(labels)

    def forget_all(self) -> None:
        """Drop everything about rollouts: another process leads now."""
        self._weight.clear()
        self._started.clear()
        for gauge in (
            self._blind,
            self._distance,
            self._drifted,
            self._nightly_failed,
            self._verified,
        ):
            gauge.clear()
        self.source_up.set(1)

    def _show_blindness(self, key: Key, after: ModelDeploymentStatus) -> None:
        """Show which gates cannot see, and why."""
        self._forget_blindness(key)
        gates = after.candidate.gates if after.candidate else after.probation_gates
        for gate in gates:
            if gate.verdict == "Unknown":
                self._blind.labels(*key, gate.name, gate.reason).set(1)

    def _forget_blindness(self, key: Key) -> None:
        self._blind.remove_by_labels({"namespace": key.namespace, "name": key.name})

    def _show_verification(self, key: Key, after: ModelDeploymentStatus) -> None:
        """Show what was found after the last rollback, once something was."""
        found = after.verification
        if found is None or found.verdict == "Unknown":
            self._forget_gauges(key, self._verified)
        else:
            self._verified.labels(*key).set(found.verdict == "Pass")

    def _show_explanations(self, key: Key, after: ModelDeploymentStatus) -> None:
        """Show the last run about what serves; one about an earlier revision says nothing of it."""
        run, stable = after.explanations, after.stable
        self._forget_explanations(key)
        if run is None or stable is None or run.revision != stable.revision:
            return
        self._drifted.labels(*key).set(run.verdict == "Drifted")
        self._nightly_failed.labels(*key).set(run.verdict == "Failed")
        if run.distance:
            self._distance.labels(*key).set(float(run.distance))

    def _forget_explanations(self, key: Key) -> None:
        self._forget_gauges(key, self._distance, self._drifted, self._nightly_failed)

    def _forget_gauges(self, key: Key, *gauges: Gauge) -> None:
        for gauge in gauges:
            with contextlib.suppress(KeyError):
                gauge.remove(*key)

    def _count_verdicts(
        self, key: Key, before: ModelDeploymentStatus, after: ModelDeploymentStatus
    ) -> None:
        gates = after.candidate.gates if after.candidate else after.probation_gates
        known = before.candidate.gates if before.candidate else before.probation_gates
        told = {gate.name: (gate.verdict, gate.reason) for gate in known}
        for gate in gates:
            if told.get(gate.name) != (gate.verdict, gate.reason):
                self._verdicts.labels(*key, gate.name, gate.verdict, gate.reason).inc()
