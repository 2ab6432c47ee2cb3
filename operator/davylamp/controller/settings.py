"""The operator's settings, from environment variables that the chart sets.

Prometheus' address comes only from here, never from a resource: whoever may write a
ModelDeployment must not be able to make the operator call an address of their choice.
"""

import math
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from davylamp.adapters.prometheus.series import SETTINGS, SeriesNames
from davylamp.schema.quantities import seconds


@dataclass(frozen=True, slots=True)
class MetricSettings:
    """Where the gates read, which series, and how often those are scraped."""

    url: str = "http://prometheus.monitoring.svc:9090"
    bearer_token_file: str | None = None
    ca_file: str | None = None
    series: SeriesNames = field(default_factory=SeriesNames)
    scrape_interval: float = 5.0
    own_queries: bool = True
    """Whether gates may ask users' own PromQL: it sees all that Prometheus holds."""
    pod_metrics: bool = True
    """Whether the operator may read pods' metrics itself."""
    pod_metrics_per_second: float = 50.0
    """Pods read in a second, over all rollouts."""


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
        return cls(
            metrics=_metrics(said),
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


def _metrics(said: "_Said") -> MetricSettings:
    plain = MetricSettings()
    return MetricSettings(
        url=said.text("PROMETHEUS_URL", plain.url).rstrip("/"),
        bearer_token_file=said.text("PROMETHEUS_BEARER_TOKEN_FILE", "") or None,
        ca_file=said.text("PROMETHEUS_CA_FILE", "") or None,
        series=said.series(),
        scrape_interval=said.duration("SCRAPE_INTERVAL", plain.scrape_interval),
        own_queries=said.truth("OWN_QUERIES", "true"),
        pod_metrics=said.truth("POD_METRICS", "true"),
        pod_metrics_per_second=said.rate("POD_METRICS_PER_SECOND", plain.pod_metrics_per_second),
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

    def series(self) -> SeriesNames:
        """Names of series; what no query could be made of later is refused now."""
        names = {name: self.text(name.upper(), "") for name in SETTINGS if self.is_set(name)}
        for name, text in names.items():
            try:
                SETTINGS[name].check(text)
            except ValueError as wrong:
                raise ValueError(f"DAVYLAMP_{name.upper()}: {wrong}") from None
        return SeriesNames(**names)

    def is_set(self, name: str) -> bool:
        return f"DAVYLAMP_{name.upper()}" in self.env

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

    def rate(self, name: str, default: float) -> float:
        text = self.text(name, "")
        try:
            told = float(text) if text else default
        except ValueError:
            raise ValueError(f"DAVYLAMP_{name}: {text!r} is not a number") from None
        if not 0 < told < math.inf:
            raise ValueError(f"DAVYLAMP_{name}: must be above 0")
        return told
