"""Answers of Prometheus that hurt: each is a bad answer in the worst case, and the event loop goes on."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator

import pytest
from tests.support.fakehttp import Response, serving
from tests.support.hostile import metered

from davylamp.adapters.errors import SourceError, SourceFault, TooMuch
from davylamp.adapters.prometheus.source import (
    THREADS,
    BackEnd,
    CounterQuery,
    PrometheusSource,
    RangeQuery,
)
from davylamp.adapters.reading.budget import SecondsBudget
from davylamp.adapters.reading.reader import Reader
from davylamp.controller.process.lag import PROMISED
from davylamp.gates import ERRORS, LATENCY
from davylamp.gates.samples import Sample

MIB = 1024 * 1024
BAD, GOOD = ("bad", "x-1-7d4b9c-abcde"), ("good", "x-1-7d4b9c-abcde")
BOTH = CounterQuery(
    workloads=frozenset({("bad", "x-1"), ("good", "x-1")}), at=1000.0, window=900.0, channel=LATENCY
)
OF_BAD = CounterQuery(workloads=frozenset({("bad", "x-1")}), at=1000.0, window=30.0)
OWN = RangeQuery(promql="sum(up)", start=990, end=1020, step=15, namespace="bad")


def answer(*series: bytes) -> bytes:
    return (
        b'{"status":"success","data":{"resultType":"matrix","result":[' + b",".join(series) + b"]}}"
    )


def bucket(pod: tuple[str, str], values: bytes, le: str = "+Inf", **labels: str) -> bytes:
    name = "model_request_seconds_bucket"
    metric = {"__name__": name, "namespace": pod[0], "pod": pod[1], "le": le, **labels}
    return b'{"metric":' + json.dumps(metric).encode() + b',"values":[' + values + b"]}"


def native(pod: tuple[str, str], samples: bytes) -> bytes:
    metric = {"__name__": "model_request_seconds", "namespace": pod[0], "pod": pod[1]}
    return b'{"metric":' + json.dumps(metric).encode() + b',"histograms":[' + samples + b"]}"


def own_times(series: int, samples: int) -> list[bytes]:
    """Each series has samples at times of its own: few bytes, and as many pairs as their product."""
    return [
        bucket(BAD, b",".join(b'[%d.%d,"1"]' % (t, s) for t in range(samples)), le=str(s))
        for s in range(series)
    ]


GOOD_SERIES = bucket(GOOD, b'[990,"5"],[995,"7"]')
VICTIMS = {
    "100,000 samples": [bucket(BAD, b",".join(b'[%d,"1"]' % t for t in range(100_000)))],
    "native histograms of nothing": [
        native(BAD, b",".join(b'[%d,{"count":"1"}]' % t for t in range(100_000)))
    ],
    "buckets without end": [
        native(BAD, b'[1,{"count":"1","buckets":[' + b",".join([b'[0,"1","1.1","9"]'] * 100_000) + b"]}]")
    ],
    "thousands of parts": [bucket(BAD, b'[990,"5"]', le=str(n)) for n in range(20_000)],
    "thousands of labels": [
        bucket(BAD, b'[990,"5"]', **{f"a{n}": "b" for n in range(50_000)})
    ],
    "a name of a megabyte": [bucket(BAD, b'[990,"5"]', le="9" * MIB)],
    "numbers that are none": [bucket(BAD, b",".join(b'[%d,"1e999"]' % t for t in range(50_000)))],
}  # fmt: skip
NONSENSE = {
    "objects": b"[" + b"{}," * 1_300_000 + b"{}]",
    "lists": b"[" + b"[]," * 1_300_000 + b"[]]",
    "depth": b"[" * (4 * MIB - 10),
    "depth of objects": b'{"a":' * 800_000,
    "digits": answer(bucket(BAD, b"[" + b"1" * (3 * MIB) + b',"1"]')),
    "a huge time": answer(bucket(BAD, b"[" + b"1" * 4000 + b',"1"],' * 100 + b"0")),
    "keys": b"{" + b",".join(b'"%d":1' % n for n in range(350_000)) + b"}",
    "the same key": b"{" + b'"a":1,' * 600_000 + b'"a":1}',
    "no text": b"\xff" * (3 * MIB),
    "one string": b'"' + b"\\u1234" * 600_000 + b'"',
}


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    made = Reader()
    yield made
    await made.aclose()


@pytest.fixture
def server():
    with serving(lambda _request: Response(b"")) as server:
        yield server


@pytest.fixture
def source(server, reader):
    source = PrometheusSource(
        BackEnd(url=f"http://127.0.0.1:{server.server_port}"), deadline=60, reader=reader
    )
    yield source
    source.close()


async def is_well(source, server) -> None:
    server.answer = lambda _request: Response(answer(GOOD_SERIES))
    assert GOOD in await source.scrapes(BOTH)


@pytest.mark.parametrize("name", VICTIMS)
async def test_one_pods_series_take_nothing_from_anothers(source, server, name):
    text = answer(*VICTIMS[name], GOOD_SERIES)
    assert len(text) < 4 * MIB
    server.answer = lambda _request: Response(text)
    async with metered() as lags:
        scrapes = await source.scrapes(BOTH)
    assert [sum(sample.parts.values()) for sample in scrapes[GOOD]] == [5.0, 7.0]
    assert lags.longest < PROMISED, lags


@pytest.mark.parametrize("name", NONSENSE)
async def test_nonsense_is_a_bad_answer_and_blocks_nobody(source, server, name):
    server.answer = lambda _request: Response(NONSENSE[name])
    async with metered() as lags:
        with pytest.raises(SourceError) as caught:
            await source.scrapes(BOTH)
    assert caught.value.fault is SourceFault.BAD_ANSWER
    assert len(str(caught.value)) < 200
    assert lags.longest < PROMISED, lags
    await is_well(source, server)


@pytest.mark.parametrize("name", ["objects", "depth", "keys"])
async def test_suggestions_and_own_queries_read_nonsense_as_one(source, server, name):
    server.answer = lambda _request: Response(NONSENSE[name][: MIB - 10])
    async with metered() as lags:
        for asked in (source.other_series(OF_BAD), source.values(OWN)):
            with pytest.raises(SourceError):
                await asked
    assert lags.longest < PROMISED, lags


async def test_series_with_times_of_their_own_cost_no_more_than_others(source, server):
    """Either they are taken for two scrapes of one pod, or there are too many of them for one."""
    server.answer = lambda _request: Response(answer(*own_times(200, 400), GOOD_SERIES))
    async with metered() as lags:
        with contextlib.suppress(SourceError):
            assert BAD not in await source.scrapes(BOTH)
    assert lags.longest < PROMISED, lags
    await is_well(source, server)


async def test_names_that_are_hard_to_compare_block_nobody(source, server):
    names = [f"{n}model_requests_total" + "model_requests_total" * 3 for n in range(3000)]
    text = answer(
        *(json.dumps({"metric": {"__name__": n}, "value": [1, "1"]}).encode() for n in names)
    )
    server.answer = lambda _request: Response(text)
    async with metered() as lags:
        try:
            other = await source.other_series(OF_BAD)
        except TooMuch:
            other = None
    assert other is None or other.others
    assert lags.longest < PROMISED, lags


async def test_errors_that_are_deep_or_long_are_told_in_short(source, server):
    for body in (b"[" * 60_000, b"1" * 60_000, b'{"error":"' + b"a" * 50_000 + b'"}', b"x" * MIB):
        server.answer = lambda _request, body=body: Response(body, 422)
        with pytest.raises(SourceError) as caught:
            await source.scrapes(BOTH)
        assert len(str(caught.value)) < 300


async def test_a_packed_answer_is_not_unpacked(source, server):
    headers = {"Content-Encoding": "gzip"}
    server.answer = lambda _request: Response(b"\x1f\x8b" + b"\0" * 1000, headers=headers)
    with pytest.raises(SourceError, match="no result of a query"):
        await source.scrapes(BOTH)


async def test_remarks_without_end_are_not_read_without_end(source, server):
    """Each list that begins would be looked at together with all the others after it."""
    text = b'"infos":["PromQL info: a"]' * (4 * MIB // 27)
    server.answer = lambda _request: Response(text)
    before = time.process_time()
    with pytest.raises(SourceError, match="more remarks than can be read"):
        await source.scrapes(BOTH)
    assert time.process_time() - before < 0.4  # it was 0.85, most of it with the interpreter's lock


async def test_a_label_that_is_called_as_remarks_are_is_none(source, server):
    labels = {"infos": "warnings", "warnings": "isPartial", "isPartial": "true"}
    text = answer(bucket(GOOD, b'[990,"5"]', **labels))
    server.answer = lambda _request: Response(text)
    assert GOOD in await source.scrapes(BOTH)


async def test_nobody_waits_in_the_event_loop_until_a_thread_has_started(reader):
    before = threading.active_count()
    source = PrometheusSource(BackEnd(url="http://127.0.0.1:1"), reader=reader)
    assert threading.active_count() == before + THREADS
    async with metered() as lags:
        await asyncio.gather(
            *(source.scrapes(BOTH) for _ in range(THREADS)), return_exceptions=True
        )
    assert max(lags.held) < PROMISED, lags
    source.close()


async def test_who_has_used_up_a_minute_is_told_and_others_are_read(server):
    reader = Reader(budget=SecondsBudget(0.001, lambda: 0.0))
    source = PrometheusSource(
        BackEnd(url=f"http://127.0.0.1:{server.server_port}"), deadline=60, reader=reader
    )
    server.answer = lambda _request: Response(NONSENSE["objects"][:MIB])
    with pytest.raises(SourceError):
        await source.values(OWN)
    with pytest.raises(SourceError, match=r"0\.001 s of a minute") as caught:
        await source.values(OWN)
    assert caught.value.fault is SourceFault.BAD_ANSWER
    text = answer(GOOD_SERIES, *VICTIMS["thousands of parts"][:1000])
    server.answer = lambda _request: Response(text)
    assert GOOD in await source.scrapes(BOTH)
    source.close()
    await reader.aclose()


async def test_long_answers_count_as_memory_until_they_were_read(source, server, reader):
    text = answer(*VICTIMS["thousands of parts"], GOOD_SERIES)
    server.answer = lambda _request: Response(text)
    answers = await asyncio.gather(
        *(source.scrapes(BOTH) for _ in range(16)), return_exceptions=True
    )
    good = [a for a in answers if not isinstance(a, SourceError)]
    assert good
    assert all(GOOD in a for a in good)
    await is_well(source, server)
    assert reader.in_hand.taken == 0


async def test_a_long_answer_gives_the_samples_that_a_short_one_gives(source, server):
    """The same code reads in both places; a channel is known by its name in the other one."""
    query = CounterQuery(workloads=BOTH.workloads, at=1000.0, window=30.0, channel=ERRORS)
    series = {
        "metric": {"namespace": "good", "pod": GOOD[1], "code": "500"},
        "values": [[990, "5"]],
    }
    filler = [{"metric": {"namespace": "none", "pod": str(n)}, "values": []} for n in range(5000)]
    for result in ([series], [*filler, series]):
        document = {"status": "success", "data": {"resultType": "matrix", "result": result}}
        server.answer = lambda _request, document=document: Response(document)
        assert await source.scrapes(query) == {GOOD: (Sample(990.0, 5.0, 5.0),)}
