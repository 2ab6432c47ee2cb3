"""The servers that are compared: the product, the product without this or that, and bare Flask."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from bench.serving import flask_server
from gunicorn.app.base import BaseApplication

from diabetes_model import contract
from diabetes_model.model import Matrix
from diabetes_model.server import plain
from diabetes_model.server.app import create_app, observed, routes
from diabetes_model.server.process import Server
from diabetes_model.server.service import Service
from diabetes_model.server.settings import Settings
from diabetes_model.server.tally import Tally


class Uncounted(Tally):
    """Notes nothing."""

    def __init__(self) -> None:
        super().__init__(model="", revision="", grouping=None)

    def answered(self, features: Matrix, predictions: Matrix, contributions: Matrix) -> None:
        """Nothing."""

    def failed(self, features: Matrix) -> None:
        """Nothing."""


def unchecked(body: bytes) -> Matrix:
    """The rows of a body, unchecked."""
    rows = [[row[name] for name in contract.NAMES] for row in json.loads(body)["rows"]]
    return np.array(rows, dtype=np.float64)


def whole(settings: Settings) -> Any:
    """The product."""
    return create_app(settings)


def without_tally(settings: Settings) -> Any:
    """No scores, shares and groups; requests are counted and timed."""
    return observed(_without_tally(settings))


def without_metrics(settings: Settings) -> Any:
    """Nothing counted or timed, no headers that name the revision."""
    return routes(_without_tally(settings))


def without_checks(settings: Settings) -> Any:
    """The data contract is not checked."""
    plain.features_of = unchecked
    return create_app(settings)


def without_both(settings: Settings) -> Any:
    """No checks, no metrics: FastAPI and the graph."""
    plain.features_of = unchecked
    return without_metrics(settings)


def _without_tally(settings: Settings) -> Service:
    return replace(Service.of(settings), tally=Uncounted())


class Variant(Server):  # type: ignore[misc]  # gunicorn has no types
    """The product's process around another application."""

    def __init__(self, settings: Settings, make: Callable[[Settings], Any]) -> None:
        self.make = make
        super().__init__(settings)

    def load(self) -> Any:
        """Builds the application."""
        return self.make(self.settings)


class PlainServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Flask under gunicorn, one worker, as its documentation recommends."""

    def __init__(self, settings: Settings, threads: int) -> None:
        self.settings, self.threads = settings, threads
        super().__init__()

    def load_config(self) -> None:
        """One synchronous worker, or one with threads, which keeps connections."""
        self.cfg.set("bind", f"0.0.0.0:{self.settings.port}")
        self.cfg.set("workers", 1)
        self.cfg.set("threads", self.threads)
        self.cfg.set("control_socket_disable", True)
        self.cfg.set("loglevel", "warning")

    def load(self) -> Any:
        """Builds the application."""
        return flask_server.create_app(self.settings.model_directory)


@dataclass(frozen=True)
class Entry:
    """A row of the table; ``kept`` says whether the server keeps connections."""

    title: str
    make: Callable[[Settings], BaseApplication]
    kept: bool = True


def _product(make: Callable[[Settings], Any]) -> Callable[[Settings], BaseApplication]:
    return lambda settings: Variant(settings, make)


FLASK, FLASK_THREADS, PRODUCT = "flask", "flask-threads", "product"
ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        FLASK: Entry("bare Flask, sync worker", lambda s: PlainServer(s, 1), kept=False),
        FLASK_THREADS: Entry("bare Flask, 8 threads", lambda s: PlainServer(s, 8)),
        PRODUCT: Entry("model server", _product(whole)),
        "no-tally": Entry("  without scores, shares, groups", _product(without_tally)),
        "no-metrics": Entry("  without any metrics", _product(without_metrics)),
        "no-checks": Entry("  without the data contract", _product(without_checks)),
        "neither": Entry("  without both", _product(without_both)),
    }
)


def settings_of(directory: Path, port: int) -> Settings:
    """The settings of a server on this machine."""
    environ = {"MODEL_DIRECTORY": str(directory), "PORT": str(port), "LOG_LEVEL": "WARNING"}
    return Settings.read(environ)
