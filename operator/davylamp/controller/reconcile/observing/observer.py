"""Gathers everything that a decision and its writes look at, before the decision is taken."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, Protocol

from davylamp.adapters.errors import OperatorError
from davylamp.adapters.kubernetes.ports import Cluster
from davylamp.api import names
from davylamp.api.names import Command
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.api.status import RevisionRef
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.applier import Applier
from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.owning.adoption import Adoption
from davylamp.controller.cluster.pods import Pod, read_pod, without_strangers, workloads_of
from davylamp.controller.cluster.stored import StoredChildren, identity_of
from davylamp.controller.commands.annotations import author_in, users_in
from davylamp.controller.commands.consumer import Consumer
from davylamp.controller.evidence.tracked import TrackedEvidence
from davylamp.controller.logs import about
from davylamp.controller.nightly.nightly import Nightly
from davylamp.controller.obstacles.refusals import Refusals
from davylamp.controller.pods.clock import PodClock
from davylamp.controller.pods.warnings import PodWarnings
from davylamp.controller.reconcile.observing.declared_names import with_declared_names
from davylamp.controller.reconcile.observing.images import ImageObserver
from davylamp.controller.reconcile.observing.judgements import with_judgements
from davylamp.controller.reconcile.observing.observations import (
    observation_of,
    of_the_unfollowed,
    with_refusals,
)
from davylamp.controller.reconcile.passes import (
    EVERYTHING_ALLOWED,
    Allowances,
    Children,
    Parent,
    Pass,
    Secrets,
    followable,
)
from davylamp.gates.recording.store import Recording
from davylamp.manifests import is_whole, recorded
from davylamp.rollout import Inspected, Observation, identify
from davylamp.schema.json import JsonObject

_log = logging.getLogger(__name__)


class Inspections(Protocol):
    """Who has what pods answered to the checks."""

    def inspected(self, key: Key) -> Inspected | None:
        """What is known by now."""


class Samples(Protocol):
    """Who has what was read of the pods, and the evidence that it makes."""

    def evidence(self, key: Key) -> TrackedEvidence:
        """What is known about the attempt that is followed."""

    def recording(self, key: Key) -> Recording | None:
        """What was read for it; None where nothing is followed."""

    def followed(self) -> int:
        """How many attempts are followed."""


@dataclass(frozen=True, slots=True)
class _Target:
    """The revision that a spec asks for, and what that was found out from."""

    spec: ModelDeploymentSpec
    records: Mapping[str, JsonObject]
    revision: RevisionRef


class Observer:
    """Looks at one ModelDeployment at a time.

    Args:
        cluster: is asked for Secrets.
        applier: has the children, and knows how they are spelled.
        warnings: has what kubelets warn of pods.
        adoption: finds those that were left behind.
        pod_clock: times what happens to pods.
        inspections: has the answers to checks.
        samples: has the evidence of the gates.
        nightly: has the results of the nightly job.
        refusals: has what was refused of the nightly job.
        consumer: knows which commands it took off.
        allowed: what specs may ask for; without Secrets none is read.
        proven_names: whether the names beside commands can be believed.
        images: has what registries said.
        clock: the time.
    """

    def __init__(  # noqa: PLR0913  (everybody who knows something)
        self,
        *,
        cluster: Cluster,
        applier: Applier,
        warnings: PodWarnings,
        adoption: Adoption,
        pod_clock: PodClock,
        inspections: Inspections,
        samples: Samples,
        nightly: Nightly,
        refusals: Refusals,
        consumer: Consumer,
        allowed: Allowances = EVERYTHING_ALLOWED,
        proven_names: bool = False,
        images: ImageObserver,
        clock: Callable[[], datetime],
    ) -> None:
        self._cluster = cluster
        self._applier = applier
        self._warnings = warnings
        self._adoption = adoption
        self._pod_clock = pod_clock
        self._inspections = inspections
        self._samples = samples
        self._nightly = nightly
        self._refusals = refusals
        self._consumer = consumer
        self._allowed = allowed
        self._proven_names = proven_names
        self._images = images
        self._clock = clock
        self._at_hand: dict[Key, _AtHand] = {}
        self._targets: dict[Key, _Target] = {}

    async def look(self, parent: Parent) -> Pass:
        """Everything that is known about a ModelDeployment now."""
        children = await self._children(parent)
        parent = self.followable(parent, children.records)
        secrets = Secrets(are_off=not self._allowed.secrets)
        now = self._clock()
        observation = replace(
            observation_of(parent, children, self._target(parent, children), now=now),
            watched_since=self._pod_clock.watched_since(parent.key, now),
        )
        if parent.spec is not None and self._allowed.secrets:
            secrets = await self._secrets(parent, parent.spec, observation)
            observation = replace(observation, missing_secrets=secrets.missing)
        observation = replace(
            self._images.look(parent, children, observation),
            consumed=self._consumer.taken(parent.key),
            users=self._users(parent),
            author=author_in(parent.manifest) if self._proven_names else None,
            inspected=self._inspections.inspected(parent.key),
        )
        evidence = self._samples.evidence(parent.key)
        observation = with_judgements(observation, parent.status, evidence)
        observation = await self._nightly.look(parent.owner, observation, parent.status)
        refused = self._refusals.jobs(parent.key)
        return Pass(
            parent,
            children,
            with_declared_names(with_refusals(observation, refused)),
            secrets,
            recording=self._samples.recording(parent.key),
            rollouts=self._samples.followed(),
            refused_jobs=refused,
            wake_after=self._nightly.wake_after(parent.key),
            rules=self._allowed.rules,
        )

    def followable(self, parent: Parent, records: Mapping[str, JsonObject]) -> Parent:
        """The same, without its spec where this operator can make no pod from that; with why not."""
        return followable(parent, records, self._allowed)

    def glance(self, parent: Parent) -> Observation:
        """What is known about a ModelDeployment that was never followed."""
        observation = of_the_unfollowed(parent, now=self._clock())
        consumed = self._consumer.taken(parent.key)
        return replace(observation, consumed=consumed, users=self._users(parent))

    def _users(self, parent: Parent) -> dict[Command, str]:
        return users_in(parent.manifest) if self._proven_names else {}

    async def _children(self, parent: Parent) -> Children:
        """The children as the cache knows them, with those that are to be adopted.

        What belongs to somebody else, and what is no record of ours, is passed over.
        """
        stored = self._applier.stored(parent.owner)
        orphans = await self._adoption.orphans(parent.owner, stored)
        if orphans:
            left = frozenset(identity_of(orphan.item) for orphan in orphans)
            stored = replace(stored, orphans=left)
        at_hand = self._at_hand.get(parent.key)
        if at_hand is None or at_hand.stored is not stored:
            at_hand = self._at_hand[parent.key] = _read(parent, stored)
        read = self._warnings.noted(parent.key, at_hand.pods)
        pods = self._pod_clock.timed(parent.key, read, self._clock())
        return Children(
            records=at_hand.records,
            workloads=workloads_of(at_hand.deployments, pods),
            pods=pods,
            stored=stored,
            orphans=orphans,
        )

    def _target(self, parent: Parent, children: Children) -> RevisionRef | None:
        """The revision that the spec asks for; None while the spec cannot be read."""
        if parent.spec is None:
            return None
        known = self._targets.get(parent.key)
        if known is None or known.spec is not parent.spec or known.records is not children.records:
            intents = {name: recorded(r, "intent") for name, r in children.records.items()}
            known = _Target(parent.spec, children.records, identify(parent.spec, intents))
            self._targets[parent.key] = known
        return known.revision

    def rest(self, key: Key) -> None:
        """Keep nothing at hand of a model that is not looked at for a while."""
        self._at_hand.pop(key, None)
        self._targets.pop(key, None)

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone."""
        self.rest(key)

    async def _secrets(
        self, parent: Parent, spec: ModelDeploymentSpec, observation: Observation
    ) -> Secrets:
        """The Secrets the spec names; not asked while the spec is what serves, and is recorded.

        Where they cannot be read, none counts as missing: a rollback must not wait for them.
        """
        stable, target = parent.status.stable, observation.target.revision
        if stable and target == stable.revision and target in observation.recorded:
            return Secrets()
        missing: list[str] = []
        pinned: dict[str, Mapping[str, str]] = {}
        try:
            for secret in spec.secrets:
                item = await self._cluster.get("Secret", parent.key.namespace, secret.name)
                if item is None:
                    missing.append(secret.name)
                elif secret.policy == "Pin" and target not in observation.recorded:
                    pinned[secret.name] = _entries(item)
        except OperatorError as error:
            log = about(_log, **parent.owner.fields())
            log.warning("Secrets are not checked: %s", error)
            return Secrets(unreadable=error)
        return Secrets(tuple(missing), pinned)


class _AtHand(NamedTuple):
    """Children as they are read: once for each change of them. When pods changed is added later."""

    stored: StoredChildren
    records: Mapping[str, JsonObject]
    deployments: list[JsonObject]
    pods: tuple[Pod, ...]


def _read(parent: Parent, stored: StoredChildren) -> _AtHand:
    own = [r for r in _own(stored, "ControllerRevision") if is_whole(parent.owner, r)]
    records = sorted(own, key=objects.record_number)
    deployments = _own(stored, "Deployment")
    pods = map(read_pod, stored.of_kind("Pod"))
    return _AtHand(
        stored,
        {objects.label(r, names.LABEL_REVISION): r for r in records},
        deployments,
        tuple(without_strangers(deployments, pods)),
    )


def _own(stored: StoredChildren, kind: str) -> list[JsonObject]:
    """Children of a kind that are ours, or about to be."""
    return [item for item in stored.of_kind(kind) if stored.is_ours(item)]


def _entries(secret: JsonObject) -> Mapping[str, str]:
    data = secret.get("data")
    return {key: str(value) for key, value in data.items()} if isinstance(data, dict) else {}
