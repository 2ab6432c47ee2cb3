"""Fetching a snapshot: from a file, a web server or an object store, checked before it has a name."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit

import fsspec

from diabetes_model.snapshots.errors import SnapshotError
from diabetes_model.snapshots.file import Facts, check
from diabetes_model.snapshots.writing import unfinished

# No other: fsspec knows dozens of protocols, some of which run code or read other machines' disks.
PROTOCOLS = ("file", "http", "https", "s3", "gs")
# Their loggers print warnings and tracebacks of what they raise as well, and we say in one line.
BACKENDS = ("aiobotocore", "gcsfs", "google", "s3fs")
CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """``seconds`` for the whole transfer, ``connect_seconds`` to get through, ``bytes`` at most."""

    seconds: float = 300.0
    connect_seconds: float = 20.0
    bytes: int = 2**30


def fetch(
    uri: str,
    path: Path,
    *,
    sha256: str | None,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Facts:
    """Fetches a snapshot to ``path``, which appears only when hash and contract are right.

    Raises:
        SnapshotError: in one line, naming the source and what is wrong.
    """
    bounds = limits or Limits()
    with _named(uri), unfinished(path) as part:
        with part.open("wb") as target:
            digest = _copy(uri, target, bounds, clock)
        if sha256 is not None and digest != sha256:
            raise SnapshotError(f"sha256 is {digest}, expected {sha256}")
        return check(part)


def fetch_bytes(uri: str, *, limits: Limits) -> bytes:
    """A small file's content; raises like ``fetch``."""
    with _named(uri), _opened(uri, limits) as source:
        content: bytes = source.read(limits.bytes + 1)
        if len(content) > limits.bytes:
            raise SnapshotError(f"more than {limits.bytes} bytes")
        return content


def is_uri(text: str) -> bool:
    """Whether this is no plain path."""
    return "://" in text


def file_name(uri: str) -> str:
    """The last part of a path or URI."""
    return PurePosixPath(urlsplit(uri).path if is_uri(uri) else uri).name


def shown(uri: str) -> str:
    """The URI without what may be secret: user, password and query."""
    if not is_uri(uri):
        return uri
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _copy(uri: str, target: BinaryIO, limits: Limits, clock: Callable[[], float]) -> str:
    digest, size, deadline = hashlib.sha256(), 0, clock() + limits.seconds
    with _opened(uri, limits) as source:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > limits.bytes:
                raise SnapshotError(f"more than {limits.bytes} bytes")
            if clock() > deadline:
                raise SnapshotError(f"not there after {limits.seconds:g} s")
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()


def _opened(uri: str, limits: Limits) -> Any:
    protocol = uri.partition("://")[0] if is_uri(uri) else "file"
    if protocol not in PROTOCOLS:
        raise SnapshotError(f"protocol {protocol} is none of {', '.join(PROTOCOLS)}")
    for backend in BACKENDS:
        logging.getLogger(backend).setLevel(logging.CRITICAL)
    options = _options(protocol, limits)
    system, place = fsspec.url_to_fs(uri, skip_instance_cache=True, **options)
    # Streamed, not asked for in ranges: the size is not known before, nor every server able.
    streamed = {"block_size": 0} if protocol in {"http", "https"} else {}
    return system.open(place, "rb", **streamed)


def _options(protocol: str, limits: Limits) -> dict[str, Any]:
    if protocol in {"http", "https"}:
        from aiohttp import ClientTimeout  # noqa: PLC0415 - comes with fsspec[http]

        bounds = ClientTimeout(
            total=limits.seconds,
            sock_connect=limits.connect_seconds,
            sock_read=limits.connect_seconds,
        )
        return {"client_kwargs": {"timeout": bounds}}
    if protocol == "s3":
        seconds = limits.connect_seconds
        return {"config_kwargs": {"connect_timeout": seconds, "read_timeout": seconds}}
    return {"timeout": limits.connect_seconds} if protocol == "gs" else {}


@contextmanager
def _named(uri: str) -> Iterator[None]:
    """Every protocol has errors of its own; all become one line that names the source."""
    try:
        yield
    except SnapshotError as error:
        raise SnapshotError(f"{shown(uri)}: {error}") from error
    except ImportError as error:
        hint = "install the extra `remote` (s3fs, gcsfs)"
        raise SnapshotError(f"{shown(uri)}: {error}: {hint}") from error
    except Exception as error:  # fsspec's backends share no base class
        raise SnapshotError(f"{shown(uri)}: {_reason(error, uri)}") from error


def _reason(error: Exception, uri: str) -> str:
    """Type and text of what really happened: fsspec calls whatever a web server does "not found"."""
    if isinstance(error, FileNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    status, message = getattr(error, "status", None), getattr(error, "message", None)
    text = f"{status} {message}" if status else " ".join(str(error).split())
    for secret in (uri, urlsplit(uri).query, urlsplit(uri).netloc.rpartition("@")[0]):
        text = text.replace(secret, "...") if secret else text
    return f"{type(error).__name__}: {text}".rstrip(": ")
