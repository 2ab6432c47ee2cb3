"""Plays the faults that tests ask for; none by default."""

import logging
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from diabetes_model.model import Matrix
from diabetes_model.server.logs import LOGGER
from diabetes_model.server.settings import Faults

STEP_MB = 8
STEP_SECONDS = 0.125


class InjectedError(RuntimeError):
    """An error that a test asked for."""


@dataclass(frozen=True, slots=True)
class FaultPlayer:
    """Faults of a server that started at ``started``, on ``clock``."""

    faults: Faults
    started: float
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random

    def ready(self) -> bool:
        """Whether the faults allow readiness now."""
        age = self.clock() - self.started
        if self.faults.never_ready or age < self.faults.start_delay:
            return False
        return self.faults.unready_after is None or age < self.faults.unready_after

    def maybe_fail(self) -> None:
        """Raises InjectedError for the asked share of calls."""
        if self.faults.error_rate and self.chance() < self.faults.error_rate:
            raise InjectedError("asked for by FAULT_ERROR_RATE")

    def lateness(self) -> float:
        """Seconds by which an answer has to be late; 0 for all but the asked share of calls."""
        late = self.faults.latency and self.chance() < self.faults.latency_share
        return self.faults.latency if late else 0.0

    def shifted(self, predictions: Matrix) -> Matrix:
        """What is answered instead of these predictions."""
        shift = self.faults.prediction_shift
        return predictions + shift if shift else predictions

    def bent(self, contributions: Matrix) -> Matrix:
        """What is answered instead of these contributions, rows x features."""
        shift = self.faults.explanation_shift
        if not shift:
            return contributions
        bent = contributions.copy()
        bent[:, 0] += shift
        return bent

    def begin(self) -> None:
        """Starts the faults that happen by themselves."""
        log = logging.getLogger(LOGGER)
        if self.faults != Faults():
            log.warning("playing faults: %s", self.faults)
        if self.faults.exit_after is not None:
            _in_background(lambda: _exit(self.faults.exit_after or 0.0))
        if self.faults.memory_mb:
            _in_background(lambda: _fill_memory(self.faults.memory_mb))


def _in_background(job: Callable[[], None]) -> None:
    threading.Thread(target=job, daemon=True).start()


def _exit(after: float) -> None:
    time.sleep(after)
    os._exit(1)


def _fill_memory(megabytes: int) -> None:
    kept = []
    for _ in range(0, megabytes, STEP_MB):
        kept.append(b"\x01" * (STEP_MB * 2**20))
        time.sleep(STEP_SECONDS)
    threading.Event().wait()
