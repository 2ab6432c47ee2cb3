"""Whose an object is: by its owner references, then by our labels. Pure.

Kubernetes deletes what all of whose owners are gone, and refuses a second controller. So an object is
ours when we are its owner and nobody else controls it; left behind when whoever has a claim on it is
dead and it carries our labels; and somebody else's in every other case.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple

from davylamp.adapters.errors import Retryable, Terminal
from davylamp.api import names
from davylamp.api.names import Reason
from davylamp.controller.cluster.objects import label, metadata
from davylamp.manifests import Owner
from davylamp.rollout import Notice
from davylamp.rollout.wording import counted, kubectl
from davylamp.schema.json import Json, JsonObject, entries, field, section, text

_HELM_RELEASE: Final = "meta.helm.sh/release-name"
_TOOLS: Final = {
    "argocd.argoproj.io/tracking-id": "Argo CD application",
    "argocd.argoproj.io/instance": "Argo CD application",
    "helm.toolkit.fluxcd.io/name": "HelmRelease",
    "kustomize.toolkit.fluxcd.io/name": "Kustomization",
}
"""Labels and annotations by which other tools mark what is theirs."""


class Whose(Enum):
    """To whom an object belongs."""

    OURS = auto()
    ORPHAN = auto()
    """It carries our labels and has no living owner."""
    OTHERS = auto()


class Claimant(NamedTuple):
    """An owner of an object, as its owner reference names it."""

    api_version: str
    kind: str
    name: str
    uid: str
    is_controller: bool


class StillGoing(Retryable):
    """An object is being deleted: it is waited for, as nothing can be made under its name."""

    reason = Reason.AWAITING_DELETION.value


@dataclass(frozen=True, slots=True)
class Orphan:
    """An object that is adopted: it is given the owner references that it shall have."""

    item: JsonObject
    references: tuple[JsonObject, ...]

    def adopted(self) -> JsonObject:
        """The object under its version, with the owner references that it shall have."""
        kept = ("name", "namespace", "uid", "resourceVersion")
        described = section(self.item, "metadata")
        address = {key: described[key] for key in kept if key in described}
        references: list[Json] = list(self.references)
        return {
            "apiVersion": self.item["apiVersion"],
            "kind": self.item["kind"],
            "metadata": {**address, "ownerReferences": references},
        }


def claimants(item: JsonObject, uid: str) -> tuple[Claimant, ...]:
    """Who has to be dead before an object can be the owner's with this uid.

    Where it is an owner already, that is only another controller.
    """
    owners = [_claimant(reference) for reference in entries(item, "metadata", "ownerReferences")]
    others = tuple(owner for owner in owners if owner.uid != uid)
    is_owner = len(others) < len(owners)
    return tuple(o for o in others if o.is_controller) if is_owner else others


def is_owned(item: JsonObject, uid: str) -> bool:
    """Whether the owner with this uid has an object for itself."""
    references = entries(item, "metadata", "ownerReferences")
    is_owner = any(text(reference, "uid") == uid for reference in references)
    return is_owner and not claimants(item, uid)


def carries_labels(item: JsonObject, owner: Owner) -> bool:
    """Whether an object is marked as a child of a ModelDeployment of this name.

    Flight records are not marked as managed, as nothing watches them.
    """
    marks = {label(item, name) for name in (names.LABEL_MANAGED_BY, names.LABEL_PART_OF)}
    return label(item, names.LABEL_MODEL) == owner.name and names.MANAGED_BY in marks


def whose(item: JsonObject, owner: Owner, dead: Collection[str]) -> Whose:
    """Whose an object is, given the uids of those claimants that are dead."""
    if is_owned(item, owner.uid):
        return Whose.OURS
    if any(claimant.uid not in dead for claimant in claimants(item, owner.uid)):
        return Whose.OTHERS
    return Whose.ORPHAN if carries_labels(item, owner) else Whose.OTHERS


def orphan(item: JsonObject, owner: Owner, dead: Collection[str]) -> Orphan:
    """What an object's adoption makes of its owner references: dead owners go, others stay."""
    gone = {owner.uid, *dead}
    kept = [
        reference
        for reference in entries(item, "metadata", "ownerReferences")
        if text(reference, "uid") not in gone
    ]
    return Orphan(item, (owner.reference(), *kept))


