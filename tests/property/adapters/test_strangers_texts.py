"""Whatever a stranger sends, each parser gives a value or its declared error, and nothing else."""

import contextlib
import json
from datetime import UTC, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.contract import ALL, EXPECTED, manifest_of

from davylamp.adapters.errors import SourceError
from davylamp.adapters.pods.exchange import ExchangeError, PodRequest, _Answer
from davylamp.adapters.pods.exposition import WantedLines
from davylamp.adapters.pods.samples import AskedPod, samples_in
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.adapters.prometheus.texts.tasks import (
    AskedCounters,
    names_in,
    presence_in,
    scrapes_in,
    values_in,
)
from davylamp.adapters.reading.limits import UnreadableError
from davylamp.checks import Answered
from davylamp.checks.inspection import outline_of
from davylamp.checks.tasks import comparison_in, outline_in
from davylamp.gates.kinds.registry import CHANNELS
from davylamp.rollout.drift_reports import JobEnd, result_of

NOW = datetime(2026, 11, 1, 3, tzinfo=UTC)
NAMES = tuple(SeriesNames().items())
METRICS = sorted({m for channel in CHANNELS for m in SeriesNames().metrics(channel)})
POD = AskedPod("ns", "risk-4be2-abcde", 1000.0, tuple(c.name for c in CHANNELS), NAMES)
OUTLINE = outline_of(ALL, EXPECTED, Answered(manifest_of()))

numbers = st.one_of(
    st.integers(),
    st.integers(min_value=10**300, max_value=10**400),
    st.floats(),
    st.sampled_from(["1", "-1", "NaN", "+Inf", "1e999", "0x1", "", "1_000", "٣"]),
)
words = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["__name__", "namespace", "pod", "le", "code", "job", "ns", *METRICS, POD.name]
    ),
)
samples = st.one_of(
    st.tuples(numbers, numbers).map(list),
    st.tuples(
        numbers,
        st.fixed_dictionaries(
            {"count": numbers},
            optional={"buckets": st.lists(st.lists(numbers, max_size=5), max_size=3)},
        ),
    ).map(list),
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)
series = st.one_of(
    anything,
    st.fixed_dictionaries(
        {"metric": st.dictionaries(words, st.one_of(words, anything), max_size=5)},
        optional={
            "values": st.one_of(st.lists(samples, max_size=4), anything),
            "histograms": st.one_of(st.lists(samples, max_size=4), anything),
        },
    ),
)
answers = st.one_of(
    st.binary(max_size=60),
    anything.map(lambda document: json.dumps(document).encode()),
    st.one_of(anything, st.lists(series, max_size=4)).map(
        lambda result: json.dumps({"data": {"result": result}}).encode()
    ),
)
fragments = st.sampled_from(
    [
        "{",
        "}",
        '"',
        ",",
        "=",
        " ",
        "\\",
        "\t",
        "#",
        "# TYPE ",
        "\n",
        "NaN",
        "1e999",
        "-1",
        " 1",
        *METRICS,
    ]
)
lines = st.one_of(
    st.binary(max_size=80),
    st.lists(st.one_of(fragments, st.text(max_size=5)), max_size=20).map(
        lambda parts: "".join(parts).encode(errors="replace")
    ),
    st.builds(
        lambda metric, labels, value: f"{metric}{{{labels}}} {value}".encode(errors="replace"),
        st.sampled_from(METRICS),
        st.lists(st.tuples(words, words), max_size=3).map(
            lambda pairs: ",".join(f'{name}="{text}"' for name, text in pairs)
        ),
        numbers,
    ),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(lines, max_size=4).map(b"\n".join))
@example(b'model_requests_total{code="' + b"9" * 400 + b'"} ' + b"9" * 400)
def test_metrics_of_pods(text):
    with contextlib.suppress(UnreadableError):
        for sample in samples_in(text, POD).values():
            assert all(s.requests >= 0 for s in sample)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=6))
def test_pieces_of_a_text(pieces):
    wanted = WantedLines(tuple(metric.encode() for metric in METRICS))
    with contextlib.suppress(UnreadableError):
        for piece in pieces:
            wanted.add(piece)
        wanted.end()


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(CHANNELS), answers)
@example(CHANNELS[0], b"[" * 100_000)
@example(CHANNELS[0], b"1" * 5000)
def test_answers_of_prometheus(channel, text):
    query = CounterQuery(
        workloads=frozenset({("ns", "risk")}), at=1000.0, window=30.0, channel=channel
    )
    asked = AskedCounters.of(query)
    for read in (
        lambda: scrapes_in(text, asked),
        lambda: values_in(text),
        lambda: names_in(text, asked),
        lambda: presence_in(text),
    ):
        with contextlib.suppress(SourceError):
            read()


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=60), anything.map(lambda d: json.dumps(d).encode())))
@example(b"[" * 100_000)
@example(b'{"a":' + b"1" * 5000 + b"}")
def test_documents_of_model_servers(text):
    outline = outline_in(text, ALL, EXPECTED, "GET /manifest")
    assert [result.name for result in outline.results] == list(ALL)
    for check in OUTLINE.open_checks:
        comparison_in(text, check, OUTLINE.requests[0], (1e-6, 0.0), "POST /predict")


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), anything.map(json.dumps)), st.sampled_from([0, 3, 1, None]))
@example("[" * 100_000, 0)
@example("1" * 5000, 3)
@example('{"format":"davylamp.dev/drift/v1","verdict":"Stable","distance":' + "1" * 4000 + "}", 0)
def test_reports_of_the_nightly_job(text, code):
    result = result_of(JobEnd("job", "rev", NOW, exit_code=code, text=text))
    assert len(result.message) < 2000


http = st.one_of(
    st.binary(max_size=50),
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 101 Switching\r\n\r\n",
            b"HTTP/1.0 200 OK\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n", b"Content-Length: 3\r\n\r\n",
            b"Content-Length: 3, 4\r\n", b"\r\n", b"3\r\nabc\r\n", b"0\r\n\r\n", b"ffffffffffffffffff\r\n",
            b"-1\r\n", b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/2.0 200\r\n\r\n", b"Upgrade: h2c\r\n",
        ]
    ),
)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(st.lists(http, max_size=8))
def test_answers_over_http(pieces):
    received = list[bytes]()
    answer = _Answer(PodRequest("127.0.0.1", 80, "/", "ns", "*/*"), received.append)
    answer.question()
    with contextlib.suppress(ExchangeError):
        for piece in (*(piece for piece in pieces if piece), b""):
            answer.receive(piece)
            while not answer.is_over:
                answer.look()
                if answer.needs_more:
                    break
            if answer.is_over:
                break
        assert answer.is_over
