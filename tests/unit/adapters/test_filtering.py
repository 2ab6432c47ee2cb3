"""A client behind the filter gets names and versions; the objects themselves go elsewhere."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from tests.support.fakehttp import FakeHttp, Response, in_turn, serving

from davylamp.adapters.kubernetes import filtering
from davylamp.adapters.kubernetes.filtering import LISTED, ObjectFilter
from davylamp.adapters.kubernetes.resources import resource_of
from davylamp.api import names
from davylamp.schema.json import JsonObject

PATH = "/apis/davylamp.dev/v1alpha1/modeldeployments"
DEEP = b"[" * 60_000 + b"]" * 60_000


class Taken:
    """What the filter handed over."""

    def __init__(self) -> None:
        self.items: list[tuple[str, JsonObject]] = []
        self.passed_over: list[str] = []
        self.is_news = True

    def take(self, change: str, item: JsonObject) -> bool:
        self.items.append((change, item))
        return self.is_news


@pytest.fixture
def server():
    with serving(lambda _request: Response(status=500)) as running:
        yield running


@pytest.fixture
def taken() -> Taken:
    return Taken()


@pytest.fixture
async def client(
    server: FakeHttp, taken: Taken, monkeypatch
) -> AsyncIterator[aiohttp.ClientSession]:
    monkeypatch.setattr(filtering, "PAUSE", 0.0)
    objects = ObjectFilter(
        resource_of(names.KIND), on_item=taken.take, on_passed_over=taken.passed_over.append
    )
    async with aiohttp.ClientSession(server.url, middlewares=(objects,)) as session:
        yield session


def model(name: str, version: int = 7, rest: bytes = b'"spec":{"seed":1}') -> bytes:
    metadata = {"name": name, "namespace": "m", "uid": f"u-{name}", "resourceVersion": str(version)}
    return b'{"metadata":%s,%s}' % (json.dumps({**metadata, "labels": {"a": "b"}}).encode(), rest)


def listed(*items: bytes) -> Response:
    head = b'{"apiVersion":"v1","items":[%s],"kind":"L",' % b",".join(items)
    return Response(head + b'"metadata":{"resourceVersion":"9","continue":"next"}}')


async def lines(client: aiohttp.ClientSession) -> list[JsonObject]:
    async with client.get(f"{PATH}?watch=true") as response:
        told = b"".join([part async for part in response.content.iter_chunked(2**20)])
    return [json.loads(line) for line in told.splitlines()]


async def test_a_list_is_of_names_only(server, client, taken):
    heavy = model("b", rest=b'"spec":' + DEEP)
    server.answer = in_turn(listed(model("a"), heavy, DEEP, b'{"metadata":{}}'))
    async with client.get(PATH) as response:
        answer = await response.json(content_type=None)
    assert [item["metadata"]["name"] for item in answer["items"]] == ["a", "b"]
    assert set(answer["items"][0]) == {"apiVersion", "kind", "metadata"}
    assert set(answer["items"][0]["metadata"]) == {"name", "namespace", "uid", "resourceVersion"}
    assert answer["metadata"] == {"resourceVersion": "9", "continue": "next"}
    (change, whole), (_, outline) = taken.items
    assert (change, whole["spec"], whole["kind"]) == (LISTED, {"seed": 1}, names.KIND)
    assert names.UNREAD in outline
    assert taken.passed_over == [names.KIND] * 2


async def test_a_watch_tells_of_names_only(server, client, taken):
    changes = [
        b'{"type":"ADDED","object":%s}' % model("a"),
        b'{"type":"MODIFIED","object":%s}' % model("b", rest=b'"spec":' + DEEP),
        b'{"type":"ADDED","object":%s}' % DEEP,
        b'{"type":"BOOKMARK","object":{"kind":"x","metadata":{"resourceVersion":"11"}}}',
        b'{"type":"DELETED","object":%s}' % model("a", 12),
    ]
    server.answer = in_turn(Response(b"\n".join([*changes, b""])))
    told = await lines(client)
    assert [line["type"] for line in told] == ["ADDED", "MODIFIED", "BOOKMARK", "DELETED"]
    assert [line["object"]["metadata"]["resourceVersion"] for line in told] == [
        "7",
        "7",
        "11",
        "12",
    ]
    assert not any("spec" in line["object"] for line in told)
    assert [change for change, _ in taken.items] == ["ADDED", "MODIFIED", "DELETED"]
    assert taken.passed_over == [names.KIND]


async def test_what_is_known_already_is_only_a_version(server, client, taken):
    taken.is_news = False
    server.answer = in_turn(Response(b'{"type":"MODIFIED","object":%s}\n' % model("a", 8)))
    (line,) = await lines(client)
    assert line["type"] == "BOOKMARK"
    assert line["object"]["metadata"]["resourceVersion"] == "8"


@pytest.mark.parametrize("code", [410, 500])
async def test_every_error_of_a_watch_means_list_anew(server, client, code):
    status = {"type": "ERROR", "object": {"kind": "Status", "code": code, "message": "x"}}
    server.answer = in_turn(Response(json.dumps(status) + "\n"))
    (line,) = await lines(client)
    assert (line["type"], line["object"]["code"]) == ("ERROR", 410)


@pytest.mark.parametrize("body", ["no JSON\n", '{"kind":"Status"}\n', "[[[\n"])
async def test_what_is_no_list_and_no_change_is_a_broken_answer(server, client, body):
    server.answer = in_turn(Response(body), Response(body))
    with pytest.raises(aiohttp.ClientPayloadError):
        await lines(client)
    async with client.get(PATH) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.text()


async def test_other_answers_and_errors_are_left_as_they_are(server, client):
    server.answer = in_turn(Response({"groups": []}), Response({"kind": "Status"}, status=403))
    async with client.get("/apis") as response:
        assert await response.json(content_type=None) == {"groups": []}
    async with client.get(PATH) as response:
        assert await response.json(content_type=None) == {"kind": "Status"}


async def test_nothing_gets_past_the_filter(server, client):
    """Whatever a client may try to read a body with, it gets no byte of an object."""
    server.answer = in_turn(listed(model("a")))
    async with client.get(PATH) as response:
        for method in ("readline", "readany", "readexactly", "read_nowait", "iter_chunks"):
            with pytest.raises(AttributeError):
                getattr(response.content, method)