def adoption_of(orphans: Iterable[Orphan], revision: str) -> Notice:
    """What is told of orphans that were adopted; `revision` is the one that the spec asks for."""
    kinds = Counter(text(orphan.item, "kind") for orphan in orphans)
    listed = ", ".join(counted(number, kind) for kind, number in sorted(kinds.items()))
    message = (
        f"adopted {listed}: they carry the labels of this ModelDeployment and had no living owner, as "
        "after a restore or kubectl delete --cascade=orphan; they are taken over as they are"
    )
    return Notice(Reason.ADOPTED, message, revision)


def taken(item: JsonObject, owner: Owner, dead: Collection[str]) -> Terminal:
    """What is told of an object of somebody else under a name that we need."""
    kind, name = text(item, "kind"), metadata(item, "name")
    living = [c for c in claimants(item, owner.uid) if c.uid not in dead]
    holder = f"{living[0].kind} {living[0].name}" if living else _holder(item, owner)
    whom = f"it belongs to {holder}" if holder else f"nobody owns it{_made_by(item)}"
    message = (
        f"{kind} {name} exists already and is not ours: {whom}; rename it or this ModelDeployment"
    )
    if kind == "Service" and not holder:
        message += f", or hand it over with {_hand_over(name, owner)}"
    return Terminal(Reason.NAME_TAKEN, message)


def no_record(item: JsonObject) -> Terminal:
    """What is told of a ControllerRevision under a record's name that holds something else.

    What it holds cannot be changed, and nothing is made of it.
    """
    name, namespace = metadata(item, "name"), metadata(item, "namespace")
    away = kubectl(f"delete controllerrevision {name}", namespace)
    return Terminal(
        Reason.NAME_TAKEN,
        f"ControllerRevision {name} exists already and does not hold what a record of this revision "
        f"holds: it was edited, or is another model's; delete it with {away}",
    )


def still_going(item: JsonObject) -> StillGoing:
    """What is told of an object that is being deleted and that we need."""
    what = f"{text(item, 'kind')} {metadata(item, 'name')}"
    since = metadata(item, "deletionTimestamp")
    finalizers = field(item, "metadata", "finalizers")
    listed = ", ".join(map(str, finalizers)) if isinstance(finalizers, list) else ""
    waits = f", waiting for its finalizers ({listed})" if listed else ""
    return StillGoing(
        f"{what} is being deleted since {since}{waits}; it is made again when it is gone"
    )


def is_going(item: JsonObject) -> bool:
    """Whether an object is being deleted."""
    return bool(metadata(item, "deletionTimestamp"))


def changed_on_the_way(answer: JsonObject, owner: Owner) -> Terminal | None:
    """What is told of an object that is stored so that we would not find it again."""
    is_watched = label(answer, names.LABEL_MANAGED_BY) == names.MANAGED_BY
    if is_owned(answer, owner.uid) and is_watched and carries_labels(answer, owner):
        return None
    return Terminal(
        Reason.WRITE_REFUSED,
        f"{text(answer, 'kind')} {metadata(answer, 'name')} is stored without our owner reference or "
        f"the labels {names.LABEL_MANAGED_BY} and {names.LABEL_MODEL}: an admission policy or a webhook "
        "changes what is applied; exempt what davylamp applies from it",
    )


def _claimant(reference: JsonObject) -> Claimant:
    return Claimant(
        text(reference, "apiVersion"),
        text(reference, "kind"),
        text(reference, "name"),
        text(reference, "uid"),
        is_controller=reference.get("controller") is True,
    )


def _holder(item: JsonObject, owner: Owner) -> str:
    """Who has marked an object without owners as theirs; empty where nobody has."""
    model = label(item, names.LABEL_MODEL)
    if model and model != owner.name:
        return f"{names.KIND} {model} by its labels"
    release = text(item, "metadata", "annotations", _HELM_RELEASE)
    if release:
        return f"Helm release {release}"
    for mark, tool in _TOOLS.items():
        value = text(item, "metadata", "annotations", mark) or label(item, mark)
        if value:
            return f"{tool} {value.split(':', 1)[0]}"
    return ""


def _made_by(item: JsonObject) -> str:
    managers = [text(entry, "manager") for entry in entries(item, "metadata", "managedFields")]
    return f", {managers[0]} made it" if managers else ""


def _hand_over(service: str, owner: Owner) -> str:
    labels = f"{names.LABEL_MANAGED_BY}={names.MANAGED_BY} {names.LABEL_MODEL}={owner.name}"
    return kubectl(f"label --overwrite service/{service} {labels}", owner.namespace)
