"""What the environment says about this server: where it listens, who it is, which faults it plays."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from diabetes_model.server.telemetry import Signals

DEFAULT_MODEL_DIRECTORY = "/app/model"
MOST_RECENT_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults for tests, off by default. Times are seconds after the start of the process.

    Attributes:
        error_rate: share of ``/predict`` answered 500, ``FAULT_ERROR_RATE``.
        start_delay: not ready before, ``FAULT_START_DELAY``.
        exit_after: the process exits with code 1, ``FAULT_EXIT_AFTER``.
        never_ready: ``FAULT_NEVER_READY=true``.
        memory_mb: allocates this much, 64 MB a second, and keeps it, ``FAULT_MEMORY_MB``.
        unready_after: not ready any more, ``FAULT_UNREADY_AFTER``.
        prediction_shift: added to every prediction that is answered, ``FAULT_PREDICTION_SHIFT``.
        explanation_shift: added to the first contribution of every explanation,
            ``FAULT_EXPLANATION_SHIFT``.
        latency: ``/predict`` answers so many seconds later, ``FAULT_LATENCY``; other requests do
            not wait for it.
        latency_share: share of ``/predict`` that does, ``FAULT_LATENCY_SHARE``, all by default.
    """

    error_rate: float = 0.0
    start_delay: float = 0.0
    exit_after: float | None = None
    never_ready: bool = False
    memory_mb: int = 0
    unready_after: float | None = None
    prediction_shift: float = 0.0
    explanation_shift: float = 0.0
    latency: float = 0.0
    latency_share: float = 1.0

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Reads the ``FAULT_*`` variables.

        Raises:
            ValueError: a value is not a number.
        """
        return cls(
            error_rate=_number(environ, "FAULT_ERROR_RATE", 0.0),
            start_delay=_number(environ, "FAULT_START_DELAY", 0.0),
            exit_after=_maybe(environ, "FAULT_EXIT_AFTER"),
            never_ready=_yes(environ, "FAULT_NEVER_READY"),
            memory_mb=_whole(environ, "FAULT_MEMORY_MB", 0),
            unready_after=_maybe(environ, "FAULT_UNREADY_AFTER"),
            prediction_shift=_number(environ, "FAULT_PREDICTION_SHIFT", 0.0),
            explanation_shift=_number(environ, "FAULT_EXPLANATION_SHIFT", 0.0),
            latency=_number(environ, "FAULT_LATENCY", 0.0),
            latency_share=_number(environ, "FAULT_LATENCY_SHARE", 1.0),
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """One server. ``revision`` and ``tag`` go out with every answer.

    ``recent_rows`` is how many rows ``/recent`` remembers, 0 for none; ``signals`` is
    what OpenTelemetry exports.
    """

    port: int
    model_directory: Path
    model: str
    revision: str
    tag: str | None
    snapshot: str | None
    seed: str | None
    drain_seconds: float
    log_level: str
    recent_rows: int
    faults: Faults
    signals: Signals

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Reads the variables that the operator sets, and what one needs on a laptop.

        Raises:
            ValueError: a value is not what it has to be; the message names the variable.
        """
        return cls(
            port=_whole(environ, "PORT", 8080),
            model_directory=Path(environ.get("MODEL_DIRECTORY") or DEFAULT_MODEL_DIRECTORY),
            model=environ.get("DAVYLAMP_MODEL") or "diabetes-risk",
            revision=environ.get("DAVYLAMP_REVISION") or "local",
            tag=environ.get("DAVYLAMP_IMAGE_TAG") or None,
            snapshot=environ.get("DAVYLAMP_FEATURE_SNAPSHOT") or None,
            seed=environ.get("DAVYLAMP_SEED") or None,
            drain_seconds=_number(environ, "DRAIN_SECONDS", 1.0),
            log_level=_level(environ),
            recent_rows=min(_whole(environ, "RECENT_ROWS", 0), MOST_RECENT_ROWS),
            faults=Faults.read(environ),
            signals=Signals.wanted(environ),
        )


def _level(environ: Mapping[str, str]) -> str:
    level = (environ.get("LOG_LEVEL") or "INFO").upper()
    if level not in logging.getLevelNamesMapping():
        raise ValueError(f"LOG_LEVEL is {level!r}, it has to be a level like DEBUG or WARNING")
    return level


def _maybe(environ: Mapping[str, str], name: str) -> float | None:
    return _number(environ, name, 0.0) if environ.get(name) else None


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(environ.get(name) or default)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{name} is {environ[name]!r}, it has to be a number")
    return value


def _whole(environ: Mapping[str, str], name: str, default: int) -> int:
    value = _number(environ, name, default)
    if value < 0 or value != int(value):
        raise ValueError(f"{name} is {environ[name]!r}, it has to be a whole number from 0 on")
    return int(value)


def _yes(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").lower() in {"1", "true", "yes"}
