"""An API server in memory, as much of it as the operator relies on.

Server-side apply with one manager's ownership (what we stop naming disappears, selectors are one
value, what others own stays), resourceVersion, generation, uid, immutable objects, optimistic locks
on status, owner references, watches that deliver late and shuffled between kinds. Every write is
counted, and may be made to fail or to be the last thing a process does.
"""

import builtins
import copy
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from tests.support import applying

from davylamp.adapters.errors import Conflict, NotFound, Terminal
from davylamp.adapters.kubernetes.ports import Cluster
from davylamp.adapters.kubernetes.watches import Page
from davylamp.api import names
from davylamp.controller.cluster.cache import CHILD_KINDS

Json = dict[str, Any]
ANY = "*"
PAGE = 2
"""Objects in one answer: few, so that lists have several."""


class Address(NamedTuple):
    """Where an object is."""

    kind: str
    namespace: str
    name: str


class Write(NamedTuple):
    """One write that was asked for, refused ones too; `number` counts from 1 over all processes."""

    number: int
    verb: str
    kind: str
    name: str
    body: Json


class Killed(BaseException):
    """The process dies here."""


Fault = Callable[[Write], None]
"""Raises what a write shall end in, or does nothing."""


@dataclass
class FakeCluster:
    """The objects and what was done to them."""

    clock: Callable[[], datetime]
    objects: dict[Address, Json] = field(default_factory=dict)
    ours: dict[Address, Json] = field(default_factory=dict)
    """What our field manager applied last: the fields it owns."""
    writes: list[Write] = field(default_factory=list)
    reads: Counter[tuple[str, str]] = field(default_factory=Counter)
    events: list[Json] = field(default_factory=list)
    warnings: dict[str, list[Json]] = field(default_factory=dict)
    """What kubelets warn of pods, by uid."""
    watches: list["Watch"] = field(default_factory=list)
    before: list[Fault] = field(default_factory=list)
    after: list[Fault] = field(default_factory=list)
    mutating: list[Callable[[Json], object]] = field(default_factory=list)
    """What admission changes of objects that are applied."""
    version: int = 100
    uids: int = 0

    # --- what a test asks ---------------------------------------------------------------------

    def find(self, kind: str, name: str = ANY, namespace: str = ANY) -> list[Json]:
        """Objects of a kind, by name."""
        found = [
            address
            for address in self.objects
            if address.kind == kind and name in {ANY, address.name}
            if namespace in {ANY, address.namespace}
        ]
        return [self.objects[address] for address in sorted(found)]

    def one(self, kind: str, name: str, namespace: str = "models") -> Json:
        return self.objects[Address(kind, namespace, name)]

    def watch(self) -> "Watch":
        """A new watch: everything that is there, then every change."""
        opened = Watch()
        for item in self.objects.values():
            opened.tell("ADDED", item)
        self.watches.append(opened)
        return opened

    # --- what other people do -----------------------------------------------------------------

    def put(self, manifest: Json) -> Json:
        """Create an object, or replace one as whoever edits it by hand would."""
        address = address_of(manifest)
        known = self.objects.get(address)
        item = {**manifest, "metadata": dict(manifest["metadata"])}
        if known is None:
            self.uids += 1
            item["metadata"]["uid"] = f"uid-{self.uids}"
            item["metadata"]["creationTimestamp"] = self.clock().isoformat()
            item["metadata"]["generation"] = 1
        elif known == item:
            return known
        else:
            changed = known.get("spec") != item.get("spec")
            item["metadata"]["generation"] = known["metadata"].get("generation", 1) + changed
        self.version += 1
        item["metadata"]["resourceVersion"] = str(self.version)
        self.objects[address] = item
        self._tell("MODIFIED" if known else "ADDED", item)
        return item

    def edit(self, kind: str, name: str, change: Callable[[Json], object]) -> Json:
        """Edit an object by hand."""
        item = copy.deepcopy(self.one(kind, name))
        change(item)
        return self.put(item)

    def drop(self, address: Address) -> None:
        """Take an object away, and in the background all that it owns."""
        item = self.objects.pop(address, None)
        self.ours.pop(address, None)
        if item is None:
            return
        self.version += 1
        gone = copy.deepcopy(item)
        gone["metadata"]["resourceVersion"] = str(self.version)
        self._tell("DELETED", gone)
        for other, dependent in list(self.objects.items()):
            owners = dependent["metadata"].get("ownerReferences", [])
            if item["metadata"]["uid"] in {owner["uid"] for owner in owners}:
                if other.kind == "Pod":
                    self.terminate(dependent)
                else:
                    self.drop(other)

    def collect(self) -> None:
        """The garbage collector: what had owners, all of whom are gone, goes too."""
        uids = {item["metadata"]["uid"] for item in self.objects.values()}
        for address, item in list(self.objects.items()):
            owners = {owner["uid"] for owner in item["metadata"].get("ownerReferences", [])}
            if owners and not owners & uids:
                if address.kind == "Pod":
                    self.terminate(item)
                else:
                    self.drop(address)

    def orphan(self, address: Address) -> None:
        """Take an object away and leave all that it owns, as `kubectl delete --cascade=orphan`."""
        item = self.objects.pop(address)
        self.version += 1
        gone = copy.deepcopy(item)
        gone["metadata"]["resourceVersion"] = str(self.version)
        for dependent in list(self.objects.values()):
            owners = dependent["metadata"].get("ownerReferences", [])
            kept = [owner for owner in owners if owner["uid"] != item["metadata"]["uid"]]
            if kept != owners:
                self.put(
                    {**dependent, "metadata": {**dependent["metadata"], "ownerReferences": kept}}
                )
        self._tell("DELETED", gone)

    def terminate(self, pod: Json) -> None:
        """Have a pod stop; it is there until its kubelet says that it is gone."""
        if "deletionTimestamp" not in pod["metadata"]:
            dying = copy.deepcopy(pod)
            dying["metadata"]["deletionTimestamp"] = self.clock().isoformat()
            self.put(dying)

    def _tell(self, change: str, item: Json) -> None:
        for watch in self.watches:
            watch.tell(change, item)

    # --- what ports do ------------------------------------------------------------------------

    def writing(self, verb: str, manifest: Json, do: Callable[[], Json | None]) -> Json | None:
        """Count a write and do it, unless somebody wants it to go wrong."""
        kind, _, name = address_of(manifest)
        write = Write(len(self.writes) + 1, verb, kind, name, copy.deepcopy(manifest))
        self.writes.append(write)
        for fault in self.before:
            fault(write)
        answer = do()
        for fault in self.after:
            fault(write)
        return copy.deepcopy(answer)

    def applied(self, manifest: Json) -> Json:
        """Server-side apply by our manager."""
        address = address_of(manifest)
        known = self.objects.get(address)
        before = self.ours.get(address, {})
        item = applying.applied(known or {}, before, manifest)
        item = applying.defaulted(item)
        for mutate in self.mutating:
            mutate(item)
        refuse_two_controllers(address, item["metadata"].get("ownerReferences", []))
        if known is not None:
            applying.refuse_changes_of_what_is_immutable(known, item)
        self.ours[address] = copy.deepcopy(manifest)
        return self.put(item)

    def adopted(self, manifest: Json) -> Json:
        """Owner references replaced, if nobody wrote to the object since it was read."""
        address = address_of(manifest)
        known = self.objects.get(address)
        if known is None:
            raise NotFound(f"patch {address.kind} {address.name}: 404")
        for key in ("resourceVersion", "uid"):
            if known["metadata"][key] != manifest["metadata"][key]:
                raise Conflict(f"patch {address.kind} {address.name}: 409")
        references = copy.deepcopy(manifest["metadata"]["ownerReferences"])
        refuse_two_controllers(address, references)
        return self.put({**known, "metadata": {**known["metadata"], "ownerReferences": references}})

    def with_status(self, manifest: Json) -> Json:
        """The status replaced, if nobody wrote to the object since it was read."""
        known = self.objects.get(address_of(manifest))
        said = manifest["metadata"]
        if known is None:
            raise NotFound("update_status: 404")
        if known["metadata"]["resourceVersion"] != said["resourceVersion"]:
            raise Conflict("update_status: 409 the object has been modified")
        return self.put({**known, "status": manifest["status"]})

    def without_annotation(
        self, address: Address, annotation: str, value: str, beside: str | None = None
    ) -> Json:
        """An object without an annotation, if that still has this value, and without another."""
        item = copy.deepcopy(self.objects[address])
        annotations = item["metadata"].get("annotations", {})
        if annotations.get(annotation) != value:
            raise Terminal("Invalid", "patch: 422 the test of an annotation failed")
        del annotations[annotation]
        if beside:
            del annotations[beside]
        return self.put(item)

    def scaled(self, manifest: Json, replicas: int) -> Json:
        """`spec.replicas` by the scale subresource, if nobody wrote to the object since it was read."""
        known = self.objects[address_of(manifest)]
        version = known["metadata"]["resourceVersion"]
        if manifest["metadata"].get("resourceVersion", version) != version:
            raise Conflict("patch_scale: 409 the object has been modified")
        return self.put({**known, "spec": {**known["spec"], "replicas": replicas}})

    def posted(self, manifest: Json) -> None:
        """A new Event."""
        name = manifest["metadata"]["name"]
        if name in {event["metadata"]["name"] for event in self.events}:
            raise Conflict(f"create Event {name}: 409")
        self.events.append(copy.deepcopy(manifest))


