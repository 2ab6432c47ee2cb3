"""A registry over real HTTP that does what a test says."""

import base64
from collections.abc import Callable

from tests.support.fakehttp import FakeHttp, Request, Response
from tests.support.signing import OCI_INDEX, OCI_MANIFEST, digest_of


class FakeRegistry:
    """One repository, `models/risk`: manifests by tag and digest, blobs by digest."""

    def __init__(self) -> None:
        self.manifests: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.blobs: dict[str, bytes] = {}
        self.referrers: dict[str, bytes] | None = {}
        self.challenge = ""
        self.password = ""
        self.token = "a-token"
        self.has_head = True
        self.names_digests = True
        self.http: FakeHttp | None = None
        self.instead: Callable[[Request], Response | None] = lambda _request: None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.http.server_port}"

    def push(self, tag: str, manifest: bytes, media_type: str = OCI_MANIFEST) -> str:
        digest = digest_of(manifest)
        self.manifests[tag] = self.manifests[digest] = manifest
        self.types[tag] = self.types[digest] = media_type
        return digest

    def upload(self, content: bytes) -> None:
        self.blobs[digest_of(content)] = content

    @property
    def asked(self) -> list[str]:
        return [
            f"{r.method} {r.target.removeprefix('/v2/models/risk/')}" for r in self.http.requests
        ]

    def answer(self, request: Request) -> Response:
        other = self.instead(request)
        if other is not None:
            return other
        if request.path == "/token":
            return self._token(request)
        if not self._is_let_in(request):
            return Response(status=401, headers={"WWW-Authenticate": self.challenge})
        kind, _, name = request.path.removeprefix("/v2/models/risk/").partition("/")
        if kind == "manifests" and name in self.manifests:
            return self._manifest(request, name)
        if kind == "blobs" and name in self.blobs:
            return Response(self.blobs[name])
        if kind == "referrers" and self.referrers is not None:
            return Response(self.referrers.get(name, b'{"manifests": []}'))
        return Response(status=404)

    def _manifest(self, request: Request, name: str) -> Response:
        if request.method == "HEAD" and not self.has_head:
            return Response(status=405)
        headers = {"Content-Type": self.types[name]}
        if self.names_digests:
            headers["Docker-Content-Digest"] = digest_of(self.manifests[name])
        return Response(self.manifests[name], headers=headers)

    def _is_let_in(self, request: Request) -> bool:
        given = request.headers.get("Authorization", "")
        if self.challenge.startswith("Basic"):
            return given == basic(self.password)
        return not self.challenge or given == f"Bearer {self.token}"

    def _token(self, request: Request) -> Response:
        given = request.headers.get("Authorization", "")
        if self.password and given != basic(self.password):
            return Response(status=401)
        return Response({"token": self.token})

    def wants_tokens(self) -> None:
        realm = f"http://{self.host}/token"
        self.challenge = f'Bearer realm="{realm}",service="reg",scope="repository:a:push"'


def basic(password: str) -> str:
    return f"Basic {base64.b64encode(f'me:{password}'.encode()).decode()}"


__all__ = ["OCI_INDEX", "FakeRegistry", "basic"]
