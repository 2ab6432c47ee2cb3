"""The one HTTP server of the tests: it listens on loopback, answers as a test says, keeps requests."""

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from typing_extensions import override


@dataclass(frozen=True)
class Request:
    """One request. `target` is path and query as they were sent; header names ignore case."""

    method: str
    target: str
    headers: Message
    body: bytes
    client: tuple[str, int]
    """Address and port it came from; the same for requests over one connection."""

    @property
    def path(self) -> str:
        """The path alone, decoded."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        """Parameters of the query, the last of each name."""
        return _parameters(urlsplit(self.target).query)

    @property
    def form(self) -> dict[str, str]:
        """Fields of a form, the last of each name."""
        return _parameters(self.body.decode())

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Response:
    """An answer: `body` as it is, or anything else as JSON."""

    body: object = b""
    status: int = HTTPStatus.OK
    reason: str | None = None
    """The words after the status; those of the standard unless they are given."""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before anything is sent."""
    trickle: float = 0.0
    """Seconds after each byte of the body."""
    hangs: bool = False
    """Whether nothing is sent before the server is closed."""

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


Answer = Callable[[Request], Response]


class FakeHttp(ThreadingHTTPServer):
    """A server on a free port. `answer` may be replaced while it runs."""

    daemon_threads = True

    def __init__(self, answer: Answer, *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((host, port), _Handler)
        self.answer = answer
        self.requests: list[Request] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_port}"

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what went wrong, unless a client merely went away in the middle of an answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeHttp

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Kept in `requests` instead."""

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            self.command, self.path, self.headers, self.rfile.read(length), self.client_address
        )
        self.server.requests.append(request)
        response = self.server.answer(request)
        if response.hangs:
            self.server.closing.wait()
            self.close_connection = True
            return
        time.sleep(response.delay)
        self._send(response)

    def _send(self, response: Response) -> None:
        content = response.content
        self.send_response(response.status, response.reason)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        step = 1 if response.trickle else max(1, len(content))
        for start in range(0, len(content), step):
            self.wfile.write(content[start : start + step])
            time.sleep(response.trickle)


for _method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
    setattr(_Handler, f"do_{_method}", _Handler._handle)


@contextlib.contextmanager
def serving(answer: Answer, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[FakeHttp]:
    """A server that answers while the context lasts."""
    with FakeHttp(answer, host=host, port=port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()


def files(folder: Path) -> Answer:
    """Serves the files of a folder; 404 for what is not there."""

    def answer(request: Request) -> Response:
        path = folder / request.path.lstrip("/")
        if not path.is_file():
            return Response(status=HTTPStatus.NOT_FOUND, reason="File not found")
        return Response(path.read_bytes())

    return answer


def in_turn(*responses: Response) -> Answer:
    """Gives each of these once, then the last one again and again."""
    left = list(responses)
    return lambda _request: left.pop(0) if len(left) > 1 else left[0]


def _parameters(text: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}
