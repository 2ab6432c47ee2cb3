"""Logs: one JSON object per line on stderr, and a failing model cannot flood them."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LOGGER = "diabetes_model"


class JsonFormatter(logging.Formatter):
    """One object per record: time, level, logger, message, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def log_config(level: str) -> dict[str, Any]:
    """The logging configuration of the whole process, in the form of ``logging.config``."""
    loggers = (LOGGER, "gunicorn.error", "gunicorn.access", "asyncio")
    handler = {
        "class": "logging.StreamHandler",
        "formatter": "json",
        "stream": "ext://sys.stderr",
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": f"{__name__}.JsonFormatter"}},
        "handlers": {"stderr": handler},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {name: {"level": level, "propagate": True} for name in loggers},
    }


@dataclass
class FailureLog:
    """Logs a failed request in one line, at most once in ``every`` seconds, and counts the rest."""

    logger: logging.Logger = field(default_factory=lambda: logging.getLogger(LOGGER))
    every: float = 5.0
    clock: Callable[[], float] = time.monotonic
    _next: float = 0.0
    _unsaid: int = 0

    def failed(self, route: str, error: Exception) -> None:
        """Takes note of one failure."""
        now = self.clock()
        if now < self._next:
            self._unsaid += 1
            return
        self.logger.error(
            "%s failed: %s: %s (%d more failures since the last line)",
            route,
            type(error).__name__,
            error,
            self._unsaid,
        )
        self._next, self._unsaid = now + self.every, 0
