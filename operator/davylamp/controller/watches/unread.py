"""Tells of objects that are too heavy to be read: one Event about each of them, and the log.

A ModelDeployment says so in its own status; its children, which others write, cannot.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

from davylamp.adapters.errors import OperatorError
from davylamp.api import names
from davylamp.api.names import Reason
from davylamp.controller.cluster.objects import metadata, why_unread
from davylamp.manifests.events import event_about
from davylamp.rollout import Notice
from davylamp.schema.json import JsonObject, text

MOST_WAITING: Final = 100
"""Objects of which an Event is still to be told; of more the metric tells."""
BETWEEN: Final = 1.0
"""Seconds between two Events: whoever changes a heavy object all the time makes no flood of them."""
_log = logging.getLogger(__name__)


class EventPoster(Protocol):
    """Where Events are written to."""

    async def create_event(self, manifest: JsonObject) -> None:
        """Write one; raises no other errors than `OperatorError`."""


class UnreadObjects:
    """Tells of each object once while it is waited for, at a bounded rate.

    Args:
        cluster: where Events are written to.
        reporter: who posts them.
        clock: the time.
    """

    def __init__(
        self,
        cluster: EventPoster,
        *,
        reporter: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._reporter = reporter
        self._clock = clock
        self._waiting: dict[str, JsonObject] = {}
        self._signal = asyncio.Event()

    def note(self, item: JsonObject) -> None:
        """An object became known in outline only."""
        if text(item, "kind") == names.KIND:
            return
        uid = metadata(item, "uid")
        if uid in self._waiting or len(self._waiting) < MOST_WAITING:
            self._waiting[uid] = item
            self._signal.set()

    async def run(self) -> None:
        """Tell of what was noted; never returns."""
        while True:
            await self._signal.wait()
            while self._waiting:
                await self._post(self._waiting.pop(next(iter(self._waiting))))
                await asyncio.sleep(BETWEEN)
            self._signal.clear()

    async def _post(self, item: JsonObject) -> None:
        kind, name, place = text(item, "kind"), metadata(item, "name"), metadata(item, "namespace")
        message = f"Davylamp does not read this {kind}: it {why_unread(item)}. Make it smaller."
        _log.warning("%s %s/%s is not read: it %s", kind, place, name, why_unread(item))
        involved: JsonObject = {
            "apiVersion": text(item, "apiVersion"),
            "kind": kind,
            "name": name,
            "namespace": place,
            "uid": metadata(item, "uid"),
        }
        notice = Notice(Reason.INVALID_SPEC, message, names.NO_REVISION, "Warning")
        manifest = event_about(involved, notice, now=self._clock(), reporter=self._reporter)
        try:
            await self._cluster.create_event(manifest)
        except OperatorError as error:
            _log.warning("no Event tells of it: %s", error)
