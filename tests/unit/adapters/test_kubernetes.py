"""The cluster port against a small real HTTP server that answers like the API server."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from davylamp.adapters.errors import (
    Conflict,
    Forbidden,
    NotFound,
    NotLeader,
    OperatorError,
    Retryable,
    Terminal,
)
from davylamp.adapters.kubernetes.cluster import KubernetesCluster
from davylamp.adapters.kubernetes.ports import Manifest

CONFIG_MAP: Manifest = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"namespace": "models", "name": "risk-1"},
    "data": {"a": "1"},
}
EVENT = {
    "apiVersion": "events.k8s.io/v1",
    "kind": "Event",
    "metadata": {"namespace": "models", "name": "risk.1"},
}
LEASE = {
    "apiVersion": "coordination.k8s.io/v1",
    "kind": "Lease",
    "metadata": {"namespace": "davylamp-system", "name": "davylamp"},
}


@dataclass
class Received:
    method: str
    path: str
    query: dict[str, str]
    content_type: str
    authorization: str
    body: object


@dataclass
class Api:
    """Records what it is asked and gives one prepared answer."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    received: list[Received] = field(default_factory=list)
    counted: list[tuple[str, str, int]] = field(default_factory=list)
    leads: bool = True
    port: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        text = await request.text()
        self.received.append(
            Received(
                request.method,
                request.path,
                dict(request.query),
                request.content_type,
                request.headers.get("Authorization", ""),
                json.loads(text) if text else None,
            )
        )
        await asyncio.sleep(self.delay)
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return web.Response(status=self.status, text=text, headers=self.headers)

    def refuse(self, status: int, reason: str, message: str, **details: object) -> None:
        self.status = status
        self.body = {"kind": "Status", "reason": reason, "message": message, "details": details}

    def guard(self) -> None:
        if not self.leads:
            raise NotLeader("no live lease")

    def count(self, verb: str, kind: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.counted.append((verb, kind, status))


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api = Api()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    api.port = site._server.sockets[0].getsockname()[1]
    yield api
    await runner.cleanup()


@pytest.fixture
async def client(api: Api) -> AsyncIterator[ApiClient]:
    configuration = Configuration(host=f"http://127.0.0.1:{api.port}")
    configuration.api_key["BearerToken"] = "bearer first"
    async with ApiClient(configuration) as client:
        yield client


@pytest.fixture
def cluster(api: Api, client: ApiClient) -> KubernetesCluster:
    return KubernetesCluster(client, write_guard=api.guard, on_request=api.count, timeout=5.0)


async def test_apply_is_a_forced_strict_server_side_apply(api: Api, cluster) -> None:
    api.body = CONFIG_MAP | {"metadata": {"uid": "u1"}}
    stored = await cluster.apply(CONFIG_MAP)
    assert stored["metadata"] == {"uid": "u1"}
    (request,) = api.received
    assert (request.method, request.path) == (
        "PATCH",
        "/api/v1/namespaces/models/configmaps/risk-1",
    )
    assert request.content_type == "application/apply-patch+yaml"
    assert request.query == {
        "fieldManager": "davylamp",
        "fieldValidation": "Strict",
        "force": "true",
    }
    assert request.body == CONFIG_MAP
    assert request.authorization == "bearer first"


async def test_apply_without_force_says_so(api: Api, cluster) -> None:
    await cluster.apply(CONFIG_MAP, force=False)
    assert api.received[0].query["force"] == "false"


async def test_status_is_replaced_under_the_version_it_was_decided_on(api: Api, cluster) -> None:
    await cluster.apply_status(
        {
            "apiVersion": "davylamp.dev/v1alpha1",
            "kind": "ModelDeployment",
            "metadata": {
                "namespace": "models",
                "name": "risk",
                "resourceVersion": "7",
                "uid": "u1",
                "labels": {"kept": "by its manager"},
                "managedFields": [{"manager": "not sent"}],
            },
            "spec": {"not": "sent"},
            "status": {"replicas": 4},
        }
    )
    (request,) = api.received
    root = "/apis/davylamp.dev/v1alpha1/namespaces/models/modeldeployments"
    assert (request.method, request.path) == ("PUT", f"{root}/risk/status")
    assert request.body["status"] == {"replicas": 4}
    assert request.body["metadata"] == {
        "namespace": "models",
        "name": "risk",
        "resourceVersion": "7",
        "uid": "u1",
        "labels": {"kept": "by its manager"},
    }
    assert "spec" not in request.body


async def test_an_annotation_is_taken_off_only_while_it_has_its_value(api: Api, cluster) -> None:
    api.body = {"kind": "ModelDeployment"}
    place = ("ModelDeployment", "models", "risk")
    await cluster.drop_annotation(*place, annotation="davylamp.dev/abort", value="aaa@1")
    (request,) = api.received
    root = "/apis/davylamp.dev/v1alpha1/namespaces/models/modeldeployments"
    assert (request.method, request.path) == ("PATCH", f"{root}/risk")
    assert request.content_type == "application/json-patch+json"
    path = "/metadata/annotations/davylamp.dev~1abort"
    assert request.body == [
        {"op": "test", "path": path, "value": "aaa@1"},
        {"op": "remove", "path": path},
    ]


async def test_status_without_a_version_is_a_programming_error(api: Api, cluster) -> None:
    with pytest.raises(ValueError, match="resourceVersion"):
        await cluster.apply_status(CONFIG_MAP | {"status": {}})
    assert not api.received


async def test_get_of_an_absent_object_is_none(api: Api, cluster) -> None:
    api.refuse(404, "NotFound", "gone")
    assert await cluster.get("Deployment", "models", "risk-1") is None
    assert api.received[0].path == "/apis/apps/v1/namespaces/models/deployments/risk-1"
    assert api.counted == [("get", "Deployment", 404)]


async def test_list_selects_by_labels_and_names_the_kind_of_each_item(api: Api, cluster) -> None:
    api.body = {"kind": "PodList", "items": [{"metadata": {"name": "a"}}]}
    labels = {"davylamp.dev/model": "risk", "app.kubernetes.io/managed-by": "davylamp"}
    items = await cluster.list("Pod", "models", labels=labels)
    assert items == [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}]
    expected = "app.kubernetes.io/managed-by=davylamp,davylamp.dev/model=risk"
    assert api.received[0].query == {"labelSelector": expected}


