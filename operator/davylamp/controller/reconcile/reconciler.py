"""One level-triggered pass: observe everything, decide purely, write once, in one list."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, Protocol

from davylamp.controller.cluster.cache import Key, ObjectCache
from davylamp.controller.cluster.claims import Claims, Role, Standing
from davylamp.controller.cluster.objects import metadata
from davylamp.controller.logs import about
from davylamp.controller.reconcile.executor import Executor
from davylamp.controller.reconcile.following import Following
from davylamp.controller.reconcile.observer import Observer
from davylamp.controller.reconcile.passes import Parent, read_parent
from davylamp.controller.reconcile.plan import (
    PlanSettings,
    asking_plan,
    refusal_plan,
    taken_over,
    write_plan,
    yielding_plan,
)
from davylamp.rollout import decide

LOOK_AGAIN: Final = 900.0
"""Seconds after which an idle object is looked at again: a watch may have lost a deletion."""
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
        claims: knows which release looks after an object.
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
        claims: Claims,
        memories: Iterable[Memory],
        settings: PlanSettings,
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._observer = observer
        self._executor = executor
        self._following = following
        self._claims = claims
        self._memories = (*memories, claims)
        self._settings = settings
        self._clock = clock

    async def __call__(self, key: Key) -> float | None:
        """Reconcile one object; answers with the seconds until the next look is due."""
        manifest = self._cache.parent(key)
        if manifest is None or metadata(manifest, "deletionTimestamp"):
            self.stand_by(key)
            return None
        parent = read_parent(key, manifest)
        standing = self._claims.standing(key, parent.status.operator)
        if standing.role not in {Role.ACTS, Role.TAKES_OVER}:
            return await self._stay_away(parent, standing)
        if parent.spec is None and not parent.was_followed:
            return await self._refuse(parent)
        current = await self._observer.look(parent)
        decision = decide(
            parent.status, current.observation, name=key.name, namespace=key.namespace
        )
        if standing.role is Role.TAKES_OVER:
            decision = taken_over(parent, decision, self._settings)
        plan = write_plan(current, decision, self._settings)
        clocks = (await self._executor.carry_out(plan), decision.wake_after, current.wake_after)
        return min((clock for clock in clocks if clock is not None), default=LOOK_AGAIN)

    def stand_by(self, key: Key) -> None:
        """Ask nobody any more about an object; when it is gone, drop all that is known of it."""
        self._following.stop(key)
        if self._cache.parent(key) is None:
            for memory in self._memories:
                memory.forget(key)

    async def _stay_away(self, parent: Parent, standing: Standing) -> float:
        """Another release claims the object: ask whether it lives, or leave the object to it."""
        self._following.stop(parent.key)
        if standing.role is Role.ASKS:
            await self._executor.carry_out(asking_plan(parent, self._clock(), self._settings))
            self._claims.asked(parent.key)
        if standing.is_news:
            await self._executor.carry_out(yielding_plan(parent, self._clock(), self._settings))
        return LOOK_AGAIN if standing.again_in is None else standing.again_in

    async def _refuse(self, parent: Parent) -> float:
        """Say in the status why nothing is done about an object that was never followed."""
        if parent.refusal is not None:
            log = about(_log, **parent.owner.fields())
            log.warning("%s: %s", parent.refusal.reason, parent.refusal.message)
        plan = refusal_plan(parent, self._clock(), self._settings)
        again_in = await self._executor.carry_out(plan)
        return LOOK_AGAIN if again_in is None else again_in
