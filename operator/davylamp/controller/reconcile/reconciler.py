"""One level-triggered pass: observe everything, decide purely, write once, in one list."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from davylamp.adapters.errors import NotLeader, OperatorError
from davylamp.controller.cluster.cache import Key, ObjectCache
from davylamp.controller.cluster.objects import metadata
from davylamp.controller.cluster.pod_clock import PodClock
from davylamp.controller.cluster.refusals import TRIED_AGAIN
from davylamp.controller.logs import about
from davylamp.controller.reconcile.executor import Executor
from davylamp.controller.reconcile.following import Following
from davylamp.controller.reconcile.observer import Observer
from davylamp.controller.reconcile.passes import Parent, followable, read_parent
from davylamp.controller.reconcile.plan import (
    PlanSettings,
    refusal_plan,
    unobserved_plan,
    write_plan,
)
from davylamp.rollout import decide

_log = logging.getLogger(__name__)


class Memory(Protocol):
    """Who remembers something about ModelDeployments."""

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone."""


class Reconciler:
    """Brings one ModelDeployment a pass nearer to its spec.

    Args:
        cache: has the ModelDeployments.
        observer: gathers what is decided on.
        executor: makes the writes.
        following: is stopped when nobody may look at an object any more.
        pod_clock: forgets what it timed where nobody looks any more.
        memories: forget what is gone.
        settings: what plans are made with.
        clock: the time.
    """

    def __init__(  # noqa: PLR0913  (the parts of a pass)
        self,
        *,
        cache: ObjectCache,
        observer: Observer,
        executor: Executor,
        following: Following,
        pod_clock: PodClock,
        memories: Iterable[Memory],
        settings: PlanSettings,
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._observer = observer
        self._executor = executor
        self._following = following
        self._pod_clock = pod_clock
        self._memories = tuple(memories)
        self._settings = settings
        self._clock = clock

    async def __call__(self, key: Key) -> float | None:
        """Reconcile one object; answers with the seconds until the next look is due.

        None when only a change can matter: lost events are found by comparing, for all at once.
        """
        manifest = self._cache.parent(key)
        if manifest is None or metadata(manifest, "deletionTimestamp"):
            self.stand_by(key)
            return None
        parent = read_parent(key, manifest)
        if not parent.was_followed:
            parent = followable(parent, {})
            if parent.spec is None:
                return await self._refuse(parent)
        try:
            current = await self._observer.look(parent)
        except NotLeader:
            raise
        except OperatorError as error:
            plan = unobserved_plan(parent, error, self._clock())
            return await self._executor.carry_out(plan)
        decision = decide(
            parent.status, current.observation, name=key.name, namespace=key.namespace
        )
        plan = write_plan(current, decision, self._settings)
        refused = TRIED_AGAIN.total_seconds() if current.refused_jobs else None
        again = await self._executor.carry_out(plan)
        clocks = (again, decision.wake_after, current.wake_after, refused)
        again_in = min((clock for clock in clocks if clock is not None), default=None)
        if again_in is None:
            self._cache.rest(key)
        return again_in

    def stand_by(self, key: Key) -> None:
        """Ask nobody any more about an object; when it is gone, drop all that is known of it."""
        self._following.stop(key)
        self._pod_clock.forget(key)
        if self._cache.parent(key) is None:
            for memory in self._memories:
                memory.forget(key)

    async def _refuse(self, parent: Parent) -> float | None:
        """Say in the status why nothing is done about an object that was never followed."""
        if parent.refusal is not None:
            log = about(_log, **parent.owner.fields())
            log.warning("%s: %s", parent.refusal.reason, parent.refusal.message)
        return await self._executor.carry_out(refusal_plan(parent, self._clock()))
