"""The metric source against a real local HTTP server that answers well, badly, or not at all."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

import pytest
from tests.support.fakehttp import Request, Response, serving

from davylamp.adapters.errors import SourceError, SourceFault, TooMuch
from davylamp.adapters.prometheus.session import CAUTIOUS
from davylamp.adapters.prometheus.source import (
    BackEnd,
    CounterQuery,
    OtherSeries,
    PrometheusSource,
    RangeQuery,
)
from davylamp.gates import LATENCY
from davylamp.gates.samples import Sample

QUERY = CounterQuery(workloads=frozenset({("a", "x-1")}), at=1000.25, window=30.0)
POD = "x-1-7d4b9c-abcde"
GOOD = {
    "status": "success",
    "data": {
        "resultType": "matrix",
        "result": [
            {"metric": {"namespace": "a", "pod": POD, "code": "200"}, "values": [[990, "5"]]},
            {"metric": {"namespace": "a", "pod": POD, "code": "500"}, "values": [[990, "1"]]},
        ],
    },
}


OWN = RangeQuery(promql="sum(up)", start=990, end=1020, step=15)
LATENCY = CounterQuery(
    workloads=frozenset({("a", "x-1")}), at=1000.25, window=30.0, channel=LATENCY
)


@dataclass
class Server:
    """Gives one prepared answer."""

    url: str
    requests: list[Request]
    body: object = field(default_factory=lambda: GOOD)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    trickle: float = 0.0

    def answer(self, _request: Request) -> Response:
        return Response(
            self.body,
            self.status,
            headers=self.headers,
            hangs=self.hangs,
            trickle=self.trickle,
        )

    @property
    def asked(self) -> list[tuple[str, str, dict[str, str], Message]]:
        """Method, path, form and headers of all requests."""
        return [(r.method, r.target, r.form, r.headers) for r in self.requests]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(lambda _request: Response()) as http:
        server = Server(http.url, http.requests)
        http.answer = server.answer
        yield server


@pytest.fixture
async def source(server: Server) -> AsyncIterator[PrometheusSource]:
    source = PrometheusSource(BackEnd(url=f"{server.url}/prefix/"))
    yield source
    source.close()


async def failure(source: PrometheusSource) -> SourceError:
    with pytest.raises(SourceError) as caught:
        await source.scrapes(QUERY)
    return caught.value


async def test_a_good_answer_becomes_samples(server: Server, source) -> None:
    assert await source.scrapes(QUERY) == {("a", POD): (Sample(990.0, 6.0, 1.0),)}
    ((method, path, form, headers),) = server.asked
    assert (method, path) == ("POST", "/prefix/api/v1/query")
    assert form == {"query": QUERY.text, "time": "1000.250", **CAUTIOUS}
    assert "Authorization" not in headers


async def test_nothing_to_ask_about_is_not_asked(server: Server, source) -> None:
    nobody = CounterQuery(workloads=frozenset(), at=1.0, window=1.0)
    assert await source.scrapes(nobody) == {}
    assert server.asked == []


async def test_a_query_too_long_for_a_url_gets_through(server: Server, source) -> None:
    workloads = frozenset(("a", f"model-with-a-long-name-{n:010d}") for n in range(3000))
    await source.scrapes(CounterQuery(workloads=workloads, at=1.0, window=1.0))
    assert len(server.asked[0][2]["query"]) > 90_000


async def test_an_empty_answer_is_no_error(server: Server, source) -> None:
    server.body = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    assert await source.scrapes(QUERY) == {}


@pytest.mark.parametrize(
    "body",
    [
        "<html>Sign in</html>",
        "",
        "[]",
        "null",
        {"status": "error", "error": "x"},
        {"status": "success", "data": None},
        {"status": "success", "data": {"resultType": "scalar", "result": [1000.0, "0.5"]}},
        {"status": "success", "data": {"resultType": "string", "result": [1000.0, "text"]}},
        {"data": {"result": [{"metric": {"namespace": "a", "pod": POD}, "value": [1, "1"]}]}},
    ],
)
async def test_nonsense_is_a_bad_answer(server: Server, source, body: object) -> None:
    server.body = body
    assert (await failure(source)).fault is SourceFault.BAD_ANSWER


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (204, SourceFault.BAD_ANSWER),
        (302, SourceFault.BAD_ANSWER),
        (400, SourceFault.BAD_ANSWER),
        (404, SourceFault.BAD_ANSWER),
        (422, SourceFault.BAD_ANSWER),
        (401, SourceFault.DOWN),
        (403, SourceFault.DOWN),
        (429, SourceFault.DOWN),
        (500, SourceFault.DOWN),
        (503, SourceFault.DOWN),
    ],
)
async def test_a_refusal_is_asked_once_and_named(server: Server, source, status, fault) -> None:
    server.status = status
    server.headers = {"Location": "/elsewhere"}
    server.body = (
        "" if status == 204 else {"status": "error", "error": "1:5: parse error: unclosed"}
    )
    error = await failure(source)
    assert error.fault is fault
    assert error.reason == fault.value
    assert f"HTTP {status}" in error.message
    assert len(server.asked) == 1
    if status != 204:
        assert "parse error" in error.message


async def test_a_refusal_in_html_is_not_repeated_to_people(server: Server, source) -> None:
    server.status, server.body = 500, "<html>token=abc</html>"
    assert (await failure(source)).message == "Prometheus: HTTP 500"


@pytest.mark.parametrize("slow", [{"hangs": True}, {"trickle": 0.05}])
async def test_one_deadline_bounds_the_whole_answer(server: Server, slow) -> None:
    server.hangs, server.trickle = slow.get("hangs", False), slow.get("trickle", 0.0)
    source = PrometheusSource(BackEnd(url=server.url), deadline=0.3)
    began = time.monotonic()
    error = await failure(source)
    assert time.monotonic() - began < 2
    assert error.fault is SourceFault.DOWN
    assert error.message == "Prometheus: no answer within 0.3 s"
    source.close()


async def test_a_trickling_answer_does_not_hold_its_thread(server: Server) -> None:
    server.trickle = 0.05
    source = PrometheusSource(BackEnd(url=server.url), deadline=0.3)
    for _ in range(3):
        await failure(source)
    server.trickle = 0.0
    async with asyncio.timeout(5):
        while True:
            try:
                assert await source.scrapes(QUERY)
            except SourceError:
                continue
            break
    source.close()


async def test_a_refused_connection_is_down(unused_tcp_port: int) -> None:
    source = PrometheusSource(BackEnd(url=f"http://127.0.0.1:{unused_tcp_port}"))
    error = await failure(source)
    assert error.fault is SourceFault.DOWN
    assert error.message == "Prometheus: cannot be asked: ConnectionError"
    source.close()


async def test_an_endless_answer_is_cut(server: Server) -> None:
    source = PrometheusSource(BackEnd(url=server.url), answer_limit=1000)
    server.body = " " * 2000
    error = await failure(source)
    source.close()
    assert isinstance(error, TooMuch)
    assert (error.fault, error.message) == (
        SourceFault.BAD_ANSWER,
        "Prometheus: the answer is too long",
    )


async def test_what_prometheus_may_not_load_is_too_much(server: Server, source) -> None:
    server.status = 422
    server.body = {"status": "error", "error": "query processing would load too many samples"}
    error = await failure(source)
    assert isinstance(error, TooMuch)
    assert "too many samples" in error.message
    server.body = {"status": "error", "error": "many-to-many matching not allowed"}
    assert not isinstance(await failure(source), TooMuch)


async def test_a_gateway_that_is_down_is_no_long_answer(server: Server, source) -> None:
    server.status, server.body = 502, "<html>" + " " * 1_000_000
    error = await failure(source)
    assert (error.fault, error.message) == (SourceFault.DOWN, "Prometheus: HTTP 502")


async def test_the_token_is_read_anew_for_each_request(server: Server, tmp_path: Path) -> None:
    token = tmp_path / "token"
    source = PrometheusSource(BackEnd(url=server.url, bearer_token_file=str(token)))
    for text in ("first\n", "second"):
        token.write_text(text)
        await source.scrapes(QUERY)
    sent = [headers["Authorization"] for *_, headers in server.asked]
    assert sent == ["Bearer first", "Bearer second"]
    token.unlink()
    error = await failure(source)
    assert error.fault is SourceFault.DOWN
    assert "second" not in error.message
    source.close()


async def test_queries_are_counted_with_their_outcome(server: Server) -> None:
    told: list[tuple[str, float]] = []
    source = PrometheusSource(BackEnd(url=server.url), on_query=lambda *query: told.append(query))
    await source.scrapes(QUERY)
    server.status = 500
    await failure(source)
    assert [result for result, _ in told] == ["ok", "SourceDown"]
    assert all(seconds > 0 for _, seconds in told)
    source.close()


def matrix(*series: object) -> dict:
    return {"status": "success", "data": {"resultType": "matrix", "result": list(series)}}


async def test_a_native_histogram_becomes_counts_up_to_boundaries(server: Server, source) -> None:
    name = {"__name__": "model_request_seconds", "namespace": "a", "pod": POD, "route": "predict"}
    buckets = [[0, "0.25", "0.2973017787506803", "3"], [0, "0.5", "0.5452538663326288", "1"]]
    histogram = {"count": "4", "sum": "1.4", "buckets": buckets}
    server.body = matrix({"metric": name, "histograms": [[990.5, histogram]]})
    ((sample,),) = (await source.scrapes(LATENCY)).values()
    assert server.asked[0][2]["query"] == LATENCY.text
    assert (sample.time, sample.requests) == (990.5, 4.0)
    assert (sample.parts["0.25"], sample.parts["0.5"], sample.parts["1.0"]) == (0.0, 3.0, 4.0)


async def test_an_own_query_is_asked_on_its_grid(server: Server, source) -> None:
    server.body = matrix({"metric": {}, "values": [[990, "0.5"], [1005, "NaN"], [1020, "7"]]})
    assert await source.values(OWN) == {990.0: 0.5, 1020.0: 7.0}
    ((method, path, form, _),) = server.asked
    assert (method, path) == ("POST", "/prefix/api/v1/query_range")
    assert form == {"query": "sum(up)", "start": "990", "end": "1020", "step": "15s", **CAUTIOUS}


async def test_an_own_query_with_several_series_says_what_to_do(server: Server, source) -> None:
    server.body = matrix({"metric": {"a": "1"}, "values": []}, {"metric": {}, "values": []})
    with pytest.raises(SourceError) as caught:
        await source.values(OWN)
    assert caught.value.fault is SourceFault.BAD_ANSWER
    assert caught.value.message == (
        "Prometheus: the query gives 2 series where one is needed: aggregate with sum or max"
    )


async def test_a_parse_error_is_told_in_short_and_without_the_rest(server: Server, source) -> None:
    server.status = 400
    said = "1:5: parse error:\n unclosed left parenthesis " + "x" * 500
    server.body = {"status": "error", "errorType": "bad_data", "error": said, "data": "secret"}
    with pytest.raises(SourceError) as caught:
        await source.values(OWN)
    assert caught.value.fault is SourceFault.BAD_ANSWER
    message = caught.value.message
    assert message.startswith("Prometheus: HTTP 400 1:5: parse error: unclosed left parenthesis x")
    assert len(message) == len("Prometheus: HTTP 400 ") + 200
    assert "secret" not in message
    assert server.url not in message


async def test_what_is_there_instead_takes_two_small_queries(server: Server, source) -> None:
    server.body = {
        "status": "success",
        "data": {
            "resultType": "vector",
            "result": [{"metric": {"__name__": "http_requests_total"}, "value": [1000, "2"]}],
        },
    }
    assert await source.other_series(QUERY) == OtherSeries(("http_requests_total",), is_there=True)
    asked = [form["query"].partition("(")[0] for _, _, form, _ in server.asked]
    assert asked == ["count by ", "count"]
    nobody = CounterQuery(workloads=frozenset(), at=1.0, window=1.0)
    assert await source.other_series(nobody) == OtherSeries()
    assert len(server.asked) == 2


async def test_many_queries_are_asked_at_once_and_end_by_one_moment(server: Server) -> None:
    told: list[str] = []
    source = PrometheusSource(
        BackEnd(url=server.url), on_query=lambda result, _: told.append(result)
    )
    server.hangs = True
    began = time.monotonic()
    until = asyncio.get_running_loop().time() + 0.4
    asked = [source.scrapes(QUERY, until=until), source.values(OWN, until=until)]
    asked += [source.other_series(QUERY, until=until) for _ in range(4)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert time.monotonic() - began < 2
    assert {answer.fault for answer in answers} == {SourceFault.DOWN}
    assert "no answer within 0.4 s" in str(answers[0])
    assert len(server.asked) == len(answers)
    assert told == ["SourceDown"] * len(answers)
    source.close()


async def test_once_the_moment_has_passed_nothing_is_asked(server: Server, source) -> None:
    with pytest.raises(SourceError, match="no time was left") as caught:
        await source.scrapes(QUERY, until=asyncio.get_running_loop().time())
    assert caught.value.fault is SourceFault.DOWN
    assert server.asked == []


async def test_whoever_asks_may_stop_waiting(server: Server) -> None:
    told: list[str] = []
    source = PrometheusSource(
        BackEnd(url=server.url), on_query=lambda result, _: told.append(result)
    )
    server.hangs = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await asyncio.gather(source.scrapes(QUERY), source.values(OWN))
    server.hangs = False
    assert await source.scrapes(QUERY)
    assert told == ["ok"]
    source.close()


async def test_a_user_cannot_fill_the_memory_with_an_own_query(server: Server, source) -> None:
    values = [[15 * n, "1.234567890123456"] for n in range(10_000)]
    server.body = matrix({"metric": {}, "values": values})
    assert len(await source.values(OWN)) == 10_000
    server.body = matrix(*[{"metric": {"pod": str(n)}, "values": values} for n in range(20)])
    with pytest.raises(SourceError, match="too long: aggregate it to one series") as caught:
        await source.values(OWN)
    assert caught.value.fault is SourceFault.BAD_ANSWER


@pytest.mark.parametrize(
    "url",
    ["prometheus:9090", "file:///etc/passwd", "http://u:secret@host", "http://h?x=1", "http://"],
)
def test_a_url_that_is_none_or_carries_credentials_is_refused(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        PrometheusSource(BackEnd(url=url))
    assert "secret" not in str(caught.value)
