"""gunicorn around the application: one worker, whose death is the death of the container.

A process manager that quietly restarts its worker hides crashes and out-of-memory kills from
Kubernetes, which is the one that has to see them.
"""

import logging
import os
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger
from gunicorn.workers.gasgi import ASGIWorker

from diabetes_model.server.logs import LOGGER, configure, log_config
from diabetes_model.server.settings import Settings

GRACEFUL_SECONDS = 20
KEEP_ALIVE_SECONDS = 5
WRONG_USAGE = 2


class DrainingWorker(ASGIWorker):  # type: ignore[misc]  # gunicorn has no types
    """Serves for a moment after SIGTERM, and says goodbye in each answer, before it stops.

    A worker that stops at once closes kept connections whose last answer did not announce it, and a
    request that is on its way there is lost.
    """

    def handle_exit_signal(self) -> None:
        """SIGTERM: for clients that have not heard of it yet everything goes on for now."""
        self.asgi.leaving.set()
        self.loop.call_later(self.app.settings.drain_seconds, super().handle_exit_signal)


class QuietLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """No line per request: that is what the metrics are for."""

    access_log_enabled = False


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """The application with its configuration in code: the image has no other."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Hands the configuration to gunicorn."""
        for name, value in _configuration(self.settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Builds the application, in the worker: the manager imports no library of the model."""
        from diabetes_model.server.app import create_app  # noqa: PLC0415

        try:
            return create_app(self.settings)
        except Exception as error:
            # Said here: gunicorn would say it on stderr as well, in no form at all.
            logging.getLogger(LOGGER).critical("cannot serve: %s", error, exc_info=True)
            raise SystemExit(Arbiter.WORKER_BOOT_ERROR) from error


def serve() -> int:
    """Serves until SIGTERM; returns the exit code."""
    configure()
    try:
        settings = Settings.read(os.environ)
    except ValueError as error:
        logging.getLogger(LOGGER).critical("%s", error)
        return WRONG_USAGE
    Server(settings).run()
    return 0


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "bind": f"0.0.0.0:{settings.port}",
        "workers": 1,
        "worker_class": DrainingWorker,
        "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,
        "graceful_timeout": GRACEFUL_SECONDS,
        "keepalive": KEEP_ALIVE_SECONDS,
        "asgi_lifespan": "off",
        "control_socket_disable": True,
        "logger_class": QuietLogger,
        "logconfig_dict": log_config(settings.log_level),
        "child_exit": _die_with_the_worker,
        "proc_name": settings.model,
        "chdir": str(Path.cwd()),
    }


def _die_with_the_worker(arbiter: Arbiter, worker: ASGIWorker) -> None:
    # While stopping, the manager has closed its listeners and waits for just this exit.
    if arbiter.LISTENERS:
        raise HaltServer(f"worker {worker.pid} died", 1)