async def test_list_over_all_namespaces(api: Api, cluster) -> None:
    api.body = {"items": []}
    assert await cluster.list("Pod", None, labels={}) == []
    assert (api.received[0].path, api.received[0].query) == ("/api/v1/pods", {})


async def test_list_without_items_is_not_an_empty_list(api: Api, cluster) -> None:
    with pytest.raises(Retryable, match="is no list"):
        await cluster.list("Pod", "models", labels={})


async def test_delete_is_in_the_background_and_of_the_object_that_was_meant(api, cluster) -> None:
    await cluster.delete("Deployment", "models", "risk-1", uid="u1")
    assert api.received[0].method == "DELETE"
    assert api.received[0].body == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "preconditions": {"uid": "u1"},
    }


async def test_delete_of_an_absent_object_is_fine(api: Api, cluster) -> None:
    api.refuse(404, "NotFound", "gone")
    await cluster.delete("Deployment", "models", "risk-1")
    assert "preconditions" not in api.received[0].body


@pytest.mark.parametrize(
    ("manifest", "path"),
    [
        (EVENT, "/apis/events.k8s.io/v1/namespaces/models/events"),
        (EVENT | {"apiVersion": "v1"}, "/api/v1/namespaces/models/events"),
    ],
)
async def test_events_are_posted_in_both_versions(api, cluster, manifest, path) -> None:
    await cluster.create_event(manifest)
    assert (api.received[0].method, api.received[0].path) == ("POST", path)


