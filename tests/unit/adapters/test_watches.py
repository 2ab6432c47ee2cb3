"""Lists in pages and watches against a small HTTP server that answers like the API server."""

import json
from collections.abc import AsyncIterator

import pytest
from kubernetes.aio.client import ApiClient, Configuration
from tests.support.fakehttp import FakeHttp, Response, in_turn, serving

from davylamp.adapters.errors import Expired, Forbidden, Retryable
from davylamp.adapters.kubernetes import watches
from davylamp.adapters.kubernetes.watches import Change, KubernetesWatches
from davylamp.api import names

OURS = {"app.kubernetes.io/managed-by": "davylamp"}


def pod(name: str, version: int, filling: str = "") -> dict:
    return {"metadata": {"name": name, "resourceVersion": str(version)}, "filling": filling}


def lines(*changes: tuple[str, dict]) -> Response:
    """A whole watch: one JSON object a line."""
    told = (json.dumps({"type": kind, "object": item}) for kind, item in changes)
    return Response("".join(f"{line}\n" for line in told))


def listed(*items: dict, version: str = "10", more: str = "") -> Response:
    metadata = {"resourceVersion": version, "continue": more}
    return Response({"kind": "PodList", "metadata": metadata, "items": list(items)})


@pytest.fixture
def server():
    with serving(lambda _request: Response(status=500)) as running:
        yield running


@pytest.fixture
async def cluster(server: FakeHttp) -> AsyncIterator[KubernetesWatches]:
    configuration = Configuration()
    configuration.host = server.url
    async with ApiClient(configuration) as client:
        yield KubernetesWatches(client)


async def changes(cluster: KubernetesWatches, namespace: str | None = "models") -> list[Change]:
    watch = cluster.changes("Pod", namespace, labels=OURS, since="10", lasts=300)
    return [change async for change in watch]


async def test_a_list_is_asked_for_in_pages_of_one_version(server, cluster):
    server.answer = in_turn(listed(pod("a", 9), more="next"), listed(pod("b", 9)))
    first = await cluster.page("Pod", None, labels=OURS)
    second = await cluster.page("Pod", None, labels=OURS, after=first.more)
    items = [*first.items, *second.items]
    assert [item["metadata"]["name"] for item in items] == ["a", "b"]
    assert (items[0]["apiVersion"], items[0]["kind"]) == ("v1", "Pod")
    assert (first.version, first.more, second.more) == ("10", "next", "")
    asked, then = server.requests
    assert asked.path == "/api/v1/pods"
    selector = "app.kubernetes.io/managed-by=davylamp"
    assert asked.query == {"limit": "500", "labelSelector": selector}
    assert then.query == {"limit": "500", "labelSelector": selector, "continue": "next"}


async def test_a_list_that_took_too_long_has_expired(server, cluster):
    gone = {"kind": "Status", "reason": "Expired", "code": 410}
    server.answer = in_turn(Response(gone, status=410))
    with pytest.raises(Expired):
        await cluster.page("Pod", None, labels=OURS, after="old")


async def test_what_is_no_list_is_an_error_that_may_pass(server, cluster):
    server.answer = in_turn(Response({"kind": "Pod", "metadata": {}}))
    with pytest.raises(Retryable, match="is no list"):
        await cluster.page("Pod", None, labels=OURS)


async def test_a_watch_tells_changes_of_any_length_and_ends_by_itself(server, cluster):
    long = pod("b", 12, "x" * 300_000)
    server.answer = in_turn(
        lines(("ADDED", pod("a", 11)), ("MODIFIED", long), ("BOOKMARK", pod("", 40)))
    )
    told = await changes(cluster)
    assert [change.type for change in told] == ["ADDED", "MODIFIED", "BOOKMARK"]
    assert told[1].item["filling"] == long["filling"]
    assert told[0].item["kind"] == "Pod"
    assert server.requests[0].path == "/api/v1/namespaces/models/pods"
    assert server.requests[0].query == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "10",
        "timeoutSeconds": "300",
        "labelSelector": "app.kubernetes.io/managed-by=davylamp",
    }


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lines(("ERROR", {"kind": "Status", "code": 410, "message": "too old"})), Expired),
        (lines(("ERROR", {"kind": "Status", "code": 500, "message": "etcd"})), Retryable),
        (Response({"kind": "Status", "code": 410}, status=410), Expired),
        (Response({"kind": "Status", "code": 403}, status=403), Forbidden),
        (Response("no JSON\n"), Retryable),
    ],
)
async def test_a_watch_that_ends_in_an_error_says_what_to_do(answer, error, server, cluster):
    server.answer = in_turn(answer)
    with pytest.raises(error) as raised:
        await changes(cluster)
    assert type(raised.value) is error


async def test_a_watch_that_falls_silent_is_given_up(server, cluster, monkeypatch):
    monkeypatch.setattr(watches, "SILENCE", 0.05)
    server.answer = in_turn(Response(hangs=True))
    with pytest.raises(Retryable, match="fell silent"):
        await changes(cluster)


async def test_a_server_that_is_away_is_an_error_that_may_pass():
    configuration = Configuration()
    configuration.host = "http://127.0.0.1:9"
    async with ApiClient(configuration) as client:
        with pytest.raises(Retryable, match="watch Pod"):
            await changes(KubernetesWatches(client))


DEEP = "[" * 5_000 + "]" * 5_000
NAMED = '"metadata":{"name":"deep","namespace":"models","uid":"u","resourceVersion":"11"}'


async def test_what_cannot_be_parsed_comes_in_outline_and_ends_nothing(server):
    passed_over: list[str] = []
    configuration = Configuration()
    configuration.host = server.url
    heavy = f'{{{NAMED},"spec":{DEEP}}}'
    good = json.dumps(pod("good", 12))
    items = f'[{heavy},{{"metadata":{DEEP}}},{good}]'
    page = f'{{"metadata":{{"resourceVersion":"10"}},"items":{items}}}'
    events = [f'{{"type":"ADDED","object":{item}}}\n' for item in (heavy, DEEP, good)]
    server.answer = in_turn(Response(page), Response("".join(events)))
    async with ApiClient(configuration) as client:
        cluster = KubernetesWatches(client, on_passed_over=passed_over.append)
        read = list((await cluster.page("Pod", None, labels=OURS)).items)
        told = [change.item for change in await changes(cluster)]
    for items in (read, told):
        assert [item["metadata"]["name"] for item in items] == ["deep", "good"]
        assert items[0][names.UNREAD] == "is nested deeper than 64 levels"
    assert passed_over == ["Pod", "Pod"]


async def test_fewer_objects_are_asked_for_where_they_are_heavy(server, cluster, monkeypatch):
    monkeypatch.setattr(watches, "PAGE_SIZE", 1_500)
    heavy = listed(pod("a", 1, "x" * 2_000), pod("b", 2))
    light = listed()
    server.answer = in_turn(heavy, heavy, listed(pod("c", 3)), light, light)
    page = await cluster.page("Pod", None, labels=OURS)
    assert [item["metadata"]["name"] for item in page.items] == ["c"]
    assert [request.query["limit"] for request in server.requests] == ["500", "50", "5"]
    await cluster.page("Pod", None, labels=OURS, after="c")
    await cluster.page("Pod", None, labels=OURS, after="d")
    limits = [request.query["limit"] for request in server.requests]
    assert limits[3:] == ["50", "500"], "what is asked for grows again by and by"
    server.answer = in_turn(heavy, heavy, heavy)
    with pytest.raises(Retryable, match="5 objects have more than 1,500 bytes"):
        await cluster.page("Pod", None, labels=OURS)
