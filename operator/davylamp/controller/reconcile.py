"""One level-triggered pass: observe everything, decide purely, write once."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import ValidationError

from davylamp.adapters.errors import NotFound, Terminal
from davylamp.adapters.kubernetes import Cluster
from davylamp.api.json import JsonObject
from davylamp.api.names import Reason
from davylamp.api.spec import ModelDeploymentSpec, Rollout
from davylamp.api.status import ModelDeploymentStatus, RevisionRef, identity, to_json
from davylamp.controller import reading
from davylamp.controller.cache import Key, ObjectCache, metadata
from davylamp.controller.carrier import Carrier, Task
from davylamp.controller.metrics import Metrics
from davylamp.controller.observer import Observer, World, observation, with_judgements
from davylamp.controller.sampler import Sampler
from davylamp.controller.settings import Settings
from davylamp.controller.subjects import subject_of
from davylamp.manifests import Owner
from davylamp.rollout import Decision, Observation, decide
from davylamp.rollout.refusal import refused

_log = logging.getLogger(__name__)


class Refusal(NamedTuple):
    """Why a spec cannot be followed."""

    reason: Reason
    message: str


class Reconciler:
    """Brings one ModelDeployment a pass nearer to its spec."""

    def __init__(  # noqa: PLR0913  (its collaborators, each needed)
        self,
        *,
        cluster: Cluster,
        cache: ObjectCache,
        sampler: Sampler,
        metrics: Metrics,
        settings: Settings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._sampler = sampler
        self._metrics = metrics
        self._observer = Observer(cluster, cache)
        self._carrier = Carrier(cluster, cache, identity=settings.identity)
        self._scrape_interval = settings.metrics.scrape_interval
        self._clock = clock

    async def __call__(self, key: Key) -> float | None:
        """Reconcile one object; answers with the seconds until the next look is due."""
        parent = self._cache.parent(key)
        if parent is None or metadata(parent, "deletionTimestamp"):
            self._forget(key)
            return None
        owner = Owner(key.name, key.namespace, metadata(parent, "uid"))
        status = _status_of(parent)
        world = await self._observer.look(owner)
        spec, refusal = _spec_of(parent)
        seen = await self._see(parent, spec, world, status)
        if seen is None:
            told = refusal or Refusal(Reason.INVALID_SPEC, "the spec cannot be read")
            await self._refuse(key, parent, status, told)
            return None
        decision = decide(status, seen, name=key.name)
        rollout = spec.rollout if spec else seen.rollout
        subject = subject_of(owner, decision.status, rollout, scrape_interval=self._scrape_interval)
        self._sampler.follow(key, subject)
        if refusal:
            decision = _still_refused(decision, seen, refusal)
        task = Task(owner, spec, world, decision, seen.now)
        await self._carry_out(task, parent, status)
        return decision.wake_after

    async def _see(
        self,
        parent: JsonObject,
        spec: ModelDeploymentSpec | None,
        world: World,
        status: ModelDeploymentStatus,
    ) -> Observation | None:
        """The whole observation; None when there is neither a valid spec nor anything running."""
        owner = Owner(metadata(parent, "name"), metadata(parent, "namespace"), "")
        if spec is None:
            seen = _without_spec(parent, world, status, self._clock())
        else:
            seen = observation(parent, spec, world, now=self._clock())
            stable = status.stable.revision if status.stable else None
            missing = await self._observer.missing_secrets(owner, spec, seen, stable)
            seen = replace(seen, missing_secrets=missing)
        if seen is None:
            return None
        key = Key(owner.namespace, owner.name)
        return with_judgements(seen, status, self._sampler.evidence(key))

    async def _carry_out(
        self, task: Task, parent: JsonObject, before: ModelDeploymentStatus
    ) -> None:
        async def remember() -> None:
            await self._remember(parent, before, task.decision.status)
            self._metrics.show(task.key, before, task.decision.status)
            for notice in task.decision.notices:
                self._metrics.tell(task.key, notice)

        try:
            await self._carrier.carry_out(task, remember=remember)
        except Terminal as error:
            reason = Reason.NAME_TAKEN if error.reason == Reason.NAME_TAKEN else Reason.INVALID_SPEC
            latest = self._cache.parent(task.key) or parent
            told = Refusal(reason, str(error))
            await self._refuse(task.key, latest, task.decision.status, told)
            raise

    async def _refuse(
        self, key: Key, parent: JsonObject, status: ModelDeploymentStatus, told: Refusal
    ) -> None:
        generation = reading.field(parent, "metadata", "generation")
        after = refused(
            status,
            generation=generation if isinstance(generation, int) else 0,
            now=self._clock(),
            reason=told.reason,
            message=told.message,
        )
        _log.warning("%s/%s: %s: %s", *key, told.reason, told.message)
        await self._remember(parent, _status_of(parent), after)

    async def _remember(
        self, parent: JsonObject, before: ModelDeploymentStatus, after: ModelDeploymentStatus
    ) -> None:
        """Write the status if it changed; what the API server answers is what is known next."""
        if after == before:
            return
        try:
            answer = await self._cluster.apply_status({**parent, "status": to_json(after)})
        except NotFound:
            return  # deleted meanwhile; its children go with it
        self._cache.put(answer)

    def _forget(self, key: Key) -> None:
        self._sampler.follow(key, None)
        self._observer.forget(key)
        self._metrics.forget(key)
        if self._cache.parent(key) is None:
            self._cache.forget(key)


def _status_of(parent: JsonObject) -> ModelDeploymentStatus:
    return ModelDeploymentStatus.model_validate(parent.get("status") or {})


def _spec_of(parent: JsonObject) -> tuple[ModelDeploymentSpec | None, Refusal | None]:
    """The spec, or why it is refused, with the path of the field."""
    try:
        return ModelDeploymentSpec.model_validate(parent.get("spec") or {}), None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(["spec", *(str(part) for part in first["loc"])])
        return None, Refusal(Reason.INVALID_SPEC, f"{path}: {first['msg']}")


def _without_spec(
    parent: JsonObject, world: World, status: ModelDeploymentStatus, now: datetime
) -> Observation | None:
    """What is seen when the spec is invalid: what runs is looked after, nothing goes forward."""
    ref = status.candidate or status.stable
    if ref is None:
        return None
    plan = status.candidate.plan if status.candidate else Rollout()
    serving = world.workloads.get(status.stable.revision) if status.stable else None
    generation = reading.field(parent, "metadata", "generation")
    return Observation(
        now=now,
        generation=generation if isinstance(generation, int) else 0,
        target=RevisionRef(**identity(ref)),
        rollout=plan,
        replicas=serving.desired if serving and serving.desired else 1,
        paused=True,
        commands=reading.commands_in(parent),
        workloads=world.workloads,
        recorded=tuple(world.records),
    )


def _still_refused(decision: Decision, seen: Observation, refusal: Refusal) -> Decision:
    status = refused(
        decision.status,
        generation=seen.generation,
        now=seen.now,
        reason=refusal.reason,
        message=refusal.message,
    )
    return replace(decision, status=status)
