"""Pods that answer with whatever hurts most: the event loop goes on, and only they have no answer."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator

import pytest
from tests.support.hostile import CHUNKED, HEAD, metered, sending, whole

from davylamp.adapters.pods.metrics import PodMetrics, PodTarget
from davylamp.adapters.pods.model_server import HttpModelServer, PodAddress
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.adapters.reading.budget import SecondsBudget
from davylamp.adapters.reading.reader import Reader
from davylamp.checks import Declined, Received, Silent
from davylamp.controller.process.lag import PROMISED

PODS = 16
TIMEOUT = 1.0
MIB = 1024 * 1024
LINE = b'model_requests_total{code="200",route="predict"} 90\n'
ANSWERS = {
    "chunks of one byte": (CHUNKED, b"1\r\na\r\n" * 10_000),
    "chunks with long names": (CHUNKED, b"1;" + b"a" * 8000 + b"\r\na\r\n"),
    "statuses without end": (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "headers without end": (HEAD, b"a: b\r\n" * 10_000),
    "one header without end": (HEAD + b"a: ", b"b" * 65536),
    "a body without end": (HEAD + b"\r\n", b"a" * 65536),
    "lines without end": (HEAD + b"\r\n", b"\n" * 65536),
    "wanted lines without end": (HEAD + b"\r\n", LINE * 1000),
    "no HTTP": (b"", b"\x00\xff" * 30_000),
    "one byte now and then": (HEAD + b"Content-Length: 100000\r\n\r\n", b"a"),
    "a length that is none": (HEAD + b"Content-Length: " + b"9" * 4000 + b"\r\n\r\n", b"a" * 65536),
    "a redirect": (b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n", b""),
    "something packed": (HEAD + b"Content-Encoding: gzip\r\n\r\n", b"\x1f\x8b" * 30_000),
}  # fmt: skip


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    made = Reader()
    yield made
    await made.aclose()


@pytest.mark.parametrize("name", ANSWERS)
async def test_no_answer_of_many_pods_blocks_the_event_loop(reader, name):
    first, again = ANSWERS[name]
    metrics = PodMetrics(SeriesNames(), timeout=TIMEOUT, reader=reader)
    models = HttpModelServer(reader, timeout=TIMEOUT)
    with sending(first, again, every=0.1 if name == "one byte now and then" else 0.0) as port:
        async with metered() as lags:
            pods = [
                PodTarget("ns", f"risk-4be2-{n:05}", "u", "127.0.0.1", port) for n in range(PODS)
            ]
            asked = [PodAddress(pod.name, "u", "127.0.0.1", port, "ns") for pod in pods]
            sweep, *replies = await asyncio.gather(
                metrics.sweep(pods), *(models.get(pod, "/manifest") for pod in asked)
            )
    assert len(sweep.failed) == PODS
    assert all(isinstance(reply, Declined | Silent) for reply in replies)
    assert lags.longest < PROMISED, lags
    assert reader.in_hand.taken == 0


async def test_a_good_pod_is_read_while_many_others_send_without_end(reader):
    """What hostile pods cost is one piece a turn of the event loop."""
    metrics = PodMetrics(SeriesNames(), timeout=TIMEOUT, reader=reader)
    with sending(HEAD + b"\r\n", b"\n" * 65536) as hostile, sending(whole(LINE)) as good:
        bad = [
            PodTarget("bad", f"risk-4be2-{n:05}", "u", "127.0.0.1", hostile) for n in range(PODS)
        ]
        mine = [PodTarget("mine", "risk-4be2-abcde", "u", "127.0.0.1", good)]
        async with metered() as lags:
            other, sweep = await asyncio.gather(metrics.sweep(bad), metrics.sweep(mine))
    assert len(other.failed) == PODS
    assert not sweep.failed
    assert lags.longest < PROMISED, lags


async def test_a_namespace_that_took_its_time_of_the_event_loop_is_not_asked():
    now = [0.0]
    reader = Reader()
    reader.receiving = SecondsBudget(0.01, lambda: now[0])
    models = HttpModelServer(reader, timeout=TIMEOUT, largest=64 * MIB)
    with sending(CHUNKED, b"1\r\na\r\n" * 10_000) as port, sending(whole(b"{}")) as good:
        reply = await models.get(PodAddress("p", "u", "127.0.0.1", port, "bad"), "/manifest")
        assert "0.01 s of a minute" in reply.problem
        assert isinstance(reply, Silent)
        again = await models.get(PodAddress("p", "u", "127.0.0.1", good, "bad"), "/manifest")
        other = await models.get(PodAddress("p", "u", "127.0.0.1", good, "good"), "/manifest")
    assert isinstance(again, Silent)
    assert other == Received(b"{}")


async def test_unread_answers_of_a_namespace_have_a_bound_in_memory(reader):
    models = HttpModelServer(reader, timeout=20)
    size = 2 * MIB - 1

    async def kept(port: int) -> list[bool]:
        asked = [
            models.get(PodAddress("p", "u", "127.0.0.1", port, namespace), "/manifest")
            for namespace in ["bad"] * 12 + ["good"] * 2
        ]
        replies = await asyncio.gather(*asked)
        received = [isinstance(reply, Received) for reply in replies]
        assert reader.in_hand.taken == sum(received) * size
        return received

    with sending(whole(b"1" * size)) as port:
        received = await kept(port)
    assert sum(received[:12]) <= 4
    assert all(received[12:])
    await asyncio.sleep(0)  # the event loop holds what it has just handed over
    gc.collect()
    assert reader.in_hand.taken == 0


async def test_an_address_that_is_none_is_not_asked(reader):
    metrics = PodMetrics(SeriesNames(), timeout=TIMEOUT, reader=reader)
    with sending(whole(LINE)) as port:
        pod = PodTarget(
            "ns", "risk-4be2-abcde", "u", "127.0.0.1", port, "/a\r\nX-Evil: 1\r\n\r\n é"
        )
        began = time.monotonic()
        sweep = await metrics.sweep([pod])
    assert not sweep.failed or "no such address" in sweep.failed[pod.key]
    assert time.monotonic() - began < 10
