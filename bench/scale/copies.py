"""An API server that has very many copies of one resting model, and nothing else.

    python -m bench.scale.copies OBJECTS COUNT PORT

Making ten thousand models takes hours on a small machine, and a resting operator cannot tell the
difference: it lists, it watches, it renews its lease. Whatever it writes besides is refused, and shows
among its requests.
"""

import asyncio
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from bench.scale.fleet import MODELS
from bench.scale.measure import Json

GROUP: Final = "davylamp.dev"
VERSION: Final = "9999999"
KINDS: Final = {
    "modeldeployments": "ModelDeployment",
    "controllerrevisions": "ControllerRevision",
    "deployments": "Deployment",
    "configmaps": "ConfigMap",
    "services": "Service",
    "poddisruptionbudgets": "PodDisruptionBudget",
    "pods": "Pod",
    "cronjobs": "CronJob",
    "jobs": "Job",
}


@dataclass(frozen=True)
class Copies:
    """Copies of the objects of one model.

    Attributes:
        texts: of each object, by kind.
        name: of the model, which all names begin with.
        uid: of the model.
        count: how many copies there are.
    """

    texts: Mapping[str, tuple[str, ...]]
    name: str
    uid: str
    count: int

    @classmethod
    def of(cls, objects: Iterable[Json], count: int) -> "Copies":
        """Copies of these objects, one of which is a ModelDeployment."""
        texts: dict[str, list[str]] = {}
        for item in objects:
            texts.setdefault(item["kind"], []).append(json.dumps(item))
        model = json.loads(texts["ModelDeployment"][0])["metadata"]
        by_kind = {kind: tuple(known) for kind, known in texts.items()}
        return cls(by_kind, model["name"], model["uid"], count)

    def page(self, kind: str, first: int, limit: int) -> tuple[str, int]:
        """Objects of a kind from the first copy on as JSON, and where the next page begins."""
        after = min(self.count, first + limit)
        return f"[{','.join(self._items(kind, first, after))}]", after

    def _items(self, kind: str, first: int, after: int) -> Iterator[str]:
        for number in range(first, after):
            for text in self.texts.get(kind, ()):
                uid = f"{self.uid[:-6]}{number:06}"
                yield text.replace(self.name, f"copy-{number:06}").replace(self.uid, uid)


def server(copies: Copies) -> web.Application:
    """The API server."""

    async def collection(request: web.Request) -> web.StreamResponse:
        if request.query.get("watch"):
            return await _nothing_happens(request)
        first = int(request.query.get("continue") or 0)
        limit = int(request.query.get("limit") or copies.count)
        items, after = copies.page(KINDS[request.match_info["plural"]], first, limit)
        more = str(after) if after < copies.count else ""
        metadata = json.dumps({"resourceVersion": VERSION, "continue": more})
        return web.Response(
            text=f'{{"kind":"List","metadata":{metadata},"items":{items}}}',
            content_type="application/json",
        )

    app = web.Application()
    plurals = "|".join(KINDS)
    for path in ("/api/v1", "/apis/{group}/{version}"):
        app.router.add_get(f"{path}/{{plural:{plurals}}}", collection)
    app.router.add_get("/api", _answer({"versions": []}))
    version = {"groupVersion": f"{GROUP}/v1alpha1", "version": "v1alpha1"}
    group = {"name": GROUP, "versions": [version], "preferredVersion": version}
    app.router.add_get("/apis", _answer({"groups": [group]}))
    app.router.add_get(f"/apis/{GROUP}/v1alpha1", _answer({"resources": [_resource()]}))
    app.router.add_route("*", "/apis/coordination.k8s.io/{rest:.*}", _lease)
    return app


def dumped(client: Any, name: str) -> list[Json]:
    """The objects of a model on a real API server."""
    described = client.send("GET", f"{MODELS}/{name}")
    objects = [described]
    for path in ("apps/v1", "v1", "policy/v1"):
        root = f"/apis/{path}" if "/" in path else f"/api/{path}"
        for plural, kind in KINDS.items():
            try:
                where = f"{root}/namespaces/models/{plural}?labelSelector=davylamp.dev/model={name}"
                found = list(client.items(where))
            except OSError:
                continue  # another group has this kind
            objects += [{"apiVersion": path, "kind": kind, **item} for item in found]
    return objects


def _answer(body: Json) -> Any:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(body)

    return answer


async def _nothing_happens(request: web.Request) -> web.StreamResponse:
    """A watch in which there is nothing to tell but that it lives."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    kind = KINDS[request.match_info["plural"]]
    said = {"kind": kind, "metadata": {"resourceVersion": VERSION}}
    bookmark = json.dumps({"type": "BOOKMARK", "object": said}).encode() + b"\n"
    ends = asyncio.get_running_loop().time() + float(request.query.get("timeoutSeconds", 600))
    while asyncio.get_running_loop().time() < ends:
        await response.write(bookmark)
        await asyncio.sleep(30)
    return response


async def _lease(request: web.Request) -> web.Response:
    if request.method == "GET":
        return web.json_response({"kind": "Status", "code": 404}, status=404)
    body = await request.json()
    body["metadata"]["resourceVersion"] = "1"
    return web.json_response(body)


def _resource() -> Json:
    verbs = ["list", "watch", "get", "patch"]
    return {
        "name": "modeldeployments",
        "singularName": "modeldeployment",
        "namespaced": True,
        "kind": "ModelDeployment",
        "verbs": verbs,
    }


def main(objects: str, count: str, port: str) -> None:
    """Serve until killed."""
    copies = Copies.of(json.loads(Path(objects).read_text()), int(count))
    web.run_app(server(copies), host="127.0.0.1", port=int(port), print=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
