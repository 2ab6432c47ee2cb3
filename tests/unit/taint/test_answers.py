"""A canary secret in what pods and Prometheus answer over HTTP, and in the errors that it makes."""

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fakehttp import FakeHttp, Response, serving
from tests.support.taint import CANARY, SPOKEN, leaks

from davylamp.adapters.errors import Retryable, SourceError
from davylamp.adapters.pods.metrics import PodMetrics, PodTarget
from davylamp.adapters.pods.model_server import HttpModelServer, PodAddress
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.adapters.prometheus.source import BackEnd, PrometheusSource
from davylamp.adapters.prometheus.user_query import RangeQuery
from davylamp.adapters.reading.reader import Reader
from davylamp.controller.logs import JsonFormatter
from davylamp.gates.kinds.registry import CHANNELS
from davylamp.rollout.pods.phrases import PHRASES, objects_in, phrases_in
from davylamp.schema.pseudonyms import pseudonym

HEADERS = {"X-Secret": CANARY, "Server": CANARY, "Location": f"/{CANARY}", "Set-Cookie": CANARY}
ANSWERS: Mapping[str, Response] = {
    "an error": Response(SPOKEN, 500, CANARY, HEADERS),
    "a JSON error": Response({"error": SPOKEN, CANARY: CANARY}, 422, CANARY, HEADERS),
    "not found": Response(SPOKEN, 404, CANARY, HEADERS),
    "busy": Response(SPOKEN, 503, CANARY, HEADERS),
    "a redirect": Response(SPOKEN, 302, CANARY, HEADERS),
    "text": Response(SPOKEN, 200, CANARY, HEADERS),
    "cut JSON": Response(f'{{"{CANARY}": "{CANARY}', 200, CANARY, HEADERS),
    "a constant": Response(f'{{"{CANARY}": NaN}}', 200, CANARY, HEADERS),
    "no UTF-8": Response(CANARY.encode("utf-16"), 200, CANARY, HEADERS),
    "a strange encoding": Response(SPOKEN, 200, CANARY, {**HEADERS, "Content-Encoding": "gzip"}),
}


@pytest.fixture(params=ANSWERS)
def server(request) -> Iterator[FakeHttp]:
    response = ANSWERS[request.param]
    with serving(lambda _asked: response) as server:
        yield server


async def test_what_a_model_server_answers(server):
    reader = Reader()
    model = HttpModelServer(reader, timeout=5.0)
    pod = PodAddress("risk-1", "u", "127.0.0.1", server.server_port)
    for reply in (await model.get(pod, "/manifest"), await model.post(pod, "/predict", b"{}")):
        assert not leaks(f"{reply}")
    await reader.aclose()


HOSTILE = [
    f'model_requests_total{{code="200",{CANARY}="{CANARY}"}} {CANARY}\n',
    f"model_requests_total{CANARY} 1 1\nmodel_requests_total{CANARY} 1 1\n",
    f'model_requests_total{{code="{CANARY}"}} 1\n' * 2,
    f"model_requests_total {CANARY}",
    f'model_explanation_share_sum{{feature="{CANARY}}} 1\n',
    f'model_prediction_score_bucket{{le="{CANARY}"}} 1\n' * 2,
    f"model_requests_total{{{CANARY}\n",
]


@pytest.mark.parametrize(
    "text", [*HOSTILE, *(answer.content.decode("latin-1") for answer in ANSWERS.values())]
)
async def test_what_a_pod_exposes(text):
    with serving(lambda _asked: Response(text, 200, CANARY, HEADERS)) as server:
        reader = Reader()
        metrics = PodMetrics(SeriesNames(), reader=reader)
        target = PodTarget("ns", "risk-4be2-abcde", "u", "127.0.0.1", server.server_port)
        sweep = await metrics.sweep([target])
        await reader.aclose()
    assert not leaks(f"{sweep.failed} {sweep.samples}")


def test_a_label_in_the_shape_of_a_pseudonym_is_not_quoted():
    """Else a pod would spell a Secret in the names of its groups, three bytes each."""
    spelt = f"#{CANARY[:3].encode().hex()}"
    labels = {"feature": spelt, "group": spelt, "code": "200", "outcome": "high", "le": "1"}
    names = SeriesNames()
    roles = [c.role(names, metric, labels) for c in CHANNELS for metric in c.metrics(names)]
    told = {part for role in roles if role for part in role.parts}
    assert {part.partition("/")[0] for part in told if "#" in part} == {pseudonym(spelt)}
    assert spelt not in f"{told}"


QUERIES = [
    CounterQuery(workloads=frozenset({("a", "x-1")}), at=1000.25, window=30.0, channel=channel)
    for channel in CHANNELS
]
LABELS = {
    "namespace": "a",
    "pod": "x-1-7d4b9c-abcde",
    "feature": CANARY,
    "group": CANARY,
    "code": CANARY,
    "le": CANARY,
    "outcome": CANARY,
    CANARY: SPOKEN,
}
NAMES = [
    "model_requests_total",
    "model_explanation_share_sum",
    "model_explanation_share_count",
    "model_group_requests_total",
    "model_prediction_score_bucket",
    CANARY,
]


