"""OpenTelemetry by its usual environment variables; without them no SDK is even imported.

A signal is exported where ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or the one of the signal) is set, or its
``OTEL_{TRACES,METRICS}_EXPORTER`` says ``otlp``; ``none``, and ``OTEL_SDK_DISABLED=true``, switch it
off. Sampler, headers, intervals, resource and propagators are the SDK's own variables. The exporter
speaks http/protobuf.
"""

import logging
import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from fastapi.telemetry import TelemetryConfig

from diabetes_model.server.logs import LOGGER

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

TRACES, METRICS = "TRACES", "METRICS"
PROTOCOL = "http/protobuf"
PROBES = ("/healthz", "/readyz", "/metrics", "/v2/health/live")
# A collector that is gone must not hold up the end of the process.
DEFAULTS: Mapping[str, str] = {"OTEL_EXPORTER_OTLP_TIMEOUT": "3"}


@dataclass(frozen=True, slots=True)
class Signals:
    """What to export, and in one line each what was asked for and cannot be."""

    traces: bool = False
    metrics: bool = False
    refused: tuple[str, ...] = ()

    @classmethod
    def wanted(cls, environ: Mapping[str, str]) -> Self:
        """Reads the ``OTEL_*`` variables that decide it."""
        if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
            return cls()
        asked = {signal for signal in (TRACES, METRICS) if _is_asked_for(signal, environ)}
        refused = {signal: _obstacle(signal, environ) for signal in sorted(asked)}
        return cls(
            traces=TRACES in asked and not refused[TRACES],
            metrics=METRICS in asked and not refused[METRICS],
            refused=tuple(reason for reason in refused.values() if reason),
        )

    @property
    def any(self) -> bool:
        """Whether there is anything to do."""
        return self.traces or self.metrics


def _is_asked_for(signal: str, environ: Mapping[str, str]) -> bool:
    exporter = environ.get(f"OTEL_{signal}_EXPORTER")
    if exporter:
        return exporter != "none"
    places = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return any(environ.get(place) for place in places)


def _obstacle(signal: str, environ: Mapping[str, str]) -> str | None:
    name = f"OTEL_{signal}_EXPORTER"
    if environ.get(name) not in (None, "", "otlp"):
        return f"{name} is {environ[name]}, only otlp is there: {signal.lower()} are off"
    for name in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if environ.get(name):
            other = environ[name] != PROTOCOL
            off = f"{name} is {environ[name]}, only {PROTOCOL} is there: {signal.lower()} are off"
            return off if other else None
    return None


def configuration(signals: Signals, facts: Mapping[str, str]) -> TelemetryConfig:
    """How FastAPI instruments itself: a span and metrics for every request but probes.

    ``facts`` become attributes of the resource, unless the environment says otherwise.
    """
    for reason in signals.refused:
        logging.getLogger(LOGGER).warning(reason)
    wanted: TelemetryConfig = {
        "tracing": signals.traces,
        "metrics": signals.metrics,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
        "exclude": _is_probe,
    }
    return wanted | _providers(signals, facts) if signals.any else wanted


def _is_probe(scope: MutableMapping[str, Any]) -> bool:
    path: str = scope["path"]
    return path in PROBES or path.endswith("/ready")


def _providers(signals: Signals, facts: Mapping[str, str]) -> TelemetryConfig:
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415

    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    said = OTELResourceDetector().detect()
    resource = Resource.create().merge(Resource(dict(facts))).merge(said)
    providers: TelemetryConfig = {}
    if signals.traces:
        providers["tracer_provider"] = _tracers(resource)
    if signals.metrics:
        providers["meter_provider"] = _meters(resource)
    return providers


def _tracers(resource: "Resource") -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _meters(resource: "Resource") -> "MeterProvider":
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415
        OTLPMetricExporter,
    )
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415

    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    return MeterProvider(resource=resource, metric_readers=[reader])
