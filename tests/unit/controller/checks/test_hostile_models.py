"""Model servers that answer with what hurts a reader: their checks fail, and nobody else waits."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from tests.support.contract import ALL, EXPECTED, Server, as_text, manifest_of
from tests.support.fakehttp import Response, serving
from tests.support.hostile import metered

from davylamp.adapters.pods.model_server import LARGEST, HttpModelServer, PodAddress
from davylamp.adapters.reading.budget import SecondsBudget
from davylamp.adapters.reading.reader import Reader
from davylamp.checks import CheckReason, CheckVerdict, Received
from davylamp.controller.checks.inspections import Inspection
from davylamp.controller.checks.visit import Visit
from davylamp.controller.process.lag import PROMISED

NOW = datetime(2026, 11, 1, 3, tzinfo=UTC)
MANIFEST = json.dumps(manifest_of()).encode()
TEXTS = {
    "objects": b"[" + b"{}," * 690_000 + b"{}]",
    "lists": b'{"golden":[' + b"[]," * 690_000 + b"[]]}",
    "depth": b"[" * (LARGEST - 10),
    "depth of objects": b'{"a":' * 400_000,
    "depth that ends": b"[" * 90_000 + b"]" * 90_000,
    "digits": b'{"predictions":[' + b"1" * 1_900_000 + b"]}",
    "numbers of digits": b'{"predictions":[' + (b"1" * 4000 + b",") * 500 + b"1]}",
    "infinity": b'{"predictions":[' + b"1e999," * 300_000 + b"1]}",
    "keys": b"{" + b",".join(b'"%d":1' % n for n in range(180_000)) + b"}",
    "the same key": b"{" + b'"a":1,' * 340_000 + b'"a":1}',
    "halves of characters": b'{"format":"' + b"\\ud800" * 340_000 + b'"}',
    "no text": b"\xff\xfe" * 900_000,
    "not a number": b'{"predictions":[NaN]}' + b" " * 100_000,
    "one string": b'"' + b"a" * (LARGEST - 2) + b'"',
    "blanks": b" " * LARGEST,
}


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    made = Reader()
    yield made
    await made.aclose()


def inspection(port: int) -> Inspection:
    pod = PodAddress("a-1", "u", "127.0.0.1", port, "bad")
    return Inspection("aaaaaaaaaa", NOW, ALL, EXPECTED, pod)


async def visited(reader: Reader, port: int):
    models = HttpModelServer(reader)
    return await Visit(models, reader, "bad", inspection(port)).made()


@pytest.mark.parametrize("name", TEXTS)
async def test_a_manifest_may_be_anything(reader, name):
    with serving(lambda _request: Response(TEXTS[name])) as pod:
        async with metered() as lags:
            results = (await visited(reader, pod.server_port)).results
    assert [result.name for result in results] == list(ALL)
    assert {result.verdict for result in results} == {CheckVerdict.FAIL}
    assert all(len(result.message) < 200 for result in results)
    assert lags.longest < PROMISED, lags
    await asyncio.sleep(0)
    assert reader.in_hand.taken == 0


@pytest.mark.parametrize("name", TEXTS)
async def test_a_reply_may_be_anything(reader, name):
    answers = {"/manifest": MANIFEST}
    with serving(lambda request: Response(answers.get(request.path, TEXTS[name]))) as pod:
        async with metered() as lags:
            results = (await visited(reader, pod.server_port)).results
    by_name = {result.name: result for result in results}
    assert by_name["Manifest"].verdict == by_name["Bias"].verdict == "Pass"
    for check in ("Golden", "Explain"):
        assert by_name[check].verdict is CheckVerdict.FAIL
        assert by_name[check].reason is CheckReason.BAD_ANSWER
    assert lags.longest < PROMISED, lags


async def test_replies_are_let_go_one_by_one(reader):
    """A hundred replies of a mebibyte each are never there together."""
    document = manifest_of()
    document["golden"] = document["golden"][:1] * 100
    filler = json.dumps({"predictions": [152.25], "more": "x" * 1_000_000}).encode()
    taken = list[int]()

    class Pods:
        async def get(self, pod, path):
            return Received(json.dumps(document).encode())

        async def post(self, pod, path, body):
            received = Received(filler)
            reader.in_hand.hold(received, len(filler), "bad")
            taken.append(reader.in_hand.taken)
            return received

    asked = Inspection("aaaaaaaaaa", NOW, (ALL[1],), EXPECTED, inspection(1).pod)
    results = (await Visit(Pods(), reader, "bad", asked).made()).results
    assert [result.verdict for result in results] == ["Pass"]
    assert len(taken) == 100
    assert max(taken) < 3 * len(filler)


async def test_a_long_honest_model_passes_all_checks(reader):
    """Read in another process, it says what it says here."""
    document = manifest_of()
    document["filler"] = ["x" * 100] * 5000
    server = Server(document)
    short = Server()

    class Pods:
        def __init__(self, server):
            self.server = server

        async def get(self, pod, path):
            return as_text(self.server.get_manifest())

        async def post(self, pod, path, body):
            return as_text(self.server.post(path, json.loads(body)))

    long = await Visit(Pods(server), reader, "bad", inspection(1)).made()
    assert long == await Visit(Pods(short), reader, "bad", inspection(1)).made()
    assert {result.verdict for result in long.results} == {CheckVerdict.PASS}


async def test_a_namespace_that_used_up_its_minute_is_told_so_and_asked_again():
    reader = Reader(budget=SecondsBudget(0.001, lambda: 0.0))
    with serving(lambda _request: Response(TEXTS["keys"])) as pod:
        await visited(reader, pod.server_port)
        results = (await visited(reader, pod.server_port)).results
    assert {result.verdict for result in results} == {CheckVerdict.UNKNOWN}
    assert "0.001 s of a minute" in results[0].message
    await reader.aclose()