def result(values: object) -> object:
    series = [{"metric": {"__name__": name, **LABELS}, "values": values} for name in NAMES]
    return {"status": "success", "data": {"resultType": "matrix", "result": series}}


def duplicate(pair: str) -> object:
    error = f'found duplicate series for the match group {{pod="{CANARY}"}}: [{{{pair}}}]'
    return {"status": "error", "errorType": "execution", "error": error}


MIX = f'PromQL warning: encountered a mix of floats and histograms for metric name "{CANARY}"'
FROM_PROMETHEUS = {
    **ANSWERS,
    "series": Response(result([[990, "5"]])),
    "text for numbers": Response(result([[990, CANARY]])),
    "no pairs": Response(result([CANARY])),
    "no series": Response({"status": "success", "data": {"result": CANARY}}),
    "labels in an error": Response(duplicate(f'note="{CANARY}"'), 422),
    "too much": Response(duplicate(f'note="{CANARY} exceeds the limit"'), 422),
    "a warning": Response({**result([[990, "5"]]), "warnings": [MIX], "infos": [MIX]}),
}


@pytest.mark.parametrize("name", FROM_PROMETHEUS)
async def test_what_prometheus_repeats_of_pods(name):
    with serving(lambda _asked: FROM_PROMETHEUS[name]) as server:
        source = PrometheusSource(BackEnd(url=server.url))
        own = RangeQuery(promql="sum(up)", start=990, end=1020, step=15)
        asked = [source.scrapes(query) for query in QUERIES]
        asked += [source.other_series(query) for query in QUERIES]
        answers = await asyncio.gather(*asked, source.values(own), return_exceptions=True)
        source.close()
    for answer in answers:
        assert not isinstance(answer, Exception) or isinstance(answer, SourceError)
        assert not leaks(f"{answer}")


# --- errors in the log ----------------------------------------------------------------------------


def logged(error: BaseException) -> str:
    record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), None)
    record.exc_info = (type(error), error, error.__traceback__)
    return json.loads(JsonFormatter().format(record))["exception"]


def raised(do: object) -> BaseException:
    try:
        do()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError


def chained() -> None:
    try:
        float(CANARY)
    except ValueError as error:
        raise KeyError(CANARY) from error


def handled() -> None:
    try:
        {}[CANARY]
    except KeyError:
        int(CANARY)


def grouped() -> None:
    raise ExceptionGroup(CANARY, [ValueError(CANARY), OSError(CANARY)])


@pytest.mark.parametrize(
    "do", [lambda: json.loads(SPOKEN), lambda: b"\xff".decode(CANARY), chained, handled, grouped]
)
def test_errors_of_others_are_logged_by_their_kinds(do):
    text = logged(raised(do))
    assert "Error" in text
    assert "test_answers.py" in text
    assert not leaks(text)


def test_our_own_errors_are_logged_with_their_words():
    assert "Retryable: the API server is away" in logged(Retryable("the API server is away"))


def test_a_lost_task_is_logged_without_what_it_ended_in():
    record = logging.LogRecord(
        "asyncio", 40, "", 0, f"Task exception was never retrieved\nfuture: {CANARY!r}", (), None
    )
    assert not leaks(JsonFormatter().format(record))


# --- messages of kubelets -------------------------------------------------------------------------


@given(st.text() | st.sampled_from(PHRASES).map(lambda phrase: f"{CANARY} {phrase}: {CANARY}"))
def test_a_message_is_told_in_words_of_the_list(message):
    told = phrases_in(message)
    parts = [part for part in told.split(", ") if part]
    assert all(part in PHRASES or part.startswith("HTTP ") for part in parts)
    assert objects_in(f'secret "{CANARY}" not found', {"token"}) == "secret not found"
    assert objects_in(f'volume "{CANARY}"', {"token"}) == ""
    assert objects_in(f"couldn't find key {CANARY} in Secret models/token", {"token"}) == ""


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            'Readiness probe failed: Get "http://10.0.0.1:8080/tigerlily": EOF',
            "",
        ),
        ("Liveness probe failed: HTTP probe failed with statuscode: 503", "HTTP 503"),
        (
            "unexpected status from HEAD request to https://r.example/v2/x/1: 403 Forbidden",
            "HTTP 403, forbidden",
        ),
        (
            'exec: "tigerlily": executable file not found in $PATH: unknown',
            "executable file not found in $PATH",
        ),
        ("x509: certificate is valid for tigerlily, not 10.0.0.1", "x509"),
    ],
)
def test_what_is_told_of_messages(message, told):
    assert phrases_in(message) == told