@pytest.mark.parametrize(
    "write",
    [
        lambda c: c.apply(CONFIG_MAP),
        lambda c: c.apply_status(
            {**CONFIG_MAP, "metadata": CONFIG_MAP["metadata"] | {"resourceVersion": "1"}}
            | {"status": {}}
        ),
        lambda c: c.delete("ConfigMap", "models", "risk-1"),
        lambda c: c.create_event(EVENT),
    ],
)
async def test_without_a_live_lease_nothing_is_written(
    api: Api, cluster, write: Callable[[KubernetesCluster], Awaitable[object]]
) -> None:
    api.leads = False
    with pytest.raises(NotLeader):
        await write(cluster)
    assert not api.received


async def test_reading_and_the_lease_itself_need_no_lease(api: Api, cluster) -> None:
    api.leads = False
    await cluster.get("ConfigMap", "models", "risk-1")
    await cluster.get_lease("davylamp-system", "davylamp")
    await cluster.create_lease(LEASE)
    await cluster.replace_lease(LEASE)
    root = "/apis/coordination.k8s.io/v1/namespaces/davylamp-system/leases"
    assert [(s.method, s.path) for s in api.received[1:]] == [
        ("GET", f"{root}/davylamp"),
        ("POST", root),
        ("PUT", f"{root}/davylamp"),
    ]


@pytest.mark.parametrize(
    ("status", "expected", "reason"),
    [
        (400, Terminal, "Oops"),
        (401, Retryable, "Unavailable"),
        (403, Forbidden, "Forbidden"),
        (404, NotFound, "NotFound"),
        (409, Conflict, "Conflict"),
        (413, Terminal, "Oops"),
        (422, Terminal, "Oops"),
        (429, Retryable, "Unavailable"),
        (500, Retryable, "Unavailable"),
        (503, Retryable, "Unavailable"),
    ],
)
async def test_error_answers_are_sorted_by_what_to_do(
    api, cluster, status, expected, reason
) -> None:
    api.refuse(status, "Oops", "spec.replicas: is wrong")
    with pytest.raises(OperatorError) as caught:
        await cluster.apply(CONFIG_MAP)
    assert type(caught.value) is expected
    assert caught.value.reason == reason
    wanted = f"apply ConfigMap models/risk-1: {status} spec.replicas: is wrong"
    assert caught.value.message == wanted
    assert api.counted == [("apply", "ConfigMap", status)]


@pytest.mark.parametrize(("header", "after"), [("7", 7.0), ("soon", None), ("", None)])
async def test_retry_after_is_honoured(api: Api, cluster, header, after) -> None:
    api.refuse(429, "TooManyRequests", "slow down")
    api.headers = {"Retry-After": header}
    with pytest.raises(Retryable) as caught:
        await cluster.apply(CONFIG_MAP)
    assert caught.value.after == after


async def test_a_field_unknown_to_the_schema_is_terminal_even_as_500(api: Api, cluster) -> None:
    api.refuse(500, "", "failed to create typed patch object (…): field not declared in schema")
    with pytest.raises(Terminal, match="not declared"):
        await cluster.apply(CONFIG_MAP)


async def test_messages_about_a_secret_name_fields_and_never_values(api: Api, cluster) -> None:
    api.refuse(
        422,
        "Invalid",
        'data[key]: Invalid value: "hunter2"',
        causes=[{"field": "data[key]", "message": 'Invalid value: "hunter2"'}],
    )
    with pytest.raises(Terminal) as caught:
        await cluster.apply(CONFIG_MAP | {"kind": "Secret"})
    assert caught.value.message == "apply Secret models/risk-1: 422 Invalid, data[key]"


async def test_a_long_message_is_cut(api: Api, cluster) -> None:
    api.refuse(422, "Invalid", "x" * 10_000)
    with pytest.raises(Terminal) as caught:
        await cluster.apply(CONFIG_MAP)
    assert len(caught.value.message) < 700


