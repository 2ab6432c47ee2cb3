"""Gathers everything a decision looks at, before it is taken."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from davylamp.adapters.errors import SourceFault
from davylamp.adapters.kubernetes import Cluster
from davylamp.api import names
from davylamp.api.json import JsonObject
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller import reading
from davylamp.controller.cache import CHILD_KINDS, Key, ObjectCache
from davylamp.controller.sampler import Evidence
from davylamp.gates import Judgement, Verdict, judge
from davylamp.manifests import model_labels, recorded
from davylamp.manifests.identity import Owner
from davylamp.rollout import Observation, Workload, identify

FRESH_FOR: Final = 300.0
"""Seconds after which the children of an object that is looked at are listed anew, so that what a
watch lost in a gap is noticed."""


@dataclass(frozen=True)
class World:
    """The children as they are."""

    records: Mapping[str, JsonObject]
    """By revision, oldest first."""
    workloads: Mapping[str, Workload]


class Observer:
    """Looks at the children of one ModelDeployment at a time."""

    def __init__(self, cluster: Cluster, cache: ObjectCache) -> None:
        self._cluster = cluster
        self._cache = cache
        self._listed: dict[Key, float] = {}

    async def look(self, owner: Owner) -> World:
        """The children, from the cache, which is refreshed from the API server now and then."""
        key = Key(owner.namespace, owner.name)
        now = time.monotonic()
        if now - self._listed.get(key, float("-inf")) > FRESH_FOR:
            for kind in CHILD_KINDS:
                labels = {
                    names.LABEL_MODEL: owner.name,
                    names.LABEL_MANAGED_BY: model_labels(owner)[names.LABEL_MANAGED_BY],
                }
                found = await self._cluster.list(kind, owner.namespace, labels=labels)
                self._cache.replace(key, kind, found)
            self._listed[key] = now
        records = sorted(self._cache.children(key, "ControllerRevision"), key=reading.record_number)
        return World(
            records={reading.label(r, names.LABEL_REVISION): r for r in records},
            workloads=reading.workloads_of(
                self._cache.children(key, "Deployment"), self._cache.children(key, "Pod")
            ),
        )

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone."""
        self._listed.pop(key, None)

    async def missing_secrets(
        self, owner: Owner, spec: ModelDeploymentSpec, seen: Observation, stable: str | None
    ) -> tuple[str, ...]:
        """Secrets the spec names that do not exist; not asked while the spec is what serves."""
        if seen.target.revision == stable:
            return ()
        absent = [
            secret.name
            for secret in spec.secrets
            if await self._cluster.get("Secret", owner.namespace, secret.name) is None
        ]
        return tuple(absent)


def observation(
    parent: JsonObject,
    spec: ModelDeploymentSpec,
    world: World,
    *,
    now: datetime,
) -> Observation:
    """What is seen of an object with a valid spec, apart from its gates."""
    intents = {revision: recorded(r, "intent") for revision, r in world.records.items()}
    generation = reading.field(parent, "metadata", "generation")
    return Observation(
        now=now,
        generation=generation if isinstance(generation, int) else 0,
        target=identify(spec, intents),
        rollout=spec.rollout,
        replicas=spec.replicas,
        paused=spec.paused,
        commands=reading.commands_in(parent),
        workloads=world.workloads,
        recorded=tuple(world.records),
    )


def with_judgements(
    seen: Observation, status: ModelDeploymentStatus, evidence: Evidence
) -> Observation:
    """The observation with what the gates say about the candidate, or stable in its probation."""
    judged = status.candidate or (status.stable if status.previous else None)
    if judged is None:
        return seen
    candidate = seen.workload(judged.revision)
    other = status.stable if status.candidate else None
    stable = seen.workload(other.revision) if other else None
    ready = _ready(candidate)
    judgements = {
        name: _judged(evidence, name, seen.now, ready, _ready(stable)) for name in evidence.states
    }
    return replace(
        seen,
        judged=judged.revision,
        judgements=judgements,
        source_error=str(evidence.error) if evidence.error else None,
        first_scrape_seen=ready <= evidence.scraped,
    )


def _judged(
    evidence: Evidence,
    gate: str,
    now: datetime,
    candidate: frozenset[str],
    stable: frozenset[str],
) -> Judgement:
    answer = judge(
        evidence.trials[gate],
        evidence.states[gate],
        now=now.timestamp(),
        ready_candidate_pods=candidate,
        ready_stable_pods=stable,
        source_error=str(evidence.error) if evidence.error else None,
    )
    nonsense = evidence.error and evidence.error.fault is SourceFault.BAD_ANSWER
    if nonsense and answer.verdict is Verdict.UNKNOWN:
        return replace(answer, reason=SourceFault.BAD_ANSWER.value)
    return answer


def _ready(workload: Workload | None) -> frozenset[str]:
    if workload is None:
        return frozenset()
    return frozenset(pod.name for pod in workload.living if pod.ready)
