"""What is asked of Prometheus about pods in play: the raw counters of one channel.

Everything that becomes part of the query is validated or escaped. Names of metrics and labels and
the extra selectors come from the operator's settings, names of workloads from the API server.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.gates import ERRORS, Channel

_META: Final = re.compile(r"([\\.+*?()|\[\]{}^$])")
_POD_SUFFIX: Final = "-[a-z0-9]+-[a-z0-9]{5}"

Workload = tuple[str, str]
"""Namespace and name of a Deployment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterQuery:
    """Which pods' counters, of what, and when.

    Attributes:
        workloads: Deployments whose pods are meant. A name of up to 46 characters, or the pods'
            names do not carry it whole.
        at: end of the window, epoch seconds.
        window: length of the window, seconds; samples in (at - window, at] are returned.
        channel: what is counted.
        series: how metrics and labels are called where this runs.

    Raises:
        ValueError: there is no such window, or the channel has no counters.
    """

    workloads: frozenset[Workload]
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

        Several metrics are asked for by `__name__`, as range selectors cannot be joined by `or`.
        May match pods that are not meant (names are crossed with namespaces): see `owner`.
        """
        selector = self.series.selector(self.channel)
        return f"{self.selecting(selector)}[{round(self.window * 1000)}ms]"

    def selecting(self, *matchers: str) -> str:
        """Selector of the channel's series of the pods in play that match these as well."""
        metrics = self.series.metrics(self.channel)
        if len(metrics) == 1:
            return f"{metrics[0]}{self.of_the_pods(*matchers)}"
        return self.of_the_pods(f"__name__=~{quoted('|'.join(metrics))}", *matchers)

    def of_the_pods(self, *matchers: str) -> str:
        """Braces with matchers for the pods in play, and these before them."""
        namespaces = {namespace for namespace, _ in self.workloads}
        deployments = {deployment for _, deployment in self.workloads}
        every = (
            *matchers,
            f"{self.series.namespace_label}=~{quoted(_alternatives(namespaces))}",
            f"{self.series.pod_label}=~{quoted(pods_of(*deployments))}",
        )
        return f"{{{','.join(filter(None, every))}}}"

    def owner(self, namespace: str, pod: str) -> Workload | None:
        """The workload a pod belongs to by its name, None when it is none of those asked for."""
        workload = (namespace, pod.rsplit("-", 2)[0])
        return workload if workload in self.workloads else None


def pods_of(*deployments: str) -> str:
    """Regular expression that matches the names of the pods of Deployments."""
    return f"(?:{_alternatives(deployments)}){_POD_SUFFIX}"


def quoted(text: str) -> str:
    """A text as a string in PromQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _alternatives(names: Iterable[str]) -> str:
    return "|".join(_META.sub(r"\\\1", name) for name in sorted(names))
