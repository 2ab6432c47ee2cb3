"""Gathers everything a decision looks at, before it is taken."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from davylamp.adapters.errors import Forbidden
from davylamp.adapters.kubernetes.cluster import Cluster
from davylamp.api import names
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.cache import CHILD_KINDS, NIGHTLY_KINDS, Key, ObjectCache, metadata
from davylamp.controller.logs import about
from davylamp.manifests import Owner, is_whole, model_labels, recorded
from davylamp.rollout import Observation, Workload, identify
from davylamp.schema.json import JsonObject

FRESH_FOR: Final = timedelta(minutes=5)
"""Age after which the children of an object that is looked at are listed anew, so that what a
watch lost in a gap is noticed."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Children:
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

    async def look(self, owner: Owner, now: datetime) -> Children:
        """The children, from the cache, which is refreshed from the API server now and then.

        What an owner of the same name left behind, and what is no record of ours, is passed over.
        """
        key = Key(owner.namespace, owner.name)
        listed = self._listed.get(key)
        if listed is None or abs(now - listed) > FRESH_FOR:
            await self._refresh(owner, key)
            self._listed[key] = now
        found = [r for r in self._own(owner, "ControllerRevision") if is_whole(owner, r)]
        records = sorted(found, key=objects.record_number)
        return Children(
            records={objects.label(r, names.LABEL_REVISION): r for r in records},
            workloads=objects.workloads_of(
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
        asked = objects.field(parent, "spec", "explanations") is not None
        known = any(self._cache.children(key, kind) for kind in NIGHTLY_KINDS)
        return [kind for kind in CHILD_KINDS if asked or known or kind not in NIGHTLY_KINDS]

    def _own(self, owner: Owner, kind: str) -> list[JsonObject]:
        children = self._cache.children(Key(owner.namespace, owner.name), kind)
        return [item for item in children if not objects.has_other_owner(item, owner.uid)]

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
    world: Children,
    *,
    now: datetime,
) -> Observation:
    """What is seen of an object with a valid spec, apart from its gates."""
    intents = {revision: recorded(r, "intent") for revision, r in world.records.items()}
    generation = objects.field(parent, "metadata", "generation")
    return Observation(
        now=now,
        generation=generation if isinstance(generation, int) else 0,
        target=identify(spec, intents),
        rollout=spec.rollout,
        replicas=spec.replicas,
        paused=spec.paused,
        commands=objects.commands_in(parent),
        workloads=world.workloads,
        recorded=tuple(world.records),
        explanations=spec.explanations,
    )
