"""``feature-store``: snapshots over HTTP, with an index that says what is there.

``GET /index.json`` lists the snapshots with id, sha256 and size, ``GET /<id>.parquet`` is one of
them (ranges, ETag), ``GET /healthz`` answers while the folder can be read.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from diabetes_model import release, snapshots

DEFAULT_PORT = 8080
PATTERN = "*.parquet"
NOTHING = ("", None)

Stamp = tuple[tuple[str, int, int], ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the snapshots are, and where to listen."""
    parser.add_argument("--directory", type=Path, required=True, help="folder of *.parquet")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on (default: all)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument(
        "--releases",
        type=Path,
        metavar="FOLDER",
        help="first make the snapshots that these release files name, unless they are there",
    )


def run(options: argparse.Namespace) -> int:
    """Serves until SIGTERM; returns the exit code.

    Raises:
        SnapshotError: there is no such folder, or a snapshot of a release is not what it should be.
    """
    if not options.directory.is_dir():
        raise snapshots.SnapshotError(f"{options.directory}: no such folder")
    if options.releases:
        fill(options.directory, options.releases)
    _Server(options.directory, bind=f"{options.host}:{options.port}").run()
    return 0


def fill(directory: Path, releases: Path) -> None:
    """Makes the snapshots of all releases that are not there; raises like ``run``."""
    for path in sorted(releases.glob("*.toml")):
        chosen = release.read(path)
        target = directory / f"{chosen.recipe.id}.parquet"
        if target.exists():
            snapshots.check(target, sha256=chosen.sha256)
            continue
        digest = snapshots.create(chosen.recipe, target, sha256=chosen.sha256)
        sys.stderr.write(f"feature-store: {digest}  {target.name} ({path.stem})\n")


def create_app(directory: Path) -> Starlette:
    """The application; it reads the folder, and never writes to it."""
    index = _Index(directory)

    def listed(_request: Request) -> JSONResponse:
        return JSONResponse(index.document(), headers={"Cache-Control": "no-cache"})

    def alive(_request: Request) -> JSONResponse:
        there = os.access(directory, os.R_OK | os.X_OK)
        return JSONResponse({"alive": there}, status_code=200 if there else 503)

    return Starlette(
        routes=[
            Route("/index.json", listed),
            Route("/healthz", alive),
            Mount("/", _Snapshots(directory=directory)),
        ]
    )


class _Snapshots(StaticFiles):
    """Files of the folder itself, finished ones only: one that is being written has a dot in front."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        name = Path(path)
        shown = name.parent == Path() and name.match(PATTERN) and not path.startswith(".")
        return super().lookup_path(path) if shown else NOTHING


class _Index:
    """The index of a folder, rebuilt when a file in it has changed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: tuple[Stamp, dict[str, Any]] | None = None

    def document(self) -> dict[str, Any]:
        """The index of now: hashing every file for every request would invite its abuse."""
        stamp, known = self._stamp(), self._known
        if known is None or known[0] != stamp:
            known = self._known = (stamp, snapshots.index(self._directory))
        return known[1]

    def _stamp(self) -> Stamp:
        found = ((path.name, path.stat()) for path in sorted(self._directory.glob(PATTERN)))
        return tuple((name, facts.st_size, facts.st_mtime_ns) for name, facts in found)


class _QuietLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """No line per request."""

    access_log_enabled = False


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn around the application, with its configuration in code."""

    def __init__(self, directory: Path, *, bind: str) -> None:
        self._directory, self._bind = directory.resolve(), bind
        super().__init__()

    def load_config(self) -> None:
        """Hands the configuration to gunicorn."""
        for name, value in _configuration(self._bind).items():
            self.cfg.set(name, value)

    def load(self) -> Starlette:
        """Builds the application, in the worker."""
        return create_app(self._directory)


def _configuration(bind: str) -> dict[str, Any]:
    return {
        "bind": bind,
        "workers": 1,
        "worker_class": "gunicorn.workers.gasgi.ASGIWorker",
        "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,
        "graceful_timeout": 10,
        "asgi_lifespan": "off",
        "control_socket_disable": True,
        "logger_class": _QuietLogger,
        "proc_name": "feature-store",
        "chdir": str(Path.cwd()),
    }
