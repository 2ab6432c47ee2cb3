"""What a leader knows of the cluster: every kind that matters, in every namespace that is watched.

A standby watches ModelDeployments only, by kopf. Who wins leadership lists everything anew before
the first pass: a picture that somebody else has changed meanwhile would be decided on otherwise.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from davylamp.adapters.errors import OperatorError
from davylamp.adapters.kubernetes.watches import Watchable
from davylamp.api import names
from davylamp.controller.cluster.cache import CHILD_KINDS, Key, ObjectCache
from davylamp.controller.watches.kind_watch import KindWatch, Scope
from davylamp.schema.json import JsonObject

KINDS: Final = (names.KIND, *CHILD_KINDS)
LISTS_AT_A_TIME: Final = 2
"""Kinds: a list of tens of thousands of objects must not keep the lease from being renewed."""


class Watches:
    """Keeps the cache current while this process leads.

    Args:
        cluster: is listed and watched.
        cache: learns of everything.
        namespaces: where to look; empty means everywhere.
        on_change: called with each model about whose objects something new was learnt.
        on_known: called with a namespace, or None, once all kinds in it have been listed.
        on_refused: called with a namespace, or None, when a list of a kind in it is refused.
        on_unread: called with each object that became known in outline only.
    """

    def __init__(  # noqa: PLR0913  (whom it tells what)
        self,
        cluster: Watchable,
        cache: ObjectCache,
        *,
        namespaces: Sequence[str] = (),
        on_change: Callable[[Key], None],
        on_known: Callable[[str | None], None] = lambda _namespace: None,
        on_refused: Callable[[str | None], None] = lambda _namespace: None,
        on_unread: Callable[[JsonObject], None] = lambda _item: None,
    ) -> None:
        self._cache = cache
        self._on_known = on_known
        self._on_change = on_change
        self._unlisted: set[Scope] = set()
        lists = asyncio.Semaphore(LISTS_AT_A_TIME)
        self.watches = tuple(
            KindWatch(
                cluster,
                cache,
                Scope(kind, namespace),
                on_change=self._changed,
                on_listed=self._listed,
                lists=lists,
                on_refused=lambda scope: on_refused(scope.namespace),
                on_unread=on_unread,
            )
            for namespace in (namespaces or (None,))
            for kind in KINDS
        )
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """List everything, and watch it from then on."""
        self.end()
        self._unlisted = {watch.scope for watch in self.watches}
        self._tasks = [asyncio.create_task(watch.run()) for watch in self.watches]

    def end(self) -> None:
        """Watch no longer, and know nothing of any child any more."""
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        for kind in CHILD_KINDS:
            self._cache.drop(kind, None)

    def knows(self, namespace: str) -> bool:
        """Whether every kind was listed in a namespace since the beginning."""
        listing = any(scope.namespace in {None, namespace} for scope in self._unlisted)
        return bool(self._tasks) and not listing

    def refused(self, namespace: str) -> OperatorError | None:
        """Why a kind could not be listed in a namespace; None where nothing is known to refuse it."""
        unlisted = (watch for watch in self.watches if watch.scope in self._unlisted)
        reasons = (w.refused for w in unlisted if w.scope.namespace in {None, namespace})
        return next((reason for reason in reasons if reason is not None), None)

    async def compare(self) -> None:
        """List every kind once, and bring the cache to what the lists say."""
        for watch in self.watches:
            await watch.compare()

    def _changed(self, key: Key) -> None:
        """Report news; what is learnt before everything is known is looked at then."""
        if not any(scope.namespace in {None, key.namespace} for scope in self._unlisted):
            self._on_change(key)

    def _listed(self, scope: Scope) -> None:
        if scope not in self._unlisted:
            return
        self._unlisted.discard(scope)
        if not any(other.namespace == scope.namespace for other in self._unlisted):
            self._on_known(scope.namespace)
