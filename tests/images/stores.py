"""One file behind three protocols: a web server, the part of S3 and the part of GCS that reading needs."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import urlsplit

from tests.support.fakehttp import FakeHttp, Request, Response, serving

BUCKET, KEY = "features", "diabetes/2026-11-01.parquet"
OBJECT = f"/storage/v1/b/{BUCKET}/o/{KEY}"


@contextmanager
def serving_file(content: bytes) -> Iterator[FakeHttp]:
    """``/<bucket>/<key>`` for HTTP and S3, ``/storage`` and ``/download/storage`` for GCS."""

    def answer(request: Request) -> Response:
        if request.path == OBJECT and "alt=media" not in urlsplit(request.target).query:
            return Response(_metadata(content, server.url))
        if request.path in {f"/{BUCKET}/{KEY}", OBJECT, f"/download{OBJECT}"}:
            return _part(content, request.headers.get("Range", ""))
        return Response({}, HTTPStatus.NOT_FOUND)

    with serving(answer) as server:
        yield server


def _metadata(content: bytes, url: str) -> dict[str, str]:
    return {
        "kind": "storage#object",
        "bucket": BUCKET,
        "name": KEY,
        "size": str(len(content)),
        "contentType": "application/octet-stream",
        "updated": "2026-11-01T00:00:00Z",
        "timeCreated": "2026-11-01T00:00:00Z",
        "generation": "1",
        "mediaLink": f"{url}/download{OBJECT}?alt=media",
    }


def _part(content: bytes, wanted: str) -> Response:
    headers = {
        "ETag": f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"',
        "Last-Modified": formatdate(0, usegmt=True),
        "Accept-Ranges": "bytes",
    }
    chosen = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
    if chosen is None:
        return Response(content, headers=headers)
    first = int(chosen[1])
    part = content[first : int(chosen[2]) + 1 if chosen[2] else None]
    headers["Content-Range"] = f"bytes {first}-{first + len(part) - 1}/{len(content)}"
    return Response(part, HTTPStatus.PARTIAL_CONTENT, headers=headers)
