"""An API server over plain HTTP for the real operator process. Objects are bytes, sent as they are.

It lists in pages, watches from a version on, and stores what is applied. It neither validates nor
prunes, so an object reaches the operator as no real API server might ever send it. It runs in a thread
of its own: a test that is busy keeps nobody waiting.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

VERSION: Final = b"@version@"
"""What stands in an object where its resourceVersion goes."""
KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "configmaps": ("v1", "ConfigMap"),
    "events": ("v1", "Event"),
    "namespaces": ("v1", "Namespace"),
    "pods": ("v1", "Pod"),
    "secrets": ("v1", "Secret"),
    "services": ("v1", "Service"),
    "controllerrevisions": ("apps/v1", "ControllerRevision"),
    "deployments": ("apps/v1", "Deployment"),
    "poddisruptionbudgets": ("policy/v1", "PodDisruptionBudget"),
    "cronjobs": ("batch/v1", "CronJob"),
    "jobs": ("batch/v1", "Job"),
    "leases": ("coordination.k8s.io/v1", "Lease"),
    "modeldeployments": ("davylamp.dev/v1alpha1", "ModelDeployment"),
}
"""API version and kind by what is in the path."""


@dataclass(frozen=True)
class Place:
    """Which object."""

    plural: str
    namespace: str
    name: str


@dataclass
class StoredObject:
    """The bytes of an object without its status, and what was applied to that."""

    content: bytes
    version: int
    status: bytes = b""

    def text(self) -> bytes:
        """All of it at its version, the status last as the API server writes it."""
        text = self.content.replace(VERSION, str(self.version).encode())
        return text[:-1] + b',"status":' + self.status + b"}" if self.status else text


@dataclass(frozen=True)
class WriteRequest:
    """A write of the operator: verb, place, subresource and body."""

    method: str
    place: Place
    subresource: str
    body: Mapping[str, Any]


@dataclass
class ByteServer:
    """The API server. Whatever a test puts or deletes is seen by every watch."""

    objects: dict[Place, StoredObject] = field(default_factory=dict)
    writes: list[WriteRequest] = field(default_factory=list)
    queries: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    """Kind and query of each list and watch."""
    port: int = 0
    _version: int = 100
    _history: list[tuple[int, str, bytes]] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def put(self, place: Place, content: bytes, status: bytes = b"") -> None:
        """Store an object; `VERSION` in its bytes becomes its version."""
        with self._lock:
            change, known = b"ADDED", self.objects.get(place)
            if known is not None:
                change, status = b"MODIFIED", status or known.status
            stored = StoredObject(content, self._next(), status)
            self.objects[place] = stored
            self._tell(place.plural, change, stored.text())

    def send(self, plural: str, line: bytes) -> None:
        """Let every watch of a kind tell a line."""
        with self._lock:
            self._history.append((self._next(), plural, line + b"\n"))

    def named(self, plural: str, name: str) -> dict[str, Any] | None:
        """A stored object that can be parsed, by its name or how that begins."""
        with self._lock:
            for place, stored in self.objects.items():
                if place.plural == plural and place.name.startswith(name):
                    value: dict[str, Any] = json.loads(stored.text())
                    return value
        return None

    def status_of(self, place: Place) -> dict[str, Any]:
        """The status of an object; empty before there is one."""
        with self._lock:
            stored = self.objects.get(place)
            value: dict[str, Any] = json.loads((stored.status if stored else b"") or b"{}")
            return value

    def _next(self) -> int:
        self._version += 1
        return self._version

    def _tell(self, plural: str, change: bytes, text: bytes) -> None:
        line = b'{"type":"%s","object":%s}\n' % (change, text)
        self._history.append((self._version, plural, line))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        path = request.path.strip("/").split("/")
        if path[0] == "version":
            return web.json_response({"major": "1", "minor": "35", "gitVersion": "v1.35.0"})
        grouped = 3 if path[0] == "apis" else 2
        if len(path) <= grouped:
            return _discovery("/".join(path[1:]))
        rest = path[grouped:]
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        if rest[0] not in KINDS:
            return _status(404, "NotFound")
        if request.method == "GET" and len(rest) == 1:
            self.queries.append((rest[0], dict(request.query)))
            if request.query.get("watch"):
                return await self._watch(request, rest[0])
            return self._list(request, rest[0])
        name = rest[1] if len(rest) > 1 else ""
        place = Place(rest[0], namespace, name)
        if request.method == "GET":
            stored = self.objects.get(place)
            return _json(stored.text()) if stored else _status(404, "NotFound")
        body = await request.read()
        return self._write(request.method, place, "/".join(rest[2:]), json.loads(body or b"{}"))

    def _list(self, request: web.Request, plural: str) -> web.Response:
        version, kind = KINDS[plural]
        with self._lock:
            stored = [item for place, item in self.objects.items() if place.plural == plural]
            start, limit = (
                int(request.query.get("continue") or 0),
                int(request.query.get("limit", 0)),
            )
            end = start + limit if limit else len(stored)
            more = str(end) if end < len(stored) else ""
            described = json.dumps({"resourceVersion": str(self._version), "continue": more})
            items = b",".join(item.text() for item in stored[start:end])
        head = b'{"apiVersion":"%s","items":[' % version.encode()
        tail = b'],"kind":"%sList","metadata":%s}' % (kind.encode(), described.encode())
        return _json(head + items + tail)

    async def _watch(self, request: web.Request, plural: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        since = int(request.query.get("resourceVersion") or 0)
        at = 0
        while True:  # the handler is cancelled when the client or the server goes
            with self._lock:
                news, at = self._history[at:], len(self._history)
            for version, of_kind, line in news:
                if of_kind == plural and version > since:
                    try:
                        await response.write(line)
                    except ConnectionError:
                        return response
            await asyncio.sleep(0.02)

    def _write(
        self, method: str, place: Place, subresource: str, body: dict[str, Any]
    ) -> web.Response:
        with self._lock:
            name = place.name or body["metadata"].get("name") or "generated"
            place = Place(place.plural, place.namespace, name)
            self.writes.append(WriteRequest(method, place, subresource, body))
            stored = self.objects.get(place)
            if method == "DELETE":
                if self.objects.pop(place, None) is not None and stored is not None:
                    stored.version = self._next()
                    self._tell(place.plural, b"DELETED", stored.text())
                return _json(b'{"kind":"Status","status":"Success"}')
            if place.plural == "events":
                return _json(json.dumps(body).encode(), 201)
            if subresource == "status" and stored is not None:
                self.put(place, stored.content, json.dumps(body.get("status")).encode())
            elif not subresource:
                body["metadata"]["resourceVersion"] = VERSION.decode()
                body["metadata"]["namespace"] = place.namespace
                body["metadata"].setdefault("uid", f"uid-{place.plural}-{name}")
                self.put(place, json.dumps(body, separators=(",", ":")).encode())
            return _json(self.objects[place].text())


@contextlib.contextmanager
def running(server: ByteServer) -> Iterator[ByteServer]:
    """Serve on a free port, in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> web.AppRunner:
        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{path:.*}", server.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(_end(runner), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end(runner: web.AppRunner) -> None:
    """Close everything, and end the watches that go on."""
    await runner.cleanup()
    watches = asyncio.all_tasks() - {asyncio.current_task()}
    for watch in watches:
        watch.cancel()
    await asyncio.gather(*watches, return_exceptions=True)


def _discovery(version: str) -> web.Response:
    """Groups, or the resources of one."""
    if version == "":
        groups = sorted({v for v, _ in KINDS.values() if "/" in v})
        described = [{"groupVersion": v, "version": v.split("/")[1]} for v in groups]
        return web.json_response(
            {
                "versions": ["v1"],
                "groups": [
                    {
                        "name": v["groupVersion"].split("/")[0],
                        "versions": [v],
                        "preferredVersion": v,
                    }
                    for v in described
                ],
            }
        )
    verbs = ["get", "list", "watch", "create", "patch", "delete"]
    resources = [
        {"name": plural, "kind": kind, "namespaced": True, "verbs": verbs, "singularName": ""}
        for plural, (of, kind) in KINDS.items()
        if of == version or of.startswith(f"{version}/")
    ]
    return web.json_response({"groupVersion": version, "resources": resources})


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


def _status(code: int, reason: str) -> web.Response:
    status = {"kind": "Status", "code": code, "reason": reason, "message": reason}
    return web.json_response(status, status=code)
