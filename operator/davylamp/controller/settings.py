"""The operator's settings, from environment variables that the chart sets.

Prometheus' address comes only from here, never from a resource: whoever may write a
ModelDeployment must not be able to make the operator connect to an address of their choice.
"""

import json
import math
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Final, Self

from pydantic import ValidationError

from davylamp.adapters.prometheus.connection.back_end import BackEnd
from davylamp.adapters.prometheus.connection.environment import (
    PROMETHEUS,
    USER_QUERIES,
    back_end_from,
)
from davylamp.adapters.prometheus.series import SETTINGS, SeriesNames, check
from davylamp.api.child_metadata import NOTHING, ChildMetadata
from davylamp.controller.checks.pod_networks import ANYWHERE, PodNetworks
from davylamp.controller.fairness.limits import DEFAULT_LIMITS, Limits
from davylamp.controller.images.settings import ImageSettings
from davylamp.controller.images.variables import read_images
from davylamp.manifests import Privilege
from davylamp.schema.json import Json
from davylamp.schema.quantities import seconds

DEFAULT_URL: Final = "http://prometheus.monitoring.svc:9090"


@dataclass(frozen=True, slots=True)
class MetricSettings:
    """Where the gates read, which series, and how often Prometheus scrapes them."""

    prometheus: BackEnd = field(default_factory=lambda: BackEnd(url=DEFAULT_URL))
    series: SeriesNames = field(default_factory=SeriesNames)
    scrape_interval: float = 5.0
    user_queries: bool = False
    """Whether gates may use their own PromQL: it sees everything that whoever answers holds."""
    user_back_end: BackEnd | None = None
    """What user queries are asked of, where that is not Prometheus as the operator asks it."""
    pod_metrics: bool = True
    """Whether the operator may scrape pods itself."""
    pod_metrics_per_second: float = 50.0
    """Pods scraped per second, over all rollouts."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one operator process."""

    metrics: MetricSettings = field(default_factory=MetricSettings)
    images: ImageSettings = field(default_factory=ImageSettings)
    namespaces: tuple[str, ...] = ()
    """Namespaces to watch; empty means the whole cluster."""
    leader_election: bool = True
    lease_name: str = "davylamp"
    lease_namespace: str = "davylamp-system"
    lease_duration: float = 15.0
    identity: str = "davylamp"
    reads_secrets: bool = True
    """Whether the operator may read and copy Secrets: pinned ones, and those to pull images with."""
    proven_names: bool = False
    """Whether an admission policy lets nobody write another user's name beside a command."""
    limits: Limits = DEFAULT_LIMITS
    """How much one namespace may have looked after at a time."""
    children: ChildMetadata = NOTHING
    """What children carry by default, besides ours and what `spec.metadata` says."""
    pod_networks: PodNetworks = ANYWHERE
    """Where pods are: requests of the operator go nowhere else."""
    allowed: frozenset[Privilege] = frozenset()
    """What pods may have beyond the ordinary, for which tenants need no right of their own."""
    log_level: str = "INFO"
    metrics_port: int = 9090
    metrics_token_file: str | None = None
    """File with the token that whoever reads the metrics has to have."""
    probes_port: int = 8080

    @property
    def release(self) -> str:
        """What tells this release of the operator from others: its Lease."""
        return f"{self.lease_namespace}/{self.lease_name}"

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> Self:
        """Settings from `DAVYLAMP_*`; raises `ValueError` naming the variable that is invalid."""
        variables = _Environment(os.environ if env is None else env)
        plain = cls()
        reads_secrets = variables.truth("SECRETS", default=plain.reads_secrets)
        return cls(
            metrics=_metrics(variables),
            images=read_images(variables.text, reads_secrets=reads_secrets),
            namespaces=tuple(variables.texts("NAMESPACES")),
            leader_election=variables.truth("LEADER_ELECTION", default=plain.leader_election),
            lease_name=variables.text("LEASE_NAME", plain.lease_name),
            lease_namespace=variables.text("LEASE_NAMESPACE", plain.lease_namespace),
            lease_duration=variables.duration("LEASE_DURATION", plain.lease_duration),
            identity=variables.text("IDENTITY", socket.gethostname()),
            reads_secrets=reads_secrets,
            proven_names=variables.truth("PROVEN_NAMES", default=plain.proven_names),
            limits=variables.limits(),
            children=variables.children(),
            pod_networks=variables.pod_networks(),
            allowed=variables.privileges(),
            log_level=variables.text("LOG_LEVEL", plain.log_level).upper(),
            metrics_port=variables.number("METRICS_PORT", plain.metrics_port),
            metrics_token_file=variables.text("METRICS_TOKEN_FILE", "") or None,
            probes_port=variables.number("PROBES_PORT", plain.probes_port),
        )


