"""OpenTelemetry against a collector on loopback that decodes what it is sent."""

import gzip
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support import fakehttp
from tests.support.fakehttp import Response
from tests.support.modelprocess import wait_ready

from diabetes_model.server.telemetry import Signals

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
MESSAGES = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


class Collector:
    def __init__(self):
        self.spans, self.services, self.metrics = [], set(), {}

    def take(self, message):
        for sender in getattr(message, "resource_spans", ()):
            self.services.add(frozenset(attributes(sender.resource).items()))
            self.spans += [span for scope in sender.scope_spans for span in scope.spans]
        for sender in getattr(message, "resource_metrics", ()):
            metrics = [metric for scope in sender.scope_metrics for metric in scope.metrics]
            self.metrics |= {metric.name: metric for metric in metrics}


def attributes(thing):
    return {
        item.key: getattr(item.value, item.value.WhichOneof("value")) for item in thing.attributes
    }


@pytest.fixture
def collector():
    kept = Collector()

    def answer(request):
        compressed = request.headers.get("content-encoding") == "gzip"
        content = gzip.decompress(request.body) if compressed else request.body
        kept.take(MESSAGES[request.path].FromString(content))
        return Response()

    with fakehttp.serving(answer) as server:
        kept.url = server.url
        yield kept


@contextmanager
def serving(root, directory, port, log, **environment):
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "diabetes_model", "serve"],
            cwd=root,
            env={"PORT": str(port), "MODEL_DIRECTORY": str(directory), **environment},
            stderr=stderr,
        )
        try:
            wait_ready(port)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=30)


def ask(port, path, body, **headers):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), headers
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_spans_metrics_and_log_lines_of_a_request_belong_to_the_callers_trace(
    root, bad, free_port, collector, tmp_path
):
    row = {"age": 59, "sex": 2, "bmi": 32.1, "s1": 157, "s2": 93.2, "s3": 38, "s4": 4, "s5": 4.86}
    traceparent = f"00-{TRACE}-{PARENT}-01"
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
        "OTEL_BSP_SCHEDULE_DELAY": "600000",  # what is not flushed at the end is lost
        "OTEL_METRIC_EXPORT_INTERVAL": "600000",
        "DAVYLAMP_REVISION": "9a01deadbe",
        "DAVYLAMP_MODEL": "risk",
    }
    log = tmp_path / "log"
    with serving(root, bad, free_port, log, **environment):
        assert ask(free_port, "/predict", {"rows": [row]}, traceparent=traceparent) == 500
        assert ask(free_port, "/made/up/7", {}) == 404
    spans = {span.name: span for span in collector.spans}
    assert set(spans) == {"POST /predict", "POST"}
    span = spans["POST /predict"]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert attributes(span)["http.response.status_code"] == 500
    assert attributes(span)["http.route"] == "/predict"
    [service] = map(dict, collector.services)
    assert service["service.name"] == "risk"
    assert service["davylamp.revision"] == "9a01deadbe"
    assert service["deployment.environment.name"] == "test"
    points = collector.metrics["http.server.request.duration"].histogram.data_points
    assert {attributes(point).get("http.route"): point.count for point in points} == {
        "/predict": 1,
        None: 1,
    }
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    [failure] = [line for line in lines if line["message"].startswith("predict failed")]
    assert (failure["trace_id"], failure["span_id"]) == (TRACE, span.span_id.hex())
    assert all("trace_id" not in line for line in lines if line is not failure)


def test_the_sampler_of_the_environment_decides(root, good, free_port, collector, tmp_path):
    environment = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/v1/traces",
        "OTEL_TRACES_SAMPLER": "parentbased_always_off",
        "OTEL_SERVICE_NAME": "asked-for",
    }
    with serving(root, good, free_port, tmp_path / "log", **environment):
        assert ask(free_port, "/explain", {}) == 422
        assert ask(free_port, "/predict", {}, traceparent=f"00-{TRACE}-{PARENT}-01") == 422
    assert [span.name for span in collector.spans] == ["POST /predict"]
    assert not collector.metrics
    assert {dict(service)["service.name"] for service in collector.services} == {"asked-for"}


def test_a_collector_that_is_gone_holds_up_neither_answers_nor_the_end(
    root, good, free_port, tmp_path
):
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with serving(root, good, free_port, tmp_path / "log", **environment) as server:
        begun = time.monotonic()
        assert ask(free_port, "/predict", {}) == 422
        assert time.monotonic() - begun < 2
        server.terminate()
        assert server.wait(timeout=20) == 0


@pytest.mark.parametrize(
    "environment", [{}, ENDPOINT | {"OTEL_SDK_DISABLED": "true"}], ids=["unset", "disabled"]
)
def test_what_is_off_is_not_imported(root, good, environment):
    code = """
import os, sys
from diabetes_model.server.app import create_app
from diabetes_model.server.settings import Settings
create_app(Settings.read(os.environ))
parts = ("opentelemetry.sdk", "opentelemetry.exporter", "google.protobuf")
print([name for name in sys.modules if name.startswith(parts)])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(root), "MODEL_DIRECTORY": str(good), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("environment", "traces", "metrics"),
    [
        ({}, False, False),
        (ENDPOINT, True, True),
        (ENDPOINT | {"OTEL_METRICS_EXPORTER": "none"}, True, False),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "True"}, False, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True, False),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c/v1/metrics"}, False, True),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True, True),
    ],
)
def test_the_usual_variables_say_what_is_exported(environment, traces, metrics):
    assert Signals.wanted(environment) == Signals(traces=traces, metrics=metrics)


def test_what_cannot_be_is_off_and_said():
    grpc = Signals.wanted(ENDPOINT | {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"})
    assert (grpc.traces, grpc.metrics) == (False, True)
    assert grpc.refused == (
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is grpc, only http/protobuf is there: traces are off",
    )
    console = Signals.wanted({"OTEL_METRICS_EXPORTER": "console"})
    assert not console.any
    assert console.refused == (
        "OTEL_METRICS_EXPORTER is console, only otlp is there: metrics are off",
    )
