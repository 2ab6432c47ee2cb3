"""What is asked of Prometheus about pods in play: the raw counters of one channel.

Everything that becomes part of the query is validated or escaped. Names of metrics and labels and
the extra selectors come from the operator's settings, names of Deployments from the API server.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from davylamp.adapters.pod_names import DeploymentRef, deployment_of, pattern_of, pattern_of_pods
from davylamp.adapters.prometheus.matchers import METRIC_NAME, Matcher
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.gates import ERRORS, Channel

ARMS: Final = 2
"""Deployments that one rollout compares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterQuery:
    """Which pods' counters, of what, and when.

    Attributes:
        workloads: Deployments whose pods are meant, see `deployment_of`.
        at: end of the window, epoch seconds.
        window: length of the window, seconds; samples in (at - window, at] are returned.
        channel: what is counted.
        series: how metrics and labels are called where this runs.

    Raises:
        ValueError: there is no such window, or the channel has no counters.
    """

    workloads: frozenset[DeploymentRef]
    at: float
    window: float
    channel: Channel = ERRORS
    series: SeriesNames = field(default_factory=SeriesNames)

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        if self.window <= 0:
            raise ValueError("a window is longer than nothing")
        self.series.metrics(self.channel)

    @property
    def text(self) -> str:
        """PromQL: a range selector, so that an instant query returns the samples as scraped.

        May match pods that are not meant (names are crossed with namespaces): see `owner`.
        """
        selector = selector_text(self.metrics, self.matchers)
        return f"{selector}[{round(self.window * 1000)}ms]"

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics of the channel."""
        return self.series.metrics(self.channel)

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """What series of these metrics have to fulfil: the operator's own selector, then the pods."""
        return (*self.series.matchers(self.channel), *self.pod_matchers)

    @property
    def pod_matchers(self) -> tuple[Matcher, ...]:
        """Which pods are meant."""
        namespaces = {namespace for namespace, _ in self.workloads}
        deployments = {deployment for _, deployment in self.workloads}
        return (
            Matcher(self.series.namespace_label, "=~", pattern_of(namespaces)),
            Matcher(self.series.pod_label, "=~", pattern_of_pods(*deployments)),
        )

    @property
    def namespace(self) -> str:
        """The namespace that answers for what comes back; empty where it is about several rollouts."""
        namespaces = {namespace for namespace, _ in self.workloads}
        return min(namespaces) if len(self.workloads) <= ARMS and len(namespaces) == 1 else ""

    def owner(self, namespace: str, pod: str) -> DeploymentRef | None:
        """The Deployment a pod belongs to by its name, None when it is none of those asked for."""
        deployment = (namespace, deployment_of(pod))
        return deployment if deployment in self.workloads else None


def selector_text(metrics: Iterable[str], matchers: Iterable[Matcher]) -> str:
    """A selector of series as in PromQL.

    Several metrics are asked for by `__name__`, as range selectors cannot be joined by `or`.
    """
    first, *others = metrics
    if others:
        named = Matcher(METRIC_NAME, "=~", "|".join((first, *others)))
        return braces((named, *matchers))
    return f"{first}{braces(matchers)}"


def braces(matchers: Iterable[Matcher]) -> str:
    """Matchers as in PromQL, with the braces around them."""
    return f"{{{','.join(matcher.text for matcher in matchers)}}}"
