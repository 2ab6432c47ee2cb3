"""Carries a decision out, in the one order that is safe to be interrupted anywhere.

1. fence: Services stop admitting what they must not (waits for nothing, P1)
2. objects of the needed revision, then everything that grows
3. the status: the memory of what was decided, before anything that destroys evidence
4. events
5. Services admit what they may now
6. everything that shrinks, and records nobody needs any more

What is refused in 2 does not keep 3 and 4 from being done: people must be able to see why nothing
moves, and deadlines must begin to run.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from davylamp.adapters.errors import OperatorError
from davylamp.adapters.kubernetes.cluster import Cluster
from davylamp.api import names
from davylamp.api.names import Reason
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.api.status import Candidate
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.applier import Applier
from davylamp.controller.cluster.cache import Key, ObjectCache
from davylamp.controller.logs import about
from davylamp.controller.reconcile.observer import Children
from davylamp.manifests import (
    Owner,
    admits,
    deployment_of,
    disruption_budget,
    event,
    has_pinned,
    pinned_secret,
    record,
    recorded,
    services,
)
from davylamp.rollout import Decision, Notice, Route
from davylamp.schema.json import JsonObject

Remember = Callable[[OperatorError | None], Awaitable[None]]
"""Writes the status; told what stands in the way of the decision, if anything does."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """One decision about one object, and the world it was taken in."""

    owner: Owner
    spec: ModelDeploymentSpec | None
    """None when the spec is invalid: nothing new is made then."""
    world: Children
    decision: Decision
    now: datetime

    @property
    def key(self) -> Key:
        """The object's key."""
        return Key(self.owner.namespace, self.owner.name)


