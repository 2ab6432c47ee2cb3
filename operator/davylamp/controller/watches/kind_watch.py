"""One kind in one place: listed and compared with the cache, then watched from the list's version on.

Lost events are found by comparing, once an hour at most for a whole kind, never by asking for the
children of one model.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from davylamp.adapters.errors import Expired, OperatorError
from davylamp.adapters.kubernetes.watches import Change, Watchable
from davylamp.api import names
from davylamp.controller.cluster.cache import Key, ObjectCache, version_number
from davylamp.controller.cluster.objects import metadata, why_unread
from davylamp.controller.workqueue import Backoff
from davylamp.schema.json import JsonObject

COMPARE_EVERY: Final = (1800.0, 3600.0)
"""Seconds between lists of a kind: a random time of these, so that kinds do not come together."""
WATCH_FOR: Final = (300, 600)
"""Seconds that one watch lasts; the next goes on where it ended."""
TRIES: Final = 3
"""Watches that end in an error in a row, after which the kind is listed anew."""
_log = logging.getLogger(__name__)
_OURS: Final = {names.LABEL_MANAGED_BY: names.MANAGED_BY}


@dataclass(frozen=True, slots=True)
class Scope:
    """A kind in a namespace, or (None) everywhere."""

    kind: str
    namespace: str | None

    @property
    def labels(self) -> Mapping[str, str]:
        """What selects the objects that matter on the server."""
        return {} if self.kind == names.KIND else _OURS


@dataclass(slots=True)
class KindWatch:
    """Keeps what the cache knows of a kind current.

    Attributes:
        cluster: is listed and watched.
        cache: learns of everything.
        scope: which objects.
        on_change: called with each model about whose objects something new was learnt.
        on_listed: called after each complete list.
        lists: lets few kinds be listed at the same time.
        on_refused: called when a list is refused that was not refused before.
        on_unread: called with each object that became known in outline only.
        refused: why there is no list.
    """

    cluster: Watchable
    cache: ObjectCache
    scope: Scope
    on_change: Callable[[Key], None]
    on_listed: Callable[[Scope], None] = lambda _scope: None
    lists: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    on_refused: Callable[[Scope], None] = lambda _scope: None
    on_unread: Callable[[JsonObject], None] = lambda _item: None
    refused: OperatorError | None = None
    backoff: Backoff = field(default_factory=lambda: Backoff(longest=30.0))
    _version: str = ""
    """Up to which changes are known; empty before the first list, and where it has expired."""
    _newest: int = 0
    """The highest version that was seen; a list below it is of another world."""
    _due: float = 0.0
    """When the next list is due, by the clock of the event loop."""

    async def run(self) -> None:
        """Keep the cache current, from a new list on; never returns.

        ModelDeployments are watched by kopf: of them, this only compares.
        """
        self._version, self.refused = "", None  # what an earlier run knew was dropped at its end
        failures = 0
        while True:
            try:
                await self._go_on()
                failures = 0
                continue
            except Expired as error:
                _log.info("%s; listing anew", error)
                self._version = ""
            except OperatorError as error:
                _log.warning("%s; trying again", error)
                self._note(error)
            except Exception:  # noqa: BLE001 - a bug met in one object must not blind the operator
                _log.exception("watching %s failed; listing anew", self.scope.kind)
                self._version = ""
            failures += 1
            if failures % TRIES == 0:
                self._version = ""
            await asyncio.sleep(self.backoff.delay(failures))

    async def compare(self) -> None:
        """List all, and bring the cache to what the list says."""
        scope = self.scope
        listed: set[tuple[str, str]] = set()
        more, is_first = "", True
        while more or is_first:
            page = await self.cluster.page(
                scope.kind, scope.namespace, labels=scope.labels, after=more
            )
            if is_first and version_number(page.version) < self._newest:
                # restored from a backup: versions that are higher belong to a world that is gone
                self.cache.drop(scope.kind, scope.namespace)
            for item in page.items:
                self._put(item)
                listed.add((metadata(item, "namespace"), metadata(item, "name")))
                await asyncio.sleep(0)  # one may be heavy: let others have their turn
            more, is_first = page.more, False
        version = version_number(page.version)
        for key in self.cache.compare(scope.kind, scope.namespace, listed, version):
            self._tell(key)
        self._version, self._newest, self.refused = page.version, version, None
        self._due = _now() + random.uniform(*COMPARE_EVERY)
        self.on_listed(scope)

    async def _go_on(self) -> None:
        """One list where it is due, and one watch."""
        if not self._version or _now() >= self._due:
            async with self.lists:
                await self.compare()
        if self.scope.kind == names.KIND:
            await asyncio.sleep(max(0.0, self._due - _now()))
            return
        async for change in self.cluster.changes(
            self.scope.kind,
            self.scope.namespace,
            labels=self.scope.labels,
            since=self._version,
            lasts=random.randint(*WATCH_FOR),
        ):
            self._take_in(change)

    def _note(self, error: OperatorError) -> None:
        """Remember why there is no list; a watch that ends is nobody's business."""
        if self._version:
            return
        is_news, self.refused = self.refused is None, error
        if is_news:
            self.on_refused(self.scope)

    def _take_in(self, change: Change) -> None:
        if change.type == "DELETED":
            self._tell(self.cache.remove(change.item))
        elif change.type != "BOOKMARK":
            self._put(change.item)
        self._version = metadata(change.item, "resourceVersion") or self._version
        self._newest = max(self._newest, version_number(self._version))

    def _put(self, item: JsonObject) -> None:
        key = self.cache.put(item)
        if key is not None and why_unread(item):
            self.on_unread(item)
        self._tell(key)

    def _tell(self, key: Key | None) -> None:
        if key is not None:
            self.on_change(key)


def _now() -> float:
    return asyncio.get_running_loop().time()
