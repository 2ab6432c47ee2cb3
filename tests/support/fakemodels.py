"""The model servers inside the pods of a fake cluster: each image is what its tag says, or is made wrong."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.contract import Server, as_text, manifest_of
from tests.support.fakecluster import Address, FakeCluster

from davylamp.adapters.pods.model_server import ModelServer, PodAddress
from davylamp.checks import Heard, Reply, Silent

Json = dict[str, Any]


@dataclass
class FakeModels:
    """A model server port over the pods of a fake cluster."""

    cluster: FakeCluster
    wrong: dict[str, Callable[[Server], object]] = field(default_factory=dict)
    """What makes the server of a tag another than the spec names."""
    silent: set[str] = field(default_factory=set)
    """Tags whose pods do not answer."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Tag and path of every question."""

    async def get(self, pod: PodAddress, path: str) -> Heard:
        return as_text(self._reply(pod, path, lambda server: server.get_manifest()))

    async def post(self, pod: PodAddress, path: str, body: bytes) -> Heard:
        return as_text(self._reply(pod, path, lambda server: server.post(path, json.loads(body))))

    def _reply(self, pod: PodAddress, path: str, ask: Callable[[Server], Reply]) -> Reply:
        item = self.cluster.objects.get(Address("Pod", "models", pod.name))
        if item is None or item["status"].get("podIP") != pod.host:
            return Silent(f"pod {pod.name}: no connection")
        tag = item["metadata"]["labels"]["app.kubernetes.io/version"]
        self.asked.append((tag, path))
        if tag in self.silent:
            return Silent(f"pod {pod.name}: no connection")
        return ask(self._server(item, tag))

    def _server(self, pod: Json, tag: str) -> Server:
        source = pod["spec"]["containers"][0]["envFrom"][0]["configMapRef"]["name"]
        configuration = self.cluster.one("ConfigMap", source)["data"]
        server = Server(
            manifest_of(
                tag=tag,
                snapshot=configuration["DAVYLAMP_FEATURE_SNAPSHOT"],
                seed=int(configuration["DAVYLAMP_SEED"]),
            )
        )
        change = self.wrong.get(tag)
        if change is not None:
            change(server)
        return server


_: type[ModelServer] = FakeModels
