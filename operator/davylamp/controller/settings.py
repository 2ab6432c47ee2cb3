"""The operator's settings, from environment variables that the chart sets.

Prometheus' address comes only from here, never from a resource: whoever may write a
ModelDeployment must not be able to make the operator call an address of their choice.
"""

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

from davylamp.adapters.promql import CounterQuery
from davylamp.api.quantities import seconds

_ANY_QUERY: Final = CounterQuery(workloads=frozenset(), at=0, window=1)
_IN_THE_QUERY: Final[Mapping[str, Callable[[str], CounterQuery]]] = {
    "REQUESTS_METRIC": lambda text: replace(_ANY_QUERY, metric=text),
    "REQUESTS_SELECTOR": lambda text: replace(_ANY_QUERY, selector=text),
    "CODE_LABEL": lambda text: replace(_ANY_QUERY, code_label=text),
    "ERROR_CODES": lambda text: replace(_ANY_QUERY, error_codes=text),
    "NAMESPACE_LABEL": lambda text: replace(_ANY_QUERY, namespace_label=text),
    "POD_LABEL": lambda text: replace(_ANY_QUERY, pod_label=text),
}
"""Variables that become part of the query, and the query they make."""


@dataclass(frozen=True, slots=True)
class MetricSettings:
    """Which series the gates read, and how pods are found in them."""

    url: str = "http://prometheus.monitoring.svc:9090"
    bearer_token_file: str | None = None
    ca_file: str | None = None
    requests_metric: str = "model_requests_total"
    requests_selector: str = 'route="predict"'
    code_label: str = "code"
    error_codes: str = "5.."
    namespace_label: str = "namespace"
    pod_label: str = "pod"
    scrape_interval: float = 5.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator process is told."""

    metrics: MetricSettings = field(default_factory=MetricSettings)
    namespaces: tuple[str, ...] = ()
    """Namespaces to watch; empty means the whole cluster."""
    leader_election: bool = True
    lease_name: str = "davylamp"
    lease_namespace: str = "davylamp-system"
    lease_duration: float = 15.0
    identity: str = "davylamp"
    log_level: str = "INFO"
    metrics_port: int = 9090
    probes_port: int = 8080
    workers: int = 4

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> Self:
        """Settings from `DAVYLAMP_*`; raises `ValueError` naming the variable that is wrong."""
        said = _Said(os.environ if env is None else env)
        said.check_query()
        plain = MetricSettings()
        return cls(
            metrics=MetricSettings(
                url=said.text("PROMETHEUS_URL", plain.url).rstrip("/"),
                bearer_token_file=said.text("PROMETHEUS_BEARER_TOKEN_FILE", "") or None,
                ca_file=said.text("PROMETHEUS_CA_FILE", "") or None,
                requests_metric=said.text("REQUESTS_METRIC", plain.requests_metric),
                requests_selector=said.text("REQUESTS_SELECTOR", plain.requests_selector),
                code_label=said.text("CODE_LABEL", plain.code_label),
                error_codes=said.text("ERROR_CODES", plain.error_codes),
                namespace_label=said.text("NAMESPACE_LABEL", plain.namespace_label),
                pod_label=said.text("POD_LABEL", plain.pod_label),
                scrape_interval=said.duration("SCRAPE_INTERVAL", plain.scrape_interval),
            ),
            namespaces=tuple(said.texts("NAMESPACES")),
            leader_election=said.truth("LEADER_ELECTION", "true"),
            lease_name=said.text("LEASE_NAME", "davylamp"),
            lease_namespace=said.text("LEASE_NAMESPACE", "davylamp-system"),
            lease_duration=said.duration("LEASE_DURATION", 15.0),
            identity=said.text("IDENTITY", socket.gethostname()),
            log_level=said.text("LOG_LEVEL", "INFO").upper(),
            metrics_port=said.number("METRICS_PORT", 9090),
            probes_port=said.number("PROBES_PORT", 8080),
        )


@dataclass(frozen=True, slots=True)
class _Said:
    env: Mapping[str, str]

    def text(self, name: str, default: str) -> str:
        return self.env.get(f"DAVYLAMP_{name}", default).strip()

    def texts(self, name: str) -> list[str]:
        return [part.strip() for part in self.text(name, "").split(",") if part.strip()]

    def truth(self, name: str, default: str) -> bool:
        text = self.text(name, default).lower()
        if text not in {"true", "false"}:
            raise ValueError(f"DAVYLAMP_{name}: {text!r} is neither true nor false")
        return text == "true"

    def check_query(self) -> None:
        """Refuse now what no query could be made of later."""
        for name, query in _IN_THE_QUERY.items():
            if f"DAVYLAMP_{name}" not in self.env:
                continue
            try:
                query(self.text(name, ""))
            except ValueError as wrong:
                raise ValueError(f"DAVYLAMP_{name}: {wrong}") from None

    def duration(self, name: str, default: float) -> float:
        text = self.text(name, "")
        try:
            told = float(seconds(text)) if text else default
        except ValueError as wrong:
            raise ValueError(f"DAVYLAMP_{name}: {wrong}") from None
        if told <= 0:
            raise ValueError(f"DAVYLAMP_{name}: must be above 0s")
        return told

    def number(self, name: str, default: int) -> int:
        text = self.text(name, "")
        if text and not text.isdigit():
            raise ValueError(f"DAVYLAMP_{name}: {text!r} is not a number")
        return int(text) if text else default
