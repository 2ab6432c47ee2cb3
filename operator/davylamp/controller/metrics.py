"""The operator's own metrics: what was decided, how much work it was, whether it still has data.

Objects have series of their own, with the names that users gave them. So that nobody fills the memory
of this process or of Prometheus, a namespace has them for some objects only, and an object for some
names of gates; how many have none is shown.
"""

import contextlib
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from davylamp.api.names import Reason
from davylamp.api.status import ModelDeploymentStatus
from davylamp.checks import CheckResult
from davylamp.controller import metric_names as names
from davylamp.controller.cluster.cache import Key
from davylamp.controller.fairness.limits import DEFAULT_LIMITS
from davylamp.controller.fairness.places import Places
from davylamp.controller.metric_names import MetricFamily
from davylamp.rollout import Notice

MOST_GATE_NAMES: Final = 40
"""Names of gates of one object that are counted; who changes them more often is counted anew."""
LeftOut: TypeAlias = Mapping[tuple[str, str], int]
"""How much is left out, by namespace and limit."""


class Metrics:
    """Counters and gauges; the number of series is bounded by the number of namespaces.

    Args:
        registry: collects them.
        shown: objects of one namespace that have series of their own.
    """

    def __init__(
        self, registry: CollectorRegistry, *, shown: int = DEFAULT_LIMITS.shown_models
    ) -> None:
        self.registry = registry
        self._shown: Places[Key] = Places(shown)
        self._gate_names: dict[Key, set[str]] = {}
        self._limited: Callable[[], LeftOut] = dict
        self._left_out = self._gauge(names.LEFT_OUT)
        self.leading = self._gauge(names.LEADER)
        self.source_up = self._gauge(names.SOURCE_UP)
        self.source_up.set(1)
        self._requests = self._counter(names.API_REQUESTS)
        self._passed_over = self._counter(names.PASSED_OVER)
        self._queries = self._counter(names.PROMETHEUS_QUERIES)
        self._query_seconds = self._histogram(names.PROMETHEUS_SECONDS)
        self._passes = self._counter(names.PASSES)
        self._pass_seconds = self._histogram(names.PASS_SECONDS)
        self._lag = self._histogram(names.EVENT_LOOP_LAG)
        self._readings = self._counter(names.READINGS)
        self._reading_seconds = self._counter(names.READING_SECONDS)

        self._notices = self._counter(names.EVENTS)
        self._rollbacks = self._counter(names.ROLLBACKS)
        self._weight = self._gauge(names.CANARY_WEIGHT)
        self._started = self._gauge(names.ROLLOUT_STARTED)
        self._verdicts = self._counter(names.GATE_VERDICTS)
        self._without_data = self._gauge(names.GATE_WITHOUT_DATA)
        self._checks = self._counter(names.CHECK_RESULTS)
        self._verified = self._gauge(names.ROLLBACK_VERIFIED)
        self._distance = self._gauge(names.EXPLANATION_DISTANCE)
        self._drifted = self._gauge(names.EXPLANATION_DRIFTED)
        self._nightly_failed = self._gauge(names.NIGHTLY_FAILED)
        self._refused = self._gauge(names.REFUSED_WRITES)
        self._watched: list[tuple[Gauge, Callable[[], float]]] = []

    def _counter(self, family: MetricFamily) -> Counter:
        return Counter(family.name, family.meaning, family.labels, registry=self.registry)

    def _gauge(self, family: MetricFamily) -> Gauge:
        return Gauge(family.name, family.meaning, family.labels, registry=self.registry)

    def _histogram(self, family: MetricFamily) -> Histogram:
        return Histogram(family.name, family.meaning, family.labels, registry=self.registry)

    def watch_queue(self, depth: Callable[[], float], oldest: Callable[[], float]) -> None:
        """Show how much work waits, and for how long."""
        self._watched.append((self._gauge(names.QUEUE_DEPTH), depth))
        self._watched.append((self._gauge(names.QUEUE_OLDEST), oldest))

    def watch_unread(self, unread: Callable[[str], float], kinds: Iterable[str]) -> None:
        """Show how many objects of each kind are known in outline only."""
        gauge = self._gauge(names.UNREAD_OBJECTS)
        self._watched += ((gauge.labels(kind), functools.partial(unread, kind)) for kind in kinds)

    def refresh(self) -> None:
        """Look at what is watched: on the event loop, whose state it is."""
        for gauge, value in self._watched:
            gauge.set(value())
        hidden = {(namespace, "shownModels"): n for namespace, n in self._shown.refused.items()}
        self._left_out.clear()
        for labels, number in {**self._limited(), **hidden}.items():
            self._left_out.labels(*labels).set(number)

    def on_passed_over(self, kind: str) -> None:
        """Count an object that nobody can be told of."""
        self._passed_over.labels(kind).inc()

    def watch_limits(self, left_out: Callable[[], LeftOut]) -> None:
        """Show what is left out because of a limit."""
        self._limited = left_out

    def show_build(self, version: str, python: str) -> None:
        """Show what runs."""
        self._gauge(names.BUILD_INFO).labels(version, python).set(1)

    def on_request(self, verb: str, kind: str, code: int, _seconds: float) -> None:
        """Count a request to the API server."""
        self._requests.labels(verb, kind, str(code)).inc()

    def on_query(self, result: str, seconds: float) -> None:
        """Count a query to Prometheus; `result` is `ok` or the fault."""
        self._queries.labels(result).inc()
        self._query_seconds.observe(seconds)
        if result == "ok":
            self.source_up.set(1)

    def on_source_down(self) -> None:
        """Show that Prometheus does not answer queries for the counters of pods."""
        self.source_up.set(0)

    def on_pass(self, result: str, seconds: float) -> None:
        """Count a reconcile pass."""
        self._passes.labels(result).inc()
        self._pass_seconds.observe(seconds)

    def on_lag(self, seconds: float) -> None:
        """Show how late the event loop was."""
        self._lag.observe(seconds)

    def on_reading(self, owner: str, outcome: str, seconds: float) -> None:
        """Count a reading in another process; the owner is a namespace, or nobody in particular."""
        self._readings.labels(owner, outcome).inc()
        self._reading_seconds.labels(owner).inc(seconds)

    def on_check(self, key: Key, result: CheckResult) -> None:
        """Count the result of a check."""
        if not self._is_shown(key):
            return
        self._checks.labels(*key, result.name, result.verdict, result.reason).inc()

    def tell(self, key: Key, notice: Notice) -> None:
        """Count what happened."""
        if not self._is_shown(key):
            return
        self._notices.labels(*key, notice.reason.value).inc()
        if notice.reason in {Reason.ROLLED_BACK, Reason.ABORTED}:
            self._rollbacks.labels(*key).inc()

    def show(self, key: Key, before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> None:
        """Show where a rollout stands."""
        if not self._is_shown(key):
            return
        if after.candidate:
            self._weight.labels(*key).set(after.candidate.actual_weight)
            self._started.labels(*key).set(after.candidate.started_at.timestamp())
        else:
            self.forget(key)
        self._show_missing_data(key, after)
        self._show_verification(key, after)
        self._show_explanations(key, after)
        self._count_verdicts(key, before, after)

    def show_refused(self, key: Key, writes: Mapping[Reason, int]) -> None:
        """Show how many objects cannot be written, by reason."""
        self._refused.remove_by_labels({"namespace": key.namespace, "name": key.name})
        if not self._is_shown(key):
            return
        for reason, number in writes.items():
            self._refused.labels(*key, reason.value).set(number)

    def forget(self, key: Key) -> None:
        """Drop the series of a rollout that has ended."""
        self._forget_gauges(key, self._weight, self._started)

    def forget_object(self, key: Key) -> None:
        """Drop every series of an object that is gone."""
        self.forget(key)
        self._forget_gauges(key, self._verified)
        self._forget_explanations(key)
        self._forget_missing_data(key)
        self.show_refused(key, {})
        labels = {"namespace": key.namespace, "name": key.name}
        for counter in (self._notices, self._rollbacks, self._verdicts, self._checks):
            counter.remove_by_labels(labels)
        self._gate_names.pop(key, None)
        self._shown.leave(key.namespace, key)
        if self._shown.is_empty(key.namespace):
            for readings in (self._readings, self._reading_seconds):
                readings.remove_by_labels({"namespace": key.namespace})

    def _is_shown(self, key: Key) -> bool:
        return self._shown.has(key.namespace, key)

    def forget_all(self) -> None:
        """Drop everything about rollouts: this process has lost leadership."""
        self._weight.clear()
        self._started.clear()
        self._readings.clear()
        self._reading_seconds.clear()
        for gauge in (
            self._without_data,
            self._refused,
            self._distance,
            self._drifted,
            self._nightly_failed,
            self._verified,
        ):
            gauge.clear()
        self.source_up.set(1)

    def _show_missing_data(self, key: Key, after: ModelDeploymentStatus) -> None:
        """Show which gates have no data, and why."""
        self._forget_missing_data(key)
        gates = after.candidate.gates if after.candidate else after.probation_gates
        for gate in gates:
            if gate.verdict == "Unknown":
                self._without_data.labels(*key, gate.name, gate.reason).set(1)

    def _forget_missing_data(self, key: Key) -> None:
        self._without_data.remove_by_labels({"namespace": key.namespace, "name": key.name})

    def _show_verification(self, key: Key, after: ModelDeploymentStatus) -> None:
        """Show the result of the verification after a rollback, once there is one."""
        verification = after.verification
        if verification is None or verification.verdict == "Unknown":
            self._forget_gauges(key, self._verified)
        else:
            self._verified.labels(*key).set(verification.verdict == "Pass")

    def _show_explanations(self, key: Key, after: ModelDeploymentStatus) -> None:
        """Show the last run if it was about stable, not about an earlier revision."""
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
        counted = {gate.name: (gate.verdict, gate.reason) for gate in known}
        names_of_gates = self._gate_names.setdefault(key, set())
        names_of_gates.update(gate.name for gate in gates)
        if len(names_of_gates) > MOST_GATE_NAMES:
            self._gate_names[key] = {gate.name for gate in gates}
            labels = {"namespace": key.namespace, "name": key.name}
            self._verdicts.remove_by_labels(labels)
        for gate in gates:
            if counted.get(gate.name) != (gate.verdict, gate.reason):
                self._verdicts.labels(*key, gate.name, gate.verdict, gate.reason).inc()