@pytest.mark.parametrize("body", ["<html>proxy</html>", "[]", ""])
async def test_an_answer_that_is_not_an_object_is_retried(api: Api, cluster, body) -> None:
    api.body = body
    with pytest.raises(Retryable, match="not a JSON object"):
        await cluster.get("ConfigMap", "models", "risk-1")


async def test_a_slow_server_is_not_waited_for(api: Api, client: ApiClient) -> None:
    cluster = KubernetesCluster(client, write_guard=api.guard, on_request=api.count, timeout=0.05)
    api.delay = 0.5
    with pytest.raises(Retryable, match=r"no answer within 0.05 s"):
        await cluster.get("ConfigMap", "models", "risk-1")
    assert api.counted == [("get", "ConfigMap", 0)]


async def test_a_refused_connection_is_retried(api: Api, unused_tcp_port: int) -> None:
    configuration = Configuration(host=f"http://127.0.0.1:{unused_tcp_port}")
    async with ApiClient(configuration) as client:
        cluster = KubernetesCluster(client, write_guard=api.guard, on_request=api.count)
        with pytest.raises(Retryable, match="ClientConnectorError"):
            await cluster.get("ConfigMap", "models", "risk-1")
    assert api.counted == [("get", "ConfigMap", 0)]


async def test_a_rotated_token_is_used_for_the_next_request(
    api: Api, client: ApiClient, cluster
) -> None:
    tokens = iter(("bearer one", "bearer two"))

    def rotate(configuration: Configuration) -> None:
        configuration.api_key["BearerToken"] = next(tokens)

    client.configuration.refresh_api_key_hook = rotate
    await cluster.get("ConfigMap", "models", "risk-1")
    await cluster.get("ConfigMap", "models", "risk-1")
    assert [request.authorization for request in api.received] == ["bearer one", "bearer two"]


async def test_an_unreadable_token_is_retried(api: Api, client: ApiClient, cluster) -> None:
    def fail(_: Configuration) -> None:
        raise FileNotFoundError("/var/run/secrets/token")

    client.configuration.refresh_api_key_hook = fail
    with pytest.raises(Retryable, match="no credentials: FileNotFoundError"):
        await cluster.get("ConfigMap", "models", "risk-1")
    assert not api.received


@pytest.mark.parametrize(
    "manifest",
    [
        CONFIG_MAP | {"kind": "Node"},
        CONFIG_MAP | {"apiVersion": "v2"},
        CONFIG_MAP | {"metadata": {"name": "no-namespace"}},
        CONFIG_MAP | {"metadata": None},
    ],
)
async def test_manifests_without_a_place_are_programming_errors(api, cluster, manifest) -> None:
    with pytest.raises(ValueError):
        await cluster.apply(manifest)
    assert not api.received


@pytest.mark.parametrize("name", ["../../kube-system/secrets/root", "..", "a?watch=true", "a%2f"])
async def test_names_cannot_leave_their_place_in_the_path(api: Api, cluster, name) -> None:
    with pytest.raises(Terminal, match="not a valid object name"):
        await cluster.get("Secret", "models", name)
    assert not api.received


async def test_no_name_never_means_the_whole_collection(api: Api, cluster) -> None:
    with pytest.raises(ValueError, match="without namespace or name"):
        await cluster.delete("Secret", "models", "")
    assert not api.received


async def test_warnings_about_a_pod_are_asked_for_by_its_uid(api: Api, cluster) -> None:
    api.body = {"items": [{"reason": "FailedMount"}]}
    (event,) = await cluster.pod_warnings("models", "u1")
    assert (event["kind"], event["reason"]) == ("Event", "FailedMount")
    assert api.received[0].path == "/api/v1/namespaces/models/events"
    assert api.received[0].query == {
        "fieldSelector": "involvedObject.kind=Pod,involvedObject.uid=u1,type=Warning",
        "limit": "50",
    }