class Executor:
    """Writes to the cluster what a decision says.

    Args:
        cluster: where to.
        cache: what is known of it, and learns of our writes at once.
        identity: who posts the Events.
        on_notice: told of everything that people are told.
    """

    def __init__(
        self,
        cluster: Cluster,
        cache: ObjectCache,
        *,
        identity: str,
        on_notice: Callable[[Key, Notice], None] = lambda _key, _notice: None,
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._applier = Applier(cluster, cache)
        self._identity = identity
        self._on_notice = on_notice

    async def carry_out(self, task: Task, *, remember: Remember) -> None:
        """Write a decision; `remember` writes the status at its place in the order."""
        await self._fence(task)
        records = dict(task.world.records)
        try:
            restored = await self._grow(task, records)
        except OperatorError as error:
            await remember(error)
            await self._tell_all(task, task.decision.notices)
            raise
        await remember(None)
        await self._tell_all(task, (*task.decision.notices, *restored))
        for service in services(task.owner, task.decision.desired.route):
            await self._applier.ensure(task.owner, service)
        await self._shrink(task, records)

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone."""
        self._applier.forget(key)

    async def _fence(self, task: Task) -> None:
        """Take out of the Services whatever must not be in them any more, before all else."""
        route = task.decision.desired.route
        for service in services(task.owner, route):
            name = objects.field(service, "metadata", "name")
            stored = self._cache.child(task.key, "Service", str(name))
            if stored is not None and _admits_too_much(stored, service, task.world, route):
                await self._applier.ensure(task.owner, service)

    async def _grow(self, task: Task, records: dict[str, JsonObject]) -> list[Notice]:
        """Create what is needed and scale up; returns notices of children that were put back."""
        route = task.decision.desired.route
        await self._applier.names_are_ours(task.owner, services(task.owner, route))
        await self._applier.ensure(task.owner, disruption_budget(task.owner))
        candidate = task.decision.status.candidate
        if candidate and candidate.revision not in records and task.spec:
            made = await self._recorded(task, task.spec, candidate, records)
            if made is not None:
                records[candidate.revision] = made
        restored: list[Notice] = []
        for revision, replicas in self._stable_first(task):
            if revision not in records or self._is_only_kept(task, revision, replicas):
                continue
            await self._applier.ensure(task.owner, recorded(records[revision], "configMap"))
            pods = max(replicas, self._present_replicas(task, revision))
            edited = self._was_changed(task, records[revision], revision)
            changed = await self._applier.ensure(task.owner, deployment_of(records[revision], pods))
            if edited and changed:
                restored.append(
                    Notice(Reason.RESTORED, f"Deployment of {revision} was put back", revision)
                )
        return restored

    def _stable_first(self, task: Task) -> list[tuple[str, int]]:
        """Wanted pods by revision; what serves is repaired even if another one is refused."""
        stable = task.decision.desired.route.stable
        wanted = task.decision.desired.replicas.items()
        return sorted(wanted, key=lambda item: item[0] != stable)

    def _is_only_kept(self, task: Task, revision: str, replicas: int) -> bool:
        """Whether a revision is just a record: its objects are made when it is gone back to.

        One whose objects the API server refuses must not stand in the way of the next one.
        """
        name = task.owner.child(revision)
        return not replicas and self._cache.child(task.key, "Deployment", name) is None

    async def _recorded(
        self,
        task: Task,
        spec: ModelDeploymentSpec,
        candidate: Candidate,
        records: Mapping[str, JsonObject],
    ) -> JsonObject | None:
        """Make the record of a new revision, after its copy of pinned Secrets."""
        pinned = await self._pinned(task, spec, candidate)
        if pinned is None:
            return None
        highest = max((objects.record_number(r) for r in records.values()), default=0)
        manifest = record(task.owner, candidate, spec, number=highest + 1, pinned=pinned)
        await self._applier.ensure(task.owner, manifest)
        name = task.owner.child(candidate.revision)
        return self._cache.child(task.key, "ControllerRevision", name) or manifest

    async def _pinned(
        self, task: Task, spec: ModelDeploymentSpec, candidate: Candidate
    ) -> dict[str, list[str]] | None:
        """Keys of each pinned Secret; None while one is missing."""
        sources: dict[str, dict[str, str]] = {}
        for secret in spec.secrets:
            source = await self._cluster.get("Secret", task.owner.namespace, secret.name)
            if source is None:
                return None
            if secret.policy == "Pin":
                data = source.get("data")
                entries = data if isinstance(data, dict) else {}
                sources[secret.name] = {k: str(v) for k, v in entries.items()}
        if sources:
            await self._freeze(task, pinned_secret(task.owner, candidate, sources))
        return {name: sorted(entries) for name, entries in sources.items()}

    async def _freeze(self, task: Task, secret: JsonObject) -> None:
        """Make the revision's own Secret; one without a record is from a pass that was cut short.

        Nothing mounts that one yet, and it cannot be changed: the source may have been meanwhile.
        """
        found = await self._applier.ours_of_that_name(task.owner, secret)
        if found is not None and found.get("data") == secret["data"]:
            return
        if found is not None:
            await self._applier.remove(task.owner, found)
        await self._cluster.apply(secret)

    def _present_replicas(self, task: Task, revision: str) -> int:
        workload = task.world.workloads.get(revision)
        return workload.desired if workload else 0

    def _was_changed(self, task: Task, made: JsonObject, revision: str) -> bool:
        """Whether somebody else changed the Deployment in more than its number of pods."""
        name = task.owner.child(revision)
        stored = self._cache.child(task.key, "Deployment", name)
        if stored is None:
            return False
        replicas = objects.field(stored, "spec", "replicas")
        same = deployment_of(made, replicas if isinstance(replicas, int) else 0)
        return not self._applier.agrees(task.owner, same)

    async def _shrink(self, task: Task, records: Mapping[str, JsonObject]) -> None:
        """Scale down what has no traffic any more, and delete what is not kept."""
        wanted = task.decision.desired.replicas
        for revision, made in records.items():
            if revision not in wanted:
                await self._forget_revision(task, revision)
            elif not self._is_only_kept(task, revision, wanted[revision]):
                await self._applier.ensure(task.owner, deployment_of(made, wanted[revision]))
        for revision in task.world.workloads.keys() - records.keys() - wanted.keys():
            await self._forget_objects(task, revision)  # somebody deleted its record

    async def _forget_revision(self, task: Task, revision: str) -> None:
        """Delete a revision's objects, its record last so that a crash leaves a way to find them."""
        await self._forget_objects(task, revision)
        made = task.world.records[revision]
        if has_pinned(made):
            name = task.owner.child(revision)
            await self._cluster.delete("Secret", task.owner.namespace, name)
        await self._applier.remove(task.owner, made)

    async def _forget_objects(self, task: Task, revision: str) -> None:
        name = task.owner.child(revision)
        for kind in ("Deployment", "ConfigMap"):
            found = self._cache.child(task.key, kind, name)
            if found is not None:
                await self._applier.remove(task.owner, found)

    async def _tell_all(self, task: Task, notices: Iterable[Notice]) -> None:
        for notice in notices:
            await self._tell(task, notice)

    async def _tell(self, task: Task, notice: Notice) -> None:
        """Count, log and post an Event; a lost Event must not hold up a rollback."""
        self._on_notice(task.key, notice)
        log = about(_log, **task.owner.fields(), revision=notice.revision)
        log.info("%s: %s", notice.reason, notice.message)
        manifest = event(task.owner, notice, now=task.now, reporter=self._identity)
        try:
            await self._cluster.create_event(manifest)
        except OperatorError as error:
            log.warning("event %s was not posted: %s", notice.reason, error)


def _admits_too_much(stored: JsonObject, wanted: JsonObject, world: Children, route: Route) -> bool:
    """Whether a stored Service lets in a revision that the wanted one does not."""
    known = {*world.workloads, *world.records, names.NO_REVISION}
    known |= {r for r in (route.stable, route.candidate) if r}
    return any(admits(stored, r) and not admits(wanted, r) for r in known)
