"""Logs: one JSON object per line on stderr, and a failing model cannot flood them."""

import json
import logging
import logging.config
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

LOGGER = "diabetes_model"


class JsonFormatter(logging.Formatter):
    """One object per record: time, level, logger, message, and what else there is.

    ``exception`` is a traceback; ``trace_id`` and ``span_id`` are of the request being answered, where
    it is traced.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_trace(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def _trace() -> dict[str, str]:
    """The ids of the current span; tracing that is off was never imported."""
    tracing = sys.modules.get("opentelemetry.trace")
    context = tracing.get_current_span().get_span_context() if tracing else None
    if context is None or not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def configure(level: str = "INFO") -> None:
    """Sends every line of the process through the one format: also warnings, and its last words."""
    logging.config.dictConfig(log_config(level))
    logging.captureWarnings(True)
    sys.excepthook = _last_words


def _last_words(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    logger = logging.getLogger(LOGGER)
    logger.critical("%s: %s", kind.__name__, error, exc_info=(kind, error, traceback))


def log_config(level: str) -> dict[str, Any]:
    """The logging configuration of the whole process, in the form of ``logging.config``."""
    # At DEBUG gunicorn says a line per request.
    others = "INFO" if level == "DEBUG" else level
    levels = {LOGGER: level, "gunicorn.error": others, "asyncio": others}
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
        "loggers": {name: {"level": at, "propagate": True} for name, at in levels.items()},
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
