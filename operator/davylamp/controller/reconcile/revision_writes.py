"""Which writes make, restore, scale and delete the objects of revisions. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from davylamp.api import names
from davylamp.api.names import Reason
from davylamp.api.status import Candidate, RevisionRef
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.objects import label, metadata
from davylamp.controller.cluster.owning.ownership import no_record
from davylamp.controller.cluster.stored import identity_of
from davylamp.controller.cluster.writes import (
    Apply,
    Blocked,
    Delete,
    Fence,
    Freeze,
    WriteKey,
    WriteStep,
    apply,
    delete,
)
from davylamp.controller.reconcile.passes import Pass
from davylamp.manifests import (
    Owner,
    config_map_of,
    deployment_of,
    disruption,
    disruption_budget,
    has_pinned,
    model_image,
    pinned_secret,
    record,
)
from davylamp.rollout import Desired, Notice
from davylamp.schema.json import JsonObject, integer


@dataclass(frozen=True, slots=True)
class RevisionWrites:
    """The writes about revisions, by step; all that is planned on is what a pass observed."""

    current: Pass
    desired: Desired
    candidate: Candidate | None
    fences: tuple[Fence, ...] = ()
    """Until they are made, Services let in what they must not: nothing of it may grow or go."""
    confirmed: frozenset[WriteKey] = frozenset()
    """Names that have to be ours before something new is made."""
    status: WriteKey | None = None
    """While it is refused a decision is not remembered, so its candidate gets no more pods."""

    def recorded(self) -> tuple[Apply | Blocked | Freeze, ...]:
        """The record of a new revision, after its copy of pinned Secrets; or a lost one of stable."""
        candidate, parent = self.candidate, self.current.parent
        if not self._is_new(candidate) or candidate is None or parent.spec is None:
            lost = self._lost_record()
            return () if lost is None else (apply(WriteStep.RECORD, lost),)
        secrets, name = self.current.secrets, parent.owner.child(candidate.revision)
        if secrets.unreadable and parent.spec.secrets:
            return (Blocked(WriteStep.RECORD, "ControllerRevision", name, secrets.unreadable),)
        made = self._new_record()
        if made is None:
            return ()
        forged = self.current.children.stored.get("ControllerRevision", name)
        if forged is not None:
            return (Blocked(WriteStep.RECORD, "ControllerRevision", name, no_record(forged)),)
        if not secrets.pinned:
            return (apply(WriteStep.RECORD, made, needs=self.confirmed),)
        frozen = pinned_secret(parent.owner, candidate, secrets.pinned)
        freeze = Freeze(WriteStep.RECORD, "Secret", name, frozen, needs=self.confirmed)
        return freeze, apply(WriteStep.RECORD, made, needs={freeze.key, *self.confirmed})

    def grown(self) -> Iterator[Apply]:
        """What is created and scaled up; what serves comes first, in case another is refused."""
        records = self._records()
        for budget in self._budgets():
            yield from self._unless_agreed(apply(WriteStep.GROW, budget))
        for revision, replicas in self._stable_first():
            if revision not in records or self._is_only_kept(revision, replicas):
                continue
            made, needs = records[revision], self._needed(revision)
            config = apply(WriteStep.GROW, config_map_of(self._owner, made), needs=needs)
            yield from self._unless_agreed(config)
            if self.current.children.stored.get(config.kind, config.name) is None:
                needs |= {config.key}
            deployment = deployment_of(self._owner, made, max(replicas, self._present(revision)))
            restores = self._restored(made, revision)
            write = apply(WriteStep.GROW, deployment, restores=restores, needs=needs)
            yield from self._unless_agreed(write)

    def shrunk(self) -> Iterator[Apply | Delete]:
        """What is scaled down, and deleted because nobody needs it."""
        wanted, records = self.desired.replicas, self.current.children.records
        for revision, made in records.items():
            if revision not in wanted:
                yield from self._forgotten(revision, made)
            elif not wanted[revision] and self._must_not_be_empty:
                for gone in self._deleted("Deployment", revision):
                    yield replace(gone, needs=self._fences_of(revision))
            elif self._present(revision) > wanted[revision]:
                smaller = deployment_of(self._owner, made, wanted[revision])
                needs = self._fences_of(revision)
                yield from self._unless_agreed(apply(WriteStep.SHRINK, smaller, needs=needs))
        for revision in self.current.children.workloads.keys() - records.keys() - wanted.keys():
            yield from self._objects_deleted(revision)  # somebody deleted its record
        yield from self._spare_budgets()

    def _budgets(self) -> list[JsonObject]:
        """A disruption budget for each revision that shall have pods."""
        wanted = [revision for revision, replicas in self._stable_first() if replicas]
        return [disruption_budget(self._owner, revision) for revision in wanted]

    def _spare_budgets(self) -> Iterator[Delete]:
        """Budgets of revisions without pods, and the one over all that earlier operators made.

        The API server evicts no pod that two budgets select, and stable must never be without one: so
        the old one goes as soon as all others are there.
        """
        stored, wanted = self.current.children.stored, self._budgets()
        if not all(stored.agrees(budget) for budget in wanted):
            return
        kept = {metadata(budget, "name") for budget in wanted}
        for item in stored.of_kind(disruption.KIND):
            if metadata(item, "name") not in kept and stored.is_ours(item):
                yield delete(WriteStep.SHRINK, item)

    def _fences_of(self, revision: str) -> frozenset[WriteKey]:
        """The fences that shut a revision out."""
        return frozenset(fence.key for fence in self.fences if revision in fence.shuts_out)

    def _needed(self, revision: str) -> frozenset[WriteKey]:
        """What has to be written before objects of a revision are made or get more pods."""
        needs = self._fences_of(revision)
        if self.candidate is None or revision != self.candidate.revision:
            return needs
        if self._is_new(self.candidate):
            name = self.current.parent.owner.child(revision)
            needs |= {WriteKey(WriteStep.RECORD, "ControllerRevision", name), *self.confirmed}
        return needs | ({self.status} if self.status else set())

    @property
    def _owner(self) -> Owner:
        return self.current.parent.owner

    @property
    def _must_not_be_empty(self) -> bool:
        """Whether a policy allows no Deployment without pods; its record keeps a revision then."""
        return self.current.observation.rollout.min_deployment_replicas > 0

    def _is_new(self, candidate: Candidate | None) -> bool:
        return candidate is not None and candidate.revision not in self.current.children.records

    def _records(self) -> Mapping[str, JsonObject]:
        """The records as they are after the first step, by revision."""
        made = self._new_record() or self._lost_record()
        known = self.current.children.records
        return {**known, label(made, names.LABEL_REVISION): made} if made else known

    def _new_record(self) -> JsonObject | None:
        """The record of a new revision; None while a Secret, or its image's digest, cannot be had."""
        if self.candidate is None or not self._is_new(self.candidate):
            return None
        image = self.current.observation.image
        if image is None:
            return self._rendered(self.candidate)
        is_known = image.revision == self.candidate.revision and not image.holds
        return self._rendered(self.candidate, image.digest) if is_known else None

    def _lost_record(self) -> JsonObject | None:
        """The record of stable, which somebody deleted, if the spec still says the same as its pods.

        Without it stable could not be scaled or put back. From a spec that is rendered in another
        way by now it is not made again: its pods would be replaced.
        """
        stable, known = self.current.parent.status.stable, self.current.children
        target = self.current.observation.target.revision
        if stable is None or stable.revision != target or target in known.records:
            return None
        stored = self._stored("Deployment", target)
        digest = model_image(stored or {}).partition("@")[2] or None
        made = self._rendered(stable, digest)
        if stored is None or made is None or self._stored("ControllerRevision", target):
            return None
        replicas = integer(stored, "spec", "replicas")
        running = deployment_of(self._owner, made, replicas)
        return made if known.stored.agrees(running) else None

    def _rendered(self, ref: RevisionRef, digest: str | None = None) -> JsonObject | None:
        """The record of the spec's revision; None while a Secret that it names cannot be had."""
        parent, secrets = self.current.parent, self.current.secrets
        if parent.spec is None:
            return None
        if secrets.missing or (secrets.unreadable and parent.spec.secrets):
            return None
        records = self.current.children.records.values()
        highest = max((objects.record_number(known) for known in records), default=0)
        pinned = {name: sorted(entries) for name, entries in secrets.pinned.items()}
        return record(
            parent.owner, ref, parent.spec, number=highest + 1, pinned=pinned, digest=digest
        )

    def _stable_first(self) -> list[tuple[str, int]]:
        """Wanted pods by revision."""
        stable = self.desired.route.stable
        return sorted(self.desired.replicas.items(), key=lambda wanted: wanted[0] != stable)

    def _is_only_kept(self, revision: str, replicas: int) -> bool:
        """Whether a revision is just a record: its objects are made when it is gone back to.

        One whose objects the API server refuses must not stand in the way of the next one.
        """
        return not replicas and self._stored("Deployment", revision) is None

    def _restored(self, made: JsonObject, revision: str) -> Notice | None:
        """What is told where somebody changed more of a Deployment than its number of pods."""
        stored = self._stored("Deployment", revision)
        if stored is None or identity_of(stored) in self.current.children.stored.orphans:
            return None
        replicas = objects.field(stored, "spec", "replicas")
        unscaled = deployment_of(self._owner, made, replicas if isinstance(replicas, int) else 0)
        if self.current.children.stored.agrees(unscaled):
            return None
        return Notice(Reason.RESTORED, f"Deployment of {revision} was put back", revision)

    def _present(self, revision: str) -> int:
        workload = self.current.children.workloads.get(revision)
        return workload.desired if workload else 0

    def _forgotten(self, revision: str, made: JsonObject) -> Iterator[Delete]:
        """A revision's objects, its record last so that a crash leaves a way to find them."""
        objects_first = list(self._objects_deleted(revision))
        if has_pinned(made) and not self.current.secrets.are_off:
            name = metadata(made, "name")
            secret: JsonObject = {"kind": "Secret", "metadata": {"name": name}}
            needs = self._fences_of(revision)
            objects_first.append(delete(WriteStep.SHRINK, secret, needs=needs))
        yield from objects_first
        yield delete(WriteStep.SHRINK, made, needs={write.key for write in objects_first})

    def _objects_deleted(self, revision: str) -> Iterator[Delete]:
        for kind in ("Deployment", "ConfigMap"):
            yield from self._deleted(kind, revision)

    def _deleted(self, kind: str, revision: str) -> Iterator[Delete]:
        stored = self._stored(kind, revision)
        if stored is not None:
            yield delete(WriteStep.SHRINK, stored, needs=self._fences_of(revision))

    def _stored(self, kind: str, revision: str) -> JsonObject | None:
        return self.current.children.stored.get(kind, self.current.parent.owner.child(revision))

    def _unless_agreed(self, write: Apply) -> Iterator[Apply]:
        if not self.current.children.stored.agrees(write.manifest):
            yield write