def _metrics(env: "_Environment") -> MetricSettings:
    plain = MetricSettings()
    return MetricSettings(
        prometheus=back_end_from(env.env, PROMETHEUS, url=DEFAULT_URL),
        series=env.series(),
        scrape_interval=env.duration("SCRAPE_INTERVAL", plain.scrape_interval),
        user_queries=env.truth("USER_QUERIES", default=plain.user_queries),
        user_back_end=env.user_back_end(),
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

    def children(self) -> ChildMetadata:
        """Labels and annotations of children, each as a JSON object of texts."""
        entries: dict[str, Json] = {}
        for part in ("labels", "annotations"):
            name = f"CHILD_{part.upper()}"
            try:
                entries[part] = json.loads(self.text(name, "") or "{}")
                ChildMetadata.model_validate({part: entries[part]})
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                raise ValueError(f"DAVYLAMP_{name}: {first['msg']}") from None
            except ValueError:
                raise ValueError(f"DAVYLAMP_{name}: is no JSON object") from None
        return ChildMetadata.model_validate(entries)

    def pod_networks(self) -> PodNetworks:
        """Networks of pods; the API server's own address is no pod's, wherever they are."""
        try:
            api_server = self.env.get("KUBERNETES_SERVICE_HOST", "")
            return PodNetworks.of(self.texts("POD_NETWORKS"), [api_server])
        except ValueError as error:
            raise ValueError(f"DAVYLAMP_POD_NETWORKS: {error}") from None

    def user_back_end(self) -> BackEnd | None:
        """What user queries are asked of: with an address of its own, nothing of Prometheus' is sent."""
        prometheus = back_end_from(self.env, PROMETHEUS, url=DEFAULT_URL)
        own = back_end_from(self.env, USER_QUERIES, url=prometheus.url)
        if self.text("USER_QUERIES_URL", ""):
            return own
        if not own.is_shared_out:
            return None
        header, parameter = own.tenant_header, own.tenant_parameter
        return replace(prometheus, tenant_header=header, tenant_parameter=parameter)

    def privileges(self) -> frozenset[Privilege]:
        """The privileges that pods may have."""
        texts = self.texts("TENANTS_ALLOW")
        try:
            return frozenset(map(Privilege, texts))
        except ValueError:
            wrong = next(text for text in texts if text not in [*Privilege])
            raise ValueError(
                f"DAVYLAMP_TENANTS_ALLOW: {wrong!r} is none of {', '.join(Privilege)}"
            ) from None

    def limits(self) -> Limits:
        """What a namespace may have at a time; each at least one."""
        names = [limit.name for limit in fields(Limits)]
        plain = asdict(DEFAULT_LIMITS)
        values = {name: self.number(f"LIMIT_{name.upper()}", plain[name]) for name in names}
        for name, value in values.items():
            if value < 1:
                raise ValueError(f"DAVYLAMP_LIMIT_{name.upper()}: must be above 0")
        return Limits(**values)

    def truth(self, name: str, *, default: bool) -> bool:
        text = self.text(name, str(default)).lower()
        if text not in {"true", "false"}:
            raise ValueError(f"DAVYLAMP_{name}: {text!r} is neither true nor false")
        return text == "true"

    def series(self) -> SeriesNames:
        """Names of series; what no query could be made of later is refused now."""
        names = {name: self.text(name.upper(), "") for name in SETTINGS if self.is_set(name)}
        for name, text in names.items():
            try:
                check(name, text)
            except ValueError as error:
                raise ValueError(f"DAVYLAMP_{name.upper()}: {error}") from None
        return SeriesNames(**names)

    def is_set(self, name: str) -> bool:
        return f"DAVYLAMP_{name.upper()}" in self.env

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
