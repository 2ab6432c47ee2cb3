"""Gathers everything a decision looks at, before it is taken."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from davylamp.adapters.errors import Forbidden, SourceError, SourceFault
from davylamp.adapters.kubernetes import Cluster
from davylamp.api import names
from davylamp.api.gates import OnFail
from davylamp.api.json import JsonObject
from davylamp.api.spec import ModelDeploymentSpec, Rollout
from davylamp.api.status import ModelDeploymentStatus
from davylamp.controller import reading
from davylamp.controller.cache import CHILD_KINDS, NIGHTLY_KINDS, Key, ObjectCache, metadata
from davylamp.controller.following import Evidence
from davylamp.controller.forecasts import with_forecasts
from davylamp.controller.logs import about
from davylamp.gates import Around, Channel, Trial, judge_all
from davylamp.manifests import Owner, is_whole, model_labels, recorded
from davylamp.rollout import Observation, Workload, identify

FRESH_FOR: Final = timedelta(minutes=5)
"""Age after which the children of an object that is looked at are listed anew, so that what a
watch lost in a gap is noticed."""
_log = logging.getLogger(__name__)


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
        self._listed: dict[Key, datetime] = {}

    async def look(self, owner: Owner, now: datetime) -> World:
        """The children, from the cache, which is refreshed from the API server now and then.

        What an owner of the same name left behind, and what is no record of ours, is passed over.
        """
        key = Key(owner.namespace, owner.name)
        listed = self._listed.get(key)
        if listed is None or abs(now - listed) > FRESH_FOR:
            await self._refresh(owner, key)
            self._listed[key] = now
        found = [r for r in self._own(owner, "ControllerRevision") if is_whole(owner, r)]
        records = sorted(found, key=reading.record_number)
        return World(
            records={reading.label(r, names.LABEL_REVISION): r for r in records},
            workloads=reading.workloads_of(
                self._own(owner, "Deployment"), self._cache.children(key, "Pod")
            ),
        )

    async def _refresh(self, owner: Owner, key: Key) -> None:
        ours = model_labels(owner)
        labels = {name: ours[name] for name in (names.LABEL_MODEL, names.LABEL_MANAGED_BY)}
        for kind in self._kinds(key):
            known = [metadata(item, "name") for item in self._cache.children(key, kind)]
            found = await self._cluster.list(kind, owner.namespace, labels=labels)
            self._cache.replace(key, kind, found, known=known)

    def _kinds(self, key: Key) -> list[str]:
        """Kinds to list; those of the nightly job only where there is or shall be one."""
        parent = self._cache.parent(key) or {}
        asked = reading.field(parent, "spec", "explanations") is not None
        known = any(self._cache.children(key, kind) for kind in NIGHTLY_KINDS)
        return [kind for kind in CHILD_KINDS if asked or known or kind not in NIGHTLY_KINDS]

    def _own(self, owner: Owner, kind: str) -> list[JsonObject]:
        children = self._cache.children(Key(owner.namespace, owner.name), kind)
        return [item for item in children if not reading.has_other_owner(item, owner.uid)]

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone."""
        self._listed.pop(key, None)

    async def missing_secrets(
        self, owner: Owner, spec: ModelDeploymentSpec, seen: Observation, stable: str | None
    ) -> tuple[str, ...]:
        """Secrets the spec names that do not exist; not asked while the spec is what serves.

        Where we may not look, none counts as missing: a rollback must not wait for our rights.
        """
        if seen.target.revision == stable:
            return ()
        try:
            absent = [
                secret.name
                for secret in spec.secrets
                if await self._cluster.get("Secret", owner.namespace, secret.name) is None
            ]
        except Forbidden as error:
            about(_log, **owner.fields()).warning("Secrets are not checked: %s", error)
            return ()
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
        explanations=spec.explanations,
    )


def with_judgements(
    seen: Observation, status: ModelDeploymentStatus, evidence: Evidence
) -> Observation:
    """The observation with what the gates say about the candidate, or stable in its probation."""
    judged = status.candidate or (status.stable if status.previous else None)
    if judged is None:
        return seen
    ready = _ready(seen.workload(judged.revision))
    other = status.stable if status.candidate else None
    around = Around(
        now=seen.now.timestamp(),
        ready_candidate_pods=ready,
        ready_stable_pods=_ready(seen.workload(other.revision) if other else None),
        errors={channel: _fault(error) for channel, error in evidence.errors.items()},
        query_errors={gate: _fault(error) for gate, error in evidence.query_errors.items()},
    )
    seen = replace(
        seen,
        judged=judged.revision,
        source_error=_source_error(evidence, _plan_of(status, seen)),
        first_scrape_seen=_is_seen(ready, evidence, _plan_of(status, seen)),
    )
    trials = {name: t for name, t in evidence.trials.items() if t.started_at <= around.now}
    if not trials:
        return with_forecasts(seen, status, evidence, around)
    told = {name: t for name, t in trials.items() if _is_up_to_date(t, evidence)}
    return replace(seen, judgements=judge_all(told, evidence.panel, around))


def _is_up_to_date(trial: Trial, evidence: Evidence) -> bool:
    """Whether its counters were read up to now, or cannot be; after a restart that takes a while."""
    channel = trial.rule.channel
    return channel in evidence.answered | evidence.errors.keys() | {Channel.QUERY}


def _plan_of(status: ModelDeploymentStatus, seen: Observation) -> Rollout:
    return status.candidate.plan if status.candidate else seen.rollout


def _source_error(evidence: Evidence, plan: Rollout) -> str | None:
    """Why what some gate needs could not be read; those that only warn have no say.

    A query that is answered badly is not the source's fault: its gate is blind.
    """
    heard = _heard(evidence, plan)
    counters = (str(e) for channel, e in evidence.errors.items() if channel in heard.values())
    own = (
        f"gate {gate}: {error}"
        for gate, error in evidence.query_errors.items()
        if gate in heard and error.fault is SourceFault.DOWN
    )
    return next(chain(counters, own), None)


def _is_seen(ready: frozenset[str], evidence: Evidence, plan: Rollout) -> bool:
    """Whether the gates have seen all pods, and own queries were answered, well or not."""
    channels = {trial.rule.channel for trial in evidence.trials.values()}
    heard = _heard(evidence, plan)
    own = {gate for gate, channel in heard.items() if channel is Channel.QUERY}
    needs_no_scrape = channels == {Channel.QUERY}
    scraped = needs_no_scrape or ready <= evidence.scraped
    return scraped and own <= evidence.queried | evidence.query_errors.keys()


def _heard(evidence: Evidence, plan: Rollout) -> Mapping[str, Channel]:
    """What is read for each gate that does more than warn."""
    silent = {gate.name for gate in plan.gates if gate.action is OnFail.WARN}
    return {name: t.rule.channel for name, t in evidence.trials.items() if name not in silent}


def _fault(error: SourceError) -> tuple[str, str]:
    return error.fault.value, str(error)


def _ready(workload: Workload | None) -> frozenset[str]:
    if workload is None:
        return frozenset()
    return frozenset(pod.name for pod in workload.living if pod.ready)
