"""Which series pods have instead of the wanted ones, for a user whose gate has no data.

Two small queries: names of metrics that look like the wanted ones, and whether the wanted ones are
there when nothing is selected. Pods expose whatever their authors like, so of their names those of
common model servers are told, which stand here, and others are counted; the query that shows all
of them is told too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from davylamp.adapters.prometheus.matchers import METRIC_NAME, Matcher
from davylamp.adapters.prometheus.promql import CounterQuery, braces, selector_text
from davylamp.adapters.prometheus.query_result import all_series, labels_of
from davylamp.adapters.prometheus.series import SETTINGS
from davylamp.gates.channels import Form

METRICS_LIMIT: Final = 10
_LIKELY: Final = "request|response|duration|latency|second|predict|score|explanation|group"
_SUFFIXES: Final = ("", "_total", "_count", "_sum", "_bucket", "_created")
_OF_SERVERS: Final = (
    ":tensorflow:serving:request_count",
    ":tensorflow:serving:request_latency",
    "bentoml_service_request",
    "bentoml_service_request_duration_seconds",
    "flask_http_request",
    "flask_http_request_duration_seconds",
    "http_request_duration_highr_seconds",
    "http_request_duration_seconds",
    "http_requests",
    "http_server_duration_milliseconds",
    "http_server_request_duration_seconds",
    "istio_request_duration_milliseconds",
    "istio_requests",
    "model_infer_request_duration",
    "model_infer_request_failure",
    "model_infer_request_success",
    "nv_inference_request_duration_us",
    "nv_inference_request_failure",
    "nv_inference_request_success",
    "ray_serve_http_request_latency_ms",
    "ray_serve_num_http_requests",
    "request_explain_seconds",
    "request_predict_seconds",
    "requests",
    "rest_server_request_duration_seconds",
    "rest_server_requests",
    "seldon_api_executor_server_requests_seconds",
    "starlette_request_duration_seconds",
    "starlette_requests",
    "ts_inference_latency_microseconds",
    "ts_inference_requests",
    "vllm:e2e_request_latency_seconds",
    "vllm:request_success",
)
_KNOWN: Final = frozenset(
    f"{name}{suffix}"
    for name in (*_OF_SERVERS, *(s.default for s in SETTINGS.values() if s.form is Form.METRIC))
    for suffix in _SUFFIXES
)


@dataclass(frozen=True, slots=True)
class OtherSeries:
    """What the pods in play have instead of the wanted series.

    Attributes:
        metrics: names of common model servers among those that look like the wanted ones, the most
            similar first.
        others: how many further names look like them.
        is_there: whether the wanted metric is there, whatever the selector says.
    """

    metrics: tuple[str, ...] = ()
    others: int = 0
    is_there: bool = False


def names_text(query: CounterQuery) -> str:
    """PromQL for the names of the metrics that could be meant."""
    prefixes = {name.partition("_")[0] for name in query.metrics}
    similar = f"(?:{'|'.join(sorted(prefixes))})(?:_.*)?|.*(?:{_LIKELY}).*"
    matchers = (Matcher(METRIC_NAME, "=~", similar), *query.pod_matchers)
    return f"count by ({METRIC_NAME}) ({braces(matchers)})"


def all_names_text(query: CounterQuery) -> str:
    """PromQL for the names of all metrics of the pods in play: for users."""
    return f"count by ({METRIC_NAME}) ({braces(query.pod_matchers)})"


def unselected_text(query: CounterQuery) -> str:
    """PromQL for the series of the wanted metric, of the pods in play, without the selector."""
    return selector_text(query.metrics, query.pod_matchers)


def read_names(query: CounterQuery, result: object) -> OtherSeries:
    """Names of metrics, those most similar to the wanted ones first."""
    names = {labels_of(item).get(METRIC_NAME, "") for item in all_series(result)} - {""}
    ranked = sorted(names & _KNOWN, key=lambda name: (-_likeness(name, query.metrics), name))
    shown = tuple(ranked[:METRICS_LIMIT])
    return OtherSeries(shown, others=len(names) - len(shown))


def read_presence(result: object) -> bool:
    """Whether there is any series."""
    return bool(all_series(result))


def _likeness(name: str, wanted: Iterable[str]) -> float:
    return max(SequenceMatcher(None, metric, name).ratio() for metric in wanted)
