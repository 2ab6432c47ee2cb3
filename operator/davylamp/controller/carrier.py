"""Carries a decision out, in the one order that is safe to be interrupted anywhere.

1. fence: Services stop admitting what they must not (waits for nothing, P1)
2. objects of the needed revision, then everything that grows
3. the status: the memory of what was decided, before anything that destroys evidence
4. events
5. Services admit what they may now
6. everything that shrinks, and records nobody needs any more
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from davylamp.adapters.errors import OperatorError
from davylamp.adapters.kubernetes import Cluster
from davylamp.api import names
from davylamp.api.json import JsonObject
from davylamp.api.names import Reason
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.api.status import Candidate
from davylamp.controller import reading
from davylamp.controller.applier import Applier
from davylamp.controller.cache import Key, ObjectCache
from davylamp.controller.observer import World
from davylamp.manifests import (
    Owner,
    admits,
    deployment_of,
    disruption_budget,
    event,
    pinned_secret,
    record,
    recorded,
    services,
)
from davylamp.rollout import Decision, Notice, Route

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """One decision about one object, and the world it was taken in."""

    owner: Owner
    spec: ModelDeploymentSpec | None
    """None when the spec is invalid: nothing new is made then."""
    world: World
    decision: Decision
    now: datetime

    @property
    def key(self) -> Key:
        """The object's key."""
        return Key(self.owner.namespace, self.owner.name)


class Carrier:
    """Writes to the cluster what a decision says."""

    def __init__(self, cluster: Cluster, cache: ObjectCache, *, identity: str) -> None:
        self._cluster = cluster
        self._cache = cache
        self._applier = Applier(cluster, cache)
        self._identity = identity

    async def carry_out(self, task: Task, *, remember: Callable[[], Awaitable[None]]) -> None:
        """Write a decision; `remember` writes the status at its place in the order."""
        await self._fence(task)
        records = dict(task.world.records)
        restored = await self._grow(task, records)
        await remember()
        for notice in (*task.decision.notices, *restored):
            await self._tell(task, notice)
        for service in services(task.owner, task.decision.desired.route):
            await self._applier.ensure(task.owner, service)
        await self._shrink(task, records)

    async def _fence(self, task: Task) -> None:
        """Take out of the Services whatever must not be in them any more, before all else."""
        route = task.decision.desired.route
        for service in services(task.owner, route):
            name = reading.field(service, "metadata", "name")
            stored = self._cache.child(task.key, "Service", str(name))
            if stored is not None and _admits_too_much(stored, service, task.world, route):
                await self._applier.ensure(task.owner, service)

    async def _grow(self, task: Task, records: dict[str, JsonObject]) -> list[Notice]:
        """Create what is needed and scale up; returns notices of children that were put back."""
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
            changed = self._was_changed(task, records[revision], revision)
            await self._applier.ensure(task.owner, deployment_of(records[revision], pods))
            if changed:
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
        highest = max((reading.record_number(r) for r in records.values()), default=0)
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
            await self._cluster.apply(pinned_secret(task.owner, candidate, sources))
        return {name: sorted(entries) for name, entries in sources.items()}

    def _present_replicas(self, task: Task, revision: str) -> int:
        workload = task.world.workloads.get(revision)
        return workload.desired if workload else 0

    def _was_changed(self, task: Task, made: JsonObject, revision: str) -> bool:
        """Whether somebody else changed the Deployment in more than its number of pods."""
        name = task.owner.child(revision)
        stored = self._cache.child(task.key, "Deployment", name)
        if stored is None:
            return False
        replicas = reading.field(stored, "spec", "replicas")
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

    async def _forget_revision(self, task: Task, revision: str) -> None:
        """Delete a revision's objects, its record last so that a crash leaves a way to find them."""
        name = task.owner.child(revision)
        for kind in ("Deployment", "ConfigMap"):
            found = self._cache.child(task.key, kind, name)
            if found is not None:
                await self._applier.remove(task.owner, found)
        await self._cluster.delete("Secret", task.owner.namespace, name)
        await self._applier.remove(task.owner, task.world.records[revision])

    async def _tell(self, task: Task, notice: Notice) -> None:
        """Log and post an Event; a lost Event must not hold up a rollback."""
        _log.info(
            "%s: %s",
            notice.reason,
            notice.message,
            extra={"object": f"{task.owner.namespace}/{task.owner.name}"},
        )
        manifest = event(task.owner, notice, now=task.now, reporter=self._identity)
        try:
            await self._cluster.create_event(manifest)
        except OperatorError as error:
            _log.warning("event %s was not posted: %s", notice.reason, error)


def _admits_too_much(stored: JsonObject, wanted: JsonObject, world: World, route: Route) -> bool:
    """Whether a stored Service lets in a revision that the wanted one does not."""
    known = {*world.workloads, *world.records, names.NO_REVISION}
    known |= {r for r in (route.stable, route.candidate) if r}
    return any(admits(stored, r) and not admits(wanted, r) for r in known)
