"""Examines the back end at the start and when it comes back, and says what was found.

In the log once for each change, in the metrics, and at `/sourcez`, which `helm test` reads.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from davylamp.adapters.prometheus.connection.preflight import Preflight

AGAIN: Final = 60.0
"""Seconds after which a back end with a problem is examined again; one that is well is left alone."""
_log = logging.getLogger(__name__)


class Preflights:
    """What is known of a back end.

    Args:
        examine: asks it; blocks, so it runs in a thread.
        on_found: is shown each finding.
        again: seconds until a problem is looked at again.
    """

    def __init__(
        self,
        examine: Callable[[], Preflight],
        *,
        on_found: Callable[[Preflight], None],
        again: float = AGAIN,
    ) -> None:
        self._examine = examine
        self._on_found = on_found
        self._again = again
        self._is_down = False
        self._came_back = asyncio.Event()
        self._problems: tuple[str, ...] | None = None
        self.text = "not examined yet"

    def on_query(self, result: str) -> None:
        """A query was answered (`ok`), or was not: a back end that comes back is examined anew."""
        if result == "ok" and self._is_down:
            self._came_back.set()
        self._is_down = result == "SourceDown"

    async def run(self) -> None:
        """Examine as often as there is a reason to; never returns."""
        while True:
            self._came_back.clear()
            try:
                found = await asyncio.to_thread(self._examine)
            except Exception:  # noqa: BLE001 - what is only told must not end the process
                _log.exception("the back end was not examined")
            else:
                self._tell(found)
            patience = self._again if self._problems else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._came_back.wait()

    def _tell(self, found: Preflight) -> None:
        self.text = found.text
        self._on_found(found)
        if found.problems == self._problems:
            return
        self._problems = found.problems
        if found.problems:
            _log.warning("Prometheus: %s", found.text)
        else:
            _log.info("Prometheus: %s", found.text)
