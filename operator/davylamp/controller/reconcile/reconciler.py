"""One level-triggered pass: observe everything, decide purely, write once."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

from pydantic import ValidationError

from davylamp.adapters.errors import Forbidden, NotFound, OperatorError, Terminal
from davylamp.adapters.kubernetes.cluster import Cluster
from davylamp.adapters.prometheus import templates
from davylamp.api.explanations import Explanations
from davylamp.api.names import Reason
from davylamp.api.spec import ModelDeploymentSpec, Rollout
from davylamp.api.status import ModelDeploymentStatus, RevisionRef, identity, to_json
from davylamp.controller.checks.inspections import inspection_of
from davylamp.controller.checks.inspector import Inspector
from davylamp.controller.checks.ready_pods import ready_pods
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.applier import Applier
from davylamp.controller.cluster.cache import Key, ObjectCache, metadata
from davylamp.controller.evidence.subjects import ReadSettings, subject_of
from davylamp.controller.evidence.tracker import EvidenceTracker
from davylamp.controller.logs import about
from davylamp.controller.metrics import Metrics
from davylamp.controller.nightly.nightly import Nightly
from davylamp.controller.reconcile.executor import Executor, Task
from davylamp.controller.reconcile.flight_records import FlightRecorder
from davylamp.controller.reconcile.judgements import with_judgements
from davylamp.controller.reconcile.observer import Children, Observer, observation
from davylamp.controller.settings import Settings
from davylamp.manifests import Owner
from davylamp.rollout import Observation, decide
from davylamp.rollout.report.refusal import refused
from davylamp.schema.json import JsonObject

LOOK_AGAIN: Final = 900.0
"""Seconds after which an idle object is looked at again: a watch may have lost a deletion."""
EVERYTHING_KEPT: Final = Rollout(gates=(), history=50)
"""Settings where the spec cannot be read: nothing is judged by limits nobody set, nothing pruned."""
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
        sampler: EvidenceTracker,
        inspector: Inspector,
        metrics: Metrics,
        settings: Settings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._sampler = sampler
        self._inspector = inspector
        self._metrics = metrics
        self._observer = Observer(cluster, cache)
        self._carrier = Executor(cluster, cache, identity=settings.identity, on_notice=metrics.tell)
        self._nightly = Nightly(cluster, cache, Applier(cluster, cache))
        self._recorder = FlightRecorder(
            Applier(cluster, cache), sampler, scrape_interval=settings.metrics.scrape_interval
        )
        self._obstacles: dict[Key, OperatorError] = {}
        self._reading = ReadSettings(settings.metrics.scrape_interval, settings.metrics.pod_metrics)
        self._clock = clock

    async def __call__(self, key: Key) -> float | None:
        """Reconcile one object; answers with the seconds until the next look is due."""
        parent = self._cache.parent(key)
        if parent is None or metadata(parent, "deletionTimestamp"):
            self.stand_by(key)
            return None
        owner = Owner(key.name, key.namespace, metadata(parent, "uid"))
        status = _status_of(parent)
        world = await self._observer.look(owner, self._clock())
        spec, refusal = _spec_of(parent)
        seen = await self._see(parent, spec, world, status)
        if seen is None:
            told = refusal or Refusal(Reason.INVALID_SPEC, "the spec cannot be read")
            await self._refuse(parent, status, told)
            return LOOK_AGAIN
        seen = await self._nightly.look(owner, seen, status)
        decision = decide(status, seen, name=key.name, namespace=key.namespace)
        if refusal:
            decision = replace(decision, status=_refused(decision.status, seen, refusal, status))
        task = Task(owner, spec, world, decision, seen.now)
        await self._carry_out(task, parent, seen)
        await self._keep_nightly(task)
        clocks = (decision.wake_after, self._nightly.wake_after(key, seen))
        return min((each for each in clocks if each is not None), default=LOOK_AGAIN)

    def stand_by(self, key: Key) -> None:
        """Ask nobody any more about an object; when it is gone, drop all that is known of it."""
        self._sampler.follow(key, None)
        self._inspector.follow(key, None)
        if self._cache.parent(key) is None:
            self._observer.forget(key)
            self._carrier.forget(key)
            self._nightly.forget(key)
            self._obstacles.pop(key, None)
            self._metrics.forget_object(key)
            self._cache.forget(key)

    async def _see(
        self,
        parent: JsonObject,
        spec: ModelDeploymentSpec | None,
        world: Children,
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
        seen = replace(seen, inspected=self._inspector.inspected(key))
        return with_judgements(seen, status, self._sampler.evidence(key))

    async def _carry_out(self, task: Task, parent: JsonObject, seen: Observation) -> None:
        """Have the decision written; what stands in its way is told until it is gone."""
        key, before = task.key, _status_of(parent)

        async def remember(obstacle: OperatorError | None) -> None:
            nonlocal task
            task = await self._recorder.keep(task, before, seen)
            after = task.decision.status
            told = _refusal_of(obstacle or self._obstacles.get(key))
            await self._remember(parent, _refused(after, seen, told, before) if told else after)
            self._follow(task, after, seen.rollout)
            self._metrics.show(key, before, after)

        try:
            await self._carrier.carry_out(task, remember=remember)
        except (Terminal, Forbidden) as error:
            self._obstacles[key] = error
            await self._tell_obstacle(task, seen, error)
            raise
        if self._obstacles.pop(key, None):
            await self._remember(self._cache.parent(key) or parent, task.decision.status)

    async def _keep_nightly(self, task: Task) -> None:
        """Last of all, as it only watches; left as it is while the spec cannot be read."""
        if task.spec is not None:
            await self._nightly.keep(
                task.owner,
                task.decision,
                said=task.spec.explanations,
                records=task.world.records,
                now=task.now,
            )

    def _follow(self, task: Task, status: ModelDeploymentStatus, rollout: Rollout) -> None:
        """Judge by what is recorded, never by a step that another pass might not find again."""
        pods = ready_pods(self._cache.children(task.key, "Pod"))
        subject = subject_of(task.owner, status, rollout, pods, self._reading)
        self._sampler.follow(task.key, subject)
        self._inspector.follow(task.key, inspection_of(status, task.world.records, pods))

    async def _tell_obstacle(self, task: Task, seen: Observation, error: OperatorError) -> None:
        """Say what was refused after the status was written, else it is there already."""
        parent, told = self._cache.parent(task.key), _refusal_of(error)
        if parent is not None and told is not None:
            known = _status_of(parent)
            await self._remember(parent, _refused(task.decision.status, seen, told, known))

    async def _refuse(
        self, parent: JsonObject, status: ModelDeploymentStatus, told: Refusal
    ) -> None:
        """Say in the status why nothing is done about an object that was never followed."""
        log = about(_log, namespace=metadata(parent, "namespace"), name=metadata(parent, "name"))
        log.warning("%s: %s", told.reason, told.message)
        after = refused(
            status,
            generation=_generation(parent),
            now=self._clock(),
            reason=told.reason,
            message=told.message,
        )
        await self._remember(parent, after)

    async def _remember(self, parent: JsonObject, after: ModelDeploymentStatus) -> None:
        """Write the status if it changed; what the API server answers is what is known next."""
        if after == _status_of(parent):
            return
        try:
            answer = await self._cluster.apply_status({**parent, "status": to_json(after)})
        except NotFound:
            return  # deleted meanwhile; its children go with it
        self._cache.put(answer)


def _status_of(parent: JsonObject) -> ModelDeploymentStatus:
    return ModelDeploymentStatus.model_validate(parent.get("status") or {})


def _spec_of(parent: JsonObject) -> tuple[ModelDeploymentSpec | None, Refusal | None]:
    """The spec, or why it is refused, with the path of the field."""
    try:
        spec = ModelDeploymentSpec.model_validate(parent.get("spec") or {})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(["spec", *(str(part) for part in first["loc"])])
        return None, Refusal(Reason.INVALID_SPEC, f"{path}: {first['msg']}")
    wrong = _query_refusal(spec)
    return (None if wrong else spec), wrong


def _query_refusal(spec: ModelDeploymentSpec) -> Refusal | None:
    """Why a query of a gate can never be asked: variables are not for the API server to check."""
    for number, gate in enumerate(spec.rollout.gates):
        try:
            templates.check(gate.query.promql if gate.query else "")
        except ValueError as wrong:
            path = f"spec.rollout.gates.{number}.query.promql"
            return Refusal(Reason.INVALID_SPEC, f"{path}: {wrong}")
    return None


def _without_spec(
    parent: JsonObject, world: Children, status: ModelDeploymentStatus, now: datetime
) -> Observation | None:
    """What is seen when the spec is invalid: what runs is looked after, nothing goes forward."""
    ref = status.candidate or status.stable
    if ref is None:
        return None
    plan = status.candidate.plan if status.candidate else EVERYTHING_KEPT
    serving = world.workloads.get(status.stable.revision) if status.stable else None
    return Observation(
        now=now,
        generation=_generation(parent),
        target=RevisionRef(**identity(ref)),
        rollout=plan,
        replicas=serving.desired if serving and serving.desired else 1,
        paused=True,
        commands=objects.commands_in(parent),
        workloads=world.workloads,
        recorded=tuple(world.records),
        explanations=Explanations() if status.explanations else None,
    )


def _refusal_of(obstacle: OperatorError | None) -> Refusal | None:
    """What to say of an obstacle that people have to clear away; others go by themselves."""
    if not isinstance(obstacle, Terminal | Forbidden):
        return None
    if isinstance(obstacle, Forbidden):
        return Refusal(Reason.WRITE_REFUSED, str(obstacle))
    is_taken = obstacle.reason == Reason.NAME_TAKEN
    return Refusal(Reason.NAME_TAKEN if is_taken else Reason.INVALID_SPEC, str(obstacle))


def _refused(
    status: ModelDeploymentStatus, seen: Observation, told: Refusal, known: ModelDeploymentStatus
) -> ModelDeploymentStatus:
    return refused(
        status,
        generation=seen.generation,
        now=seen.now,
        reason=told.reason,
        message=told.message,
        known=known,
    )


def _generation(parent: JsonObject) -> int:
    value = objects.field(parent, "metadata", "generation")
    return value if isinstance(value, int) else 0
