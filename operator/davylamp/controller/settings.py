"""The operator's settings, from environment variables that the chart sets.

Prometheus' address comes only from here, never from a resource: whoever may write a
ModelDeployment must not be able to make the operator connect to an address of their choice.
"""

import math
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.schema.quantities import seconds

_SERIES: Final[Mapping[str, str]] = {
    "REQUESTS_METRIC": "requests_metric",
    "REQUESTS_SELECTOR": "requests_selector",
    "LATENCY_METRIC": "latency_metric",
    "LATENCY_SELECTOR": "latency_selector",
    "SCORES_METRIC": "scores_metric",
    "SCORES_SELECTOR": "scores_selector",
    "SHARES_METRIC": "shares_metric",
    "SHARES_SELECTOR": "shares_selector",
    "GROUP_REQUESTS_METRIC": "group_requests_metric",
    "GROUP_PREDICTIONS_METRIC": "group_predictions_metric",
    "GROUPS_SELECTOR": "groups_selector",
    "CODE_LABEL": "code_label",
    "ERROR_CODES": "error_codes",
    "FEATURE_LABEL": "feature_label",
    "GROUP_LABEL": "group_label",
    "OUTCOME_LABEL": "outcome_label",
    "POSITIVE_OUTCOME": "positive_outcome",
    "NAMESPACE_LABEL": "namespace_label",
    "POD_LABEL": "pod_label",
}
"""Variables that become part of queries, and what they are there."""


@dataclass(frozen=True, slots=True)
class MetricSettings:
    """Where the gates read, which series, and how often Prometheus scrapes them."""

    url: str = "http://prometheus.monitoring.svc:9090"
    bearer_token_file: str | None = None
    ca_file: str | None = None
    series: SeriesNames = field(default_factory=SeriesNames)
    scrape_interval: float = 5.0
    user_queries: bool = True
    """Whether gates may use their own PromQL: it sees everything that Prometheus holds."""
    pod_metrics: bool = True
    """Whether the operator may scrape pods itself."""
    pod_metrics_per_second: float = 50.0
    """Pods scraped per second, over all rollouts."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one operator process."""

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

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> Self:
        """Settings from `DAVYLAMP_*`; raises `ValueError` naming the variable that is invalid."""
        variables = _Environment(os.environ if env is None else env)
        plain = cls()
        return cls(
            metrics=_metrics(variables),
            namespaces=tuple(variables.texts("NAMESPACES")),
            leader_election=variables.truth("LEADER_ELECTION", default=plain.leader_election),
            lease_name=variables.text("LEASE_NAME", plain.lease_name),
            lease_namespace=variables.text("LEASE_NAMESPACE", plain.lease_namespace),
            lease_duration=variables.duration("LEASE_DURATION", plain.lease_duration),
            identity=variables.text("IDENTITY", socket.gethostname()),
            log_level=variables.text("LOG_LEVEL", plain.log_level).upper(),
            metrics_port=variables.number("METRICS_PORT", plain.metrics_port),
            probes_port=variables.number("PROBES_PORT", plain.probes_port),
        )


def _metrics(env: "_Environment") -> MetricSettings:
    plain = MetricSettings()
    return MetricSettings(
        url=env.text("PROMETHEUS_URL", plain.url).rstrip("/"),
        bearer_token_file=env.text("PROMETHEUS_BEARER_TOKEN_FILE", "") or None,
        ca_file=env.text("PROMETHEUS_CA_FILE", "") or None,
        series=env.series(),
        scrape_interval=env.duration("SCRAPE_INTERVAL", plain.scrape_interval),
        user_queries=env.truth("USER_QUERIES", default=plain.user_queries),
        pod_metrics=env.truth("POD_METRICS", default=plain.pod_metrics),
        pod_metrics_per_second=env.rate("POD_METRICS_PER_SECOND", plain.pod_metrics_per_second),
    )


@dataclass(frozen=True, slots=True)
class _Environment:
    env: Mapping[str, str]

    def text(self, name: str, default: str) -> str:
        return self.env.get(f"DAVYLAMP_{name}", default).strip()

    def texts(self, name: str) -> list[str]:
        return [part.strip() for part in self.text(name, "").split(",") if part.strip()]

    def truth(self, name: str, *, default: bool) -> bool:
        text = self.text(name, str(default)).lower()
        if text not in {"true", "false"}:
            raise ValueError(f"DAVYLAMP_{name}: {text!r} is neither true nor false")
        return text == "true"

    def series(self) -> SeriesNames:
        """Names of series; what no query could be made of later is refused now."""
        names = SeriesNames()
        for variable, attribute in _SERIES.items():
            if f"DAVYLAMP_{variable}" not in self.env:
                continue
            try:
                names = replace(names, **{attribute: self.text(variable, "")})
            except ValueError as wrong:
                raise ValueError(f"DAVYLAMP_{variable}: {wrong}") from None
        return names

    def duration(self, name: str, default: float) -> float:
        text = self.text(name, "")
        try:
            value = float(seconds(text)) if text else default
        except ValueError as error:
            raise ValueError(f"DAVYLAMP_{name}: {error}") from None
        if value <= 0:
            raise ValueError(f"DAVYLAMP_{name}: must be above 0s")
        return value

    def number(self, name: str, default: int) -> int:
        text = self.text(name, "")
        if text and not text.isdigit():
            raise ValueError(f"DAVYLAMP_{name}: {text!r} is not a number")
        return int(text) if text else default

    def rate(self, name: str, default: float) -> float:
        text = self.text(name, "")
        try:
            value = float(text) if text else default
        except ValueError:
            raise ValueError(f"DAVYLAMP_{name}: {text!r} is not a number") from None
        if not 0 < value < math.inf:
            raise ValueError(f"DAVYLAMP_{name}: must be above 0")
        return value