@dataclass
class Watch:
    """Changes on their way to one process: in order within a kind, as on a real server."""

    waiting: dict[str, deque[tuple[str, Json]]] = field(default_factory=dict)

    def tell(self, change: str, item: Json) -> None:
        kind = item["kind"]
        self.waiting.setdefault(kind, deque()).append((change, copy.deepcopy(item)))

    def taken(self, chance: random.Random | None = None) -> Iterator[tuple[str, Json]]:
        """What has arrived by now: everything, or as chance will have it."""
        kinds = sorted(kind for kind, queue in self.waiting.items() if queue)
        if chance:
            chance.shuffle(kinds)
        for kind in kinds:
            queue = self.waiting[kind]
            for _ in range(chance.randint(0, len(queue)) if chance else len(queue)):
                yield queue.popleft()


class Port:
    """One process' way to the cluster: the operator's `Cluster`."""

    def __init__(
        self,
        cluster: FakeCluster,
        fence: Callable[[], None] = lambda: None,
        on_write: Callable[[Write], None] = lambda _write: None,
    ) -> None:
        self._cluster = cluster
        self._fence = fence
        self._on_write = on_write

    async def apply(self, manifest: Json, *, force: bool = True) -> Json:
        assert force
        return self._write("apply", manifest, lambda: self._cluster.applied(manifest))

    async def apply_status(self, manifest: Json) -> Json:
        do = self._cluster.with_status
        return self._write("update_status", manifest, lambda: do(manifest))

    async def adopt(self, manifest: Json) -> Json:
        return self._write("patch", manifest, lambda: self._cluster.adopted(manifest))

    async def scale(self, manifest: Json, replicas: int) -> None:
        self._write("patch_scale", manifest, lambda: self._cluster.scaled(manifest, replicas))

    async def get(self, kind: str, namespace: str, name: str) -> Json | None:
        self._cluster.reads["get", kind] += 1
        return copy.deepcopy(self._cluster.objects.get(Address(kind, namespace, name)))

    async def list(
        self, kind: str, namespace: str | None, *, labels: Mapping[str, str]
    ) -> builtins.list[Json]:
        self._cluster.reads["list", kind] += 1
        found = self._cluster.find(kind, namespace=namespace or ANY)
        return [copy.deepcopy(item) for item in found if labels.items() <= labels_of(item).items()]

    async def page(
        self, kind: str, namespace: str | None, *, labels: Mapping[str, str], after: str = ""
    ) -> Page:
        self._cluster.reads["compare", kind] += not after
        version = str(self._cluster.version)
        found = [
            copy.deepcopy(item)
            for item in self._cluster.find(kind, namespace=namespace or ANY)
            if labels.items() <= labels_of(item).items()
        ]
        first = int(after or 0)
        more = str(first + PAGE) if first + PAGE < len(found) else ""
        return Page(tuple(found[first : first + PAGE]), version, more)

    async def delete(self, kind: str, namespace: str, name: str, *, uid: str | None = None) -> None:
        address = Address(kind, namespace, name)
        known = self._cluster.objects.get(address)
        if known is not None and uid not in {None, known["metadata"]["uid"]}:
            raise Conflict(f"delete {kind} {name}: 409")
        metadata = {"namespace": namespace, "name": name}
        body = {"kind": kind, "metadata": metadata}
        self._write("delete", body, lambda: self._cluster.drop(address))

    async def drop_annotation(
        self,
        kind: str,
        namespace: str,
        name: str,
        *,
        annotation: str,
        value: str,
        beside: str | None = None,
    ) -> Json:
        body = {"kind": kind, "metadata": {"namespace": namespace, "name": name}}
        do = self._cluster.without_annotation
        return self._write("patch", body, lambda: do(address_of(body), annotation, value, beside))

    async def pod_warnings(self, namespace: str, uid: str) -> builtins.list[Json]:
        self._cluster.reads["list", "Event"] += 1
        about = self._cluster.warnings.get(uid, [])
        return [copy.deepcopy(event) for event in about]

    async def create_event(self, manifest: Json) -> None:
        self._write("create", manifest, lambda: self._cluster.posted(manifest))

    def _write(self, verb: str, manifest: Json, do: Callable[[], Json | None]) -> Json:
        self._fence()
        told = len(self._cluster.writes)
        try:
            return self._cluster.writing(verb, manifest, do) or {}
        finally:
            self._on_write(self._cluster.writes[told])


