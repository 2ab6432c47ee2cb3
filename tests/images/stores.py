"""One file behind three protocols: a web server, the part of S3 and the part of GCS that reading needs."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

BUCKET, KEY = "features", "diabetes/2026-11-01.parquet"
OBJECT = f"/storage/v1/b/{BUCKET}/o/{KEY}"


class Store(ThreadingHTTPServer):
    """Serves ``content``; ``seen`` is every request, for whoever wonders what a client did."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.seen: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """``/<bucket>/<key>`` for HTTP and S3, ``/storage`` and ``/download/storage`` for GCS."""

    protocol_version = "HTTP/1.1"
    server: Store

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, *_: object) -> None:
        """Kept in ``seen`` instead."""

    def _answer(self, *, with_body: bool) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        self.server.seen.append(f"{self.command} {self.path} {self.headers.get('Range', '')}")
        if path == OBJECT and "alt=media" not in url.query:
            self._send(
                HTTPStatus.OK, json.dumps(self._metadata()).encode(), {}, with_body=with_body
            )
        elif path in {f"/{BUCKET}/{KEY}", OBJECT, f"/download{OBJECT}"}:
            self._send_content(with_body=with_body)
        else:
            self._send(HTTPStatus.NOT_FOUND, b"{}", {}, with_body=with_body)

    def _metadata(self) -> dict[str, str]:
        return {
            "kind": "storage#object",
            "bucket": BUCKET,
            "name": KEY,
            "size": str(len(self.server.content)),
            "contentType": "application/octet-stream",
            "updated": "2026-11-01T00:00:00Z",
            "timeCreated": "2026-11-01T00:00:00Z",
            "generation": "1",
            "mediaLink": f"{self.server.url}/download{OBJECT}?alt=media",
        }

    def _send_content(self, *, with_body: bool) -> None:
        content = self.server.content
        headers = {
            "ETag": f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"',
            "Last-Modified": formatdate(0, usegmt=True),
            "Accept-Ranges": "bytes",
        }
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            return self._send(HTTPStatus.OK, content, headers, with_body=with_body)
        first = int(asked[1])
        part = content[first : int(asked[2]) + 1 if asked[2] else None]
        headers["Content-Range"] = f"bytes {first}-{first + len(part) - 1}/{len(content)}"
        return self._send(HTTPStatus.PARTIAL_CONTENT, part, headers, with_body=with_body)

    def _send(
        self, status: HTTPStatus, body: bytes, headers: dict[str, str], *, with_body: bool
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)


@contextmanager
def serving(content: bytes) -> Iterator[Store]:
    """A store on a free port of the loopback interface."""
    with Store(content) as store:
        thread = threading.Thread(target=store.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield store
        finally:
            store.shutdown()
            thread.join()
