"""Asks a network again, because the job is not repeated when it fails."""

import http.client
import time
from collections.abc import Callable
from typing import TypeVar

from diabetes_model.snapshots import SnapshotError
from diabetes_model.snapshots.fetching import is_uri

Answer = TypeVar("Answer")
Pause = Callable[[float], None]

ATTEMPTS = 4
PAUSE_SECONDS = 2.0
PASSING = (OSError, http.client.HTTPException, SnapshotError)


def patiently(ask: Callable[[], Answer], source: str, *, pause: Pause = time.sleep) -> Answer:
    """The answer, asked for up to four times if the source is remote; raises what the last raised."""
    remote = is_uri(source) and not source.startswith("file://")
    for _ in range(ATTEMPTS - 1 if remote else 0):
        try:
            return ask()
        except PASSING:
            pause(PAUSE_SECONDS)
    return ask()