_: type[Cluster] = Port


def refuse_two_controllers(address: Address, references: list[Json]) -> None:
    """An object has at most one controller."""
    if sum(bool(reference.get("controller")) for reference in references) > 1:
        message = f"{address.kind} {address.name}: 422 Only one reference can have Controller set"
        raise Terminal("Invalid", message)


def address_of(manifest: Json) -> Address:
    metadata = manifest["metadata"]
    return Address(manifest["kind"], metadata["namespace"], metadata["name"])


def labels_of(item: Json) -> dict[str, str]:
    labels: dict[str, str] = item["metadata"].get("labels", {})
    return labels


def is_watched(item: Json) -> bool:
    """Whether the operator's watches would be told of an object."""
    if item["kind"] == names.KIND:
        return True
    is_ours = labels_of(item).get(names.LABEL_MANAGED_BY) == names.MANAGED_BY
    return is_ours and item["kind"] in CHILD_KINDS


def refusing(number: int, error: Exception | Killed) -> Fault:
    """The n-th write ends in an error (or kills the process); later ones are as usual."""

    def fault(write: Write) -> None:
        if write.number == number:
            raise error

    return fault


def refusing_kind(kind: str, name: str, message: str = "422 Invalid") -> Fault:
    """Whatever is written to one object is refused for good."""

    def fault(write: Write) -> None:
        if (write.verb, write.kind) == ("apply", kind) and name in {ANY, write.name}:
            raise Terminal("Invalid", f"apply {kind} {name}: {message}")

    return fault
