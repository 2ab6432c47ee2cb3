"""The one question asked of Prometheus: raw request counters of the pods in play.

Everything that becomes part of the query is validated or escaped here. Names of metrics and labels
and the extra selector come from the operator's settings, names of workloads from the API server.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_MATCHER = r'[a-zA-Z_][a-zA-Z0-9_]*\s*(?:=~|!~|!=|=)\s*"(?:[^"\\\n]|\\.)*"'
_SELECTOR: Final = re.compile(rf"\s*(?:{_MATCHER}(?:\s*,\s*{_MATCHER})*)?\s*")
_META: Final = re.compile(r"([\\.+*?()|\[\]{}^$])")

Workload = tuple[str, str]
"""Namespace and name of a Deployment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterQuery:
    """Which pods' counters, when, and how metric and labels are called where this runs.

    Attributes:
        workloads: Deployments whose pods are meant. A name of up to 46 characters, or the pods'
            names do not carry it whole.
        at: end of the window, epoch seconds.
        window: length of the window, seconds; samples in (at - window, at] are returned.
        metric: counter of requests, one series per answer code.
        selector: further matchers, as in PromQL without the braces; may be empty.
        code_label: label with the answer code.
        error_codes: regular expression for the codes that are errors; must match as a whole.
        namespace_label: label with the pod's namespace.
        pod_label: label with the pod's name.

    Raises:
        ValueError: one of them is not what PromQL allows in its place.
    """

    workloads: frozenset[Workload]
    at: float
    window: float
    metric: str = "model_requests_total"
    selector: str = 'route="predict"'
    code_label: str = "code"
    error_codes: str = "5.."
    namespace_label: str = "namespace"
    pod_label: str = "pod"

    def __post_init__(self) -> None:
        if self.window <= 0:
            raise ValueError("a window is longer than nothing")
        _require(_METRIC, self.metric, "metric name")
        for label in (self.code_label, self.namespace_label, self.pod_label):
            _require(_LABEL, label, "label name")
        _require(_SELECTOR, self.selector, "list of matchers")
        try:
            re.compile(self.error_codes)
        except re.error as error:
            raise ValueError(f"{self.error_codes!r} is no regular expression: {error}") from error

    @property
    def text(self) -> str:
        """PromQL: a range selector, so that an instant query returns the samples as scraped.

        May match pods that are not meant (names are crossed with namespaces): see `owner`.
        """
        namespaces = {namespace for namespace, _ in self.workloads}
        deployments = {deployment for _, deployment in self.workloads}
        pods = f"(?:{_alternatives(deployments)})-[a-z0-9]+-[a-z0-9]{{5}}"
        matchers = filter(
            None,
            (
                self.selector.strip(),
                f"{self.namespace_label}=~{_quoted(_alternatives(namespaces))}",
                f"{self.pod_label}=~{_quoted(pods)}",
            ),
        )
        return f"{self.metric}{{{','.join(matchers)}}}[{round(self.window * 1000)}ms]"

    def owner(self, namespace: str, pod: str) -> Workload | None:
        """The workload a pod belongs to by its name, None when it is none of those asked for."""
        workload = (namespace, pod.rsplit("-", 2)[0])
        return workload if workload in self.workloads else None


def _require(pattern: re.Pattern[str], text: str, what: str) -> None:
    if not pattern.fullmatch(text):
        raise ValueError(f"{text!r} is no {what}")


def _alternatives(names: Iterable[str]) -> str:
    return "|".join(_META.sub(r"\\\1", name) for name in sorted(names))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
