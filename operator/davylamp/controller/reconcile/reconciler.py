"""One level-triggered pass: observe everything, decide purely, write once, in one list."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from davylamp.adapters.errors import NotLeader, OperatorError
from davylamp.controller.cluster.cache import Key, ObjectCache
from davylamp.controller.cluster.objects import metadata
from davylamp.controller.cluster.writes import TRIED_AGAIN
from davylamp.controller.leadership.claims import Claims, Stance, Standing
from davylamp.controller.logs import about
from davylamp.controller.reconcile.claim_plans import (
    question_plan,
    taken_over,
    watched_twice_plan,
)
from davylamp.controller.reconcile.executor import Executor
from davylamp.controller.reconcile.following import Following
from davylamp.controller.reconcile.observing.observer import Observer
from davylamp.controller.reconcile.passes import Parent, read_parent
from davylamp.controller.reconcile.plan import (
    refusal_plan,
    unobserved_plan,
    write_plan,
)
from davylamp.controller.reconcile.writes import PlanSettings
from davylamp.rollout import decide
from davylamp.schema.json import JsonObject, text

_log = logging.getLogger(__name__)


class Memory(Protocol):
    """Who remembers something about ModelDeployments."""

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone."""


class Attentive(Protocol):
    """Who keeps something at hand about ModelDeployments that are looked at."""

    def rest(self, key: Key) -> None:
        """Keep nothing at hand of one that is not looked at for a while."""


class Reconciler:
    """Brings one ModelDeployment a pass nearer to its spec.

    Args:
        cache: has the ModelDeployments.
        observer: gathers what is decided on.
        executor: makes the writes.
        following: is stopped when nobody may look at an object any more.
        claims: knows which release looks after an object.
        onlookers: forget what they know of pods where nobody looks any more.
        memories: forget what is gone.
        attentive: keep nothing at hand of what is at rest.
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
        onlookers: Iterable[Memory],
        memories: Iterable[Memory],
        attentive: Iterable[Attentive],
        settings: PlanSettings,
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._observer = observer
        self._executor = executor
        self._following = following
        self._claims = claims
        self._onlookers = tuple(onlookers)
        self._memories = (*memories, claims)
        self._attentive = tuple(attentive)
        self._settings = settings
        self._clock = clock
        self._at_hand: dict[Key, Parent] = {}

    async def __call__(self, key: Key) -> float | None:
        """Reconcile one object; answers with the seconds until the next look is due.

        None when only a change can matter: lost events are found by comparing, for all at once.
        """
        manifest = self._cache.parent(key)
        if manifest is None or metadata(manifest, "deletionTimestamp"):
            self.stand_by(key)
            return None
        parent = self._read(key, manifest)
        standing = self._claims.standing(key, parent.status, parent.generation)
        if standing.stance not in {Stance.ACTS, Stance.TAKES_OVER}:
            return await self._stay_away(parent, standing)
        if not parent.was_followed:
            parent = self._observer.followable(parent, {})
            if parent.spec is None:
                return await self._refuse(parent)
        try:
            current = await self._observer.look(parent)
        except NotLeader:
            raise
        except OperatorError as error:
            return await self._unobserved(parent, error)
        decision = decide(
            parent.status, current.observation, name=key.name, namespace=key.namespace
        )
        if standing.stance is Stance.TAKES_OVER:
            decision = taken_over(parent, decision, self._settings.release)
        plan = write_plan(current, decision, self._settings)
        refused = TRIED_AGAIN.total_seconds() if current.refused_jobs else None
        again = await self._executor.carry_out(plan)
        clocks = (again, decision.wake_after, current.wake_after, refused)
        again_in = min((clock for clock in clocks if clock is not None), default=None)
        if again_in is None:
            self.rest(key)
        return again_in

    async def unobserved(self, key: Key, error: OperatorError) -> float | None:
        """Say in the status why nothing is done about an object whose children cannot be known."""
        manifest = self._cache.parent(key)
        if manifest is None or metadata(manifest, "deletionTimestamp"):
            return None
        parent = self._read(key, manifest)
        standing = self._claims.standing(key, parent.status, parent.generation)
        if standing.stance is not Stance.ACTS:
            return None
        return await self._unobserved(parent, error)

    async def _unobserved(self, parent: Parent, error: OperatorError) -> float | None:
        plan = unobserved_plan(parent, error, self._clock(), self._settings)
        return await self._executor.carry_out(plan)

    def stand_by(self, key: Key) -> None:
        """Ask nobody any more about an object; when it is gone, drop all that is known of it."""
        self._following.stop(key)
        for onlooker in self._onlookers:
            onlooker.forget(key)
        self.rest(key)
        if self._cache.parent(key) is None:
            for memory in self._memories:
                memory.forget(key)

    async def _stay_away(self, parent: Parent, standing: Standing) -> float | None:
        """Another release claims the object: ask whether it lives, or leave the object to it."""
        self._following.stop(parent.key)
        if standing.stance is Stance.ASKS:
            await self._executor.carry_out(question_plan(parent, self._clock(), self._settings))
            stored = self._cache.parent(parent.key) or {}
            if text(stored, "status", "operator", "contender") == self._claims.release:
                self._claims.asked(parent.key)
        if standing.is_news:
            await self._executor.carry_out(
                watched_twice_plan(parent, self._clock(), self._settings)
            )
        self.rest(parent.key)
        return standing.again_in

    def _read(self, key: Key, manifest: JsonObject) -> Parent:
        """The object as it is read: once for each version of it."""
        parent = self._at_hand.get(key)
        if parent is None or parent.manifest is not manifest:
            parent = read_parent(key, manifest, self._settings.children, self._settings.allowed)
            self._at_hand[key] = parent
        return parent

    def rest(self, key: Key) -> None:
        """Keep nothing at hand of a model: it is at rest, or others need the memory."""
        self._at_hand.pop(key, None)
        for other in self._attentive:
            other.rest(key)

    async def _refuse(self, parent: Parent) -> float | None:
        """Say in the status why nothing is done about an object that was never followed."""
        if parent.refusal is not None:
            log = about(_log, **parent.owner.fields())
            log.warning("%s: %s", parent.refusal.reason, parent.refusal.message)
        plan = refusal_plan(parent, self._observer.glance(parent), self._settings)
        again_in = await self._executor.carry_out(plan)
        self.rest(parent.key)
        return again_in
