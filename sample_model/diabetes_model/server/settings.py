"""What the environment says about this server: where it listens, who it is, which faults it plays."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

DEFAULT_MODEL_DIRECTORY = "/app/model"


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
    """

    error_rate: float = 0.0
    start_delay: float = 0.0
    exit_after: float | None = None
    never_ready: bool = False
    memory_mb: int = 0
    unready_after: float | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Reads the ``FAULT_*`` variables.

        Raises:
            ValueError: a value is not a number.
        """
        return cls(
            error_rate=float(environ.get("FAULT_ERROR_RATE") or 0),
            start_delay=float(environ.get("FAULT_START_DELAY") or 0),
            exit_after=_seconds(environ, "FAULT_EXIT_AFTER"),
            never_ready=environ.get("FAULT_NEVER_READY", "").lower() in {"1", "true", "yes"},
            memory_mb=int(environ.get("FAULT_MEMORY_MB") or 0),
            unready_after=_seconds(environ, "FAULT_UNREADY_AFTER"),
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """One server. ``revision`` and ``tag`` go out with every answer."""

    port: int
    model_directory: Path
    model: str
    revision: str
    tag: str | None
    snapshot: str | None
    seed: str | None
    drain_seconds: float
    log_level: str
    faults: Faults

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Reads the variables that the operator sets, and what a person needs on a laptop."""
        return cls(
            port=int(environ.get("PORT") or 8080),
            model_directory=Path(environ.get("MODEL_DIRECTORY") or DEFAULT_MODEL_DIRECTORY),
            model=environ.get("DAVYLAMP_MODEL") or "diabetes-risk",
            revision=environ.get("DAVYLAMP_REVISION") or "local",
            tag=environ.get("DAVYLAMP_IMAGE_TAG") or None,
            snapshot=environ.get("DAVYLAMP_FEATURE_SNAPSHOT") or None,
            seed=environ.get("DAVYLAMP_SEED") or None,
            drain_seconds=float(environ.get("DRAIN_SECONDS") or 1),
            log_level=(environ.get("LOG_LEVEL") or "INFO").upper(),
            faults=Faults.read(environ),
        )


def _seconds(environ: Mapping[str, str], name: str) -> float | None:
    value = environ.get(name)
    return float(value) if value else None
