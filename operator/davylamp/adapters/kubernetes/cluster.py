"""The cluster as the operator uses it: JSON objects are read, applied and deleted.

Writes are server-side apply with one field manager, so that fields of other managers are kept and
fields that we no longer send are removed. A leadership check precedes every write: a process that
has lost its lease writes nothing. Only the Lease itself is written without that check.
"""

import builtins
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol, TypeAlias

from kubernetes.aio.client import ApiClient

from davylamp.adapters.errors import NotFound, Retryable
from davylamp.adapters.kubernetes.apiserver import (
    APPLY_BODY,
    JSON_PATCH,
    MERGE_BODY,
    ApiRequest,
    ApiServer,
    OnRequest,
)
from davylamp.adapters.kubernetes.resources import (
    CORE_EVENT,
    ObjectAddress,
    Resource,
    address_of,
    object_address,
    resource_of,
)
from davylamp.api.names import FIELD_MANAGER
from davylamp.schema.json import JsonObject, section

Manifest: TypeAlias = JsonObject
WriteGuard: TypeAlias = Callable[[], None]
"""Raises `NotLeader` when this process must not write."""

MOST_EVENTS: Final = 50
"""Events about one pod that are read at a time."""
_STRICT: Final = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}


class Cluster(Protocol):
    """What the reconciler needs of a cluster. Methods raise no other errors than `OperatorError`."""

    async def apply(self, manifest: Manifest, *, force: bool = True) -> Manifest:
        """Set our fields of an object, creating it if needed; returns it as stored.

        Args:
            manifest: all fields that we own, and no others.
            force: take over fields that others own; otherwise `Conflict` is raised.
        """

    async def apply_status(self, manifest: Manifest) -> Manifest:
        """Replace the status of an object that was read before; returns it as stored.

        Raises:
            Conflict: it has been written, or deleted and created again, since it was read.
            NotFound: it does not exist any more.
        """

    async def adopt(self, manifest: Manifest) -> Manifest:
        """Replace the owner references of an object that was read before; returns it as stored.

        Raises:
            Conflict: it has been written, or deleted and created again, since it was read.
            NotFound: it does not exist any more.
        """

    async def scale(self, manifest: Manifest, replicas: int) -> None:
        """Set the number of pods of an object that was read before, by its scale subresource.

        One without a resourceVersion is scaled whatever became of it since.

        Raises:
            Conflict: it has been written, or deleted and created again, since it was read.
        """

    async def get(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """The object; None if it does not exist."""

    async def list(
        self, kind: str, namespace: str | None, *, labels: Mapping[str, str]
    ) -> list[Manifest]:
        """Objects with all these labels, in one namespace or (None) in all."""

    async def delete(self, kind: str, namespace: str, name: str, *, uid: str | None = None) -> None:
        """Delete an object and, in the background, what it owns; it need not exist.

        Raises:
            Conflict: `uid` was given and the object of that name has another.
        """

    async def drop_annotation(
        self, kind: str, namespace: str, name: str, *, annotation: str, value: str
    ) -> Manifest:
        """Take an annotation off an object; returns the object as stored.

        Raises:
            Terminal: it is gone already, or has another value by now.
        """

    async def create_event(self, manifest: Manifest) -> None:
        """Create an Event (events.k8s.io/v1 or core v1)."""

    async def pod_warnings(self, namespace: str, uid: str) -> builtins.list[Manifest]:
        """Events (core v1) of type Warning about one pod."""


class Leases(Protocol):
    """What leader election needs of a cluster."""

    async def get_lease(self, namespace: str, name: str) -> Manifest | None:
        """The Lease; None if it does not exist."""

    async def create_lease(self, manifest: Manifest) -> Manifest:
        """Create it; `Conflict` if it exists already."""

    async def replace_lease(self, manifest: Manifest) -> Manifest:
        """Replace it; `Conflict` if metadata.resourceVersion is not the stored one."""


class KubernetesCluster:
    """`Cluster` and `Leases` on a real API server.

    Args:
        client: from `davylamp.adapters.kubernetes.connection.connect`.
        write_guard: called right before every write, except of the Lease; raises to prevent it.
        on_request: called after every request, for metrics.
        timeout: seconds for one whole request. Keep it at or below the time between our giving up
            the lease and others acquiring it, so that no write outlives the lease.
    """

    def __init__(
        self,
        client: ApiClient,
        *,
        write_guard: WriteGuard,
        on_request: OnRequest = lambda _verb, _kind, _status, _seconds: None,
        timeout: float = 5.0,
    ) -> None:
        self._server = ApiServer(client, timeout=timeout, on_request=on_request)
        self._write_guard = write_guard

    async def apply(self, manifest: Manifest, *, force: bool = True) -> Manifest:
        """See `Cluster.apply`; fields unknown to the schema are refused, not dropped."""
        return await self._write(
            ApiRequest(
                verb="apply",
                method="PATCH",
                address=address_of(manifest),
                query={**_STRICT, "force": str(force).lower()},
                body=manifest,
                content_type=APPLY_BODY,
            )
        )

    async def apply_status(self, manifest: Manifest) -> Manifest:
        """See `Cluster.apply_status`.

        A PUT with resourceVersion and uid: a merge patch would keep keys that are no longer in the
        status, and the version makes a stale write fail. Only the status is written; labels and
        annotations are sent as they are, because those that are not sent lose their managers, and
        who applies them could not remove them any more.
        """
        metadata = section(manifest, "metadata")
        if not metadata.get("resourceVersion"):
            raise ValueError("a status needs the resourceVersion it was decided on")
        body: Manifest = {key: manifest[key] for key in ("apiVersion", "kind", "status")}
        body["metadata"] = {key: metadata[key] for key in metadata if key != "managedFields"}
        return await self._write(
            ApiRequest(
                verb="update_status",
                method="PUT",
                address=address_of(manifest),
                subresource=("status",),
                query=_STRICT,
                body=body,
            )
        )

    async def adopt(self, manifest: Manifest) -> Manifest:
        """See `Cluster.adopt`.

        A merge patch with resourceVersion and uid: to be applied, an owner reference would be added
        to those of other managers, and the API server refuses a second controller.
        """
        kept = ("uid", "resourceVersion", "ownerReferences")
        metadata = section(manifest, "metadata")
        return await self._write(
            ApiRequest(
                verb="patch",
                method="PATCH",
                address=address_of(manifest),
                query=_STRICT,
                body={"metadata": {key: metadata[key] for key in kept}},
                content_type=MERGE_BODY,
            )
        )

    async def scale(self, manifest: Manifest, replicas: int) -> None:
        """See `Cluster.scale`; a PATCH, as the subresource cannot be read where there is no number."""
        known = section(manifest, "metadata")
        metadata = {key: known[key] for key in ("resourceVersion",) if key in known}
        await self._write(
            ApiRequest(
                verb="patch_scale",
                method="PATCH",
                address=address_of(manifest),
                subresource=("scale",),
                query=_STRICT,
                body={"metadata": metadata, "spec": {"replicas": replicas}},
                content_type=MERGE_BODY,
            )
        )

    async def get(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """See `Cluster.get`."""
        address = object_address(kind, namespace, name)
        try:
            return await self._server.send(ApiRequest(verb="get", method="GET", address=address))
        except NotFound:
            return None

    async def list(
        self, kind: str, namespace: str | None, *, labels: Mapping[str, str]
    ) -> list[Manifest]:
        """See `Cluster.list`; without a resourceVersion, so that our own writes are in the answer."""
        address = ObjectAddress(resource_of(kind), namespace)
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        answer = await self._server.send(
            ApiRequest(
                verb="list",
                method="GET",
                address=address,
                query={"labelSelector": selector} if selector else {},
            )
        )
        return _items(answer, address.resource)

    async def delete(self, kind: str, namespace: str, name: str, *, uid: str | None = None) -> None:
        """See `Cluster.delete`."""
        body: Manifest = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
        }
        if uid is not None:
            body["preconditions"] = {"uid": uid}
        address = object_address(kind, namespace, name)
        try:
            await self._write(
                ApiRequest(verb="delete", method="DELETE", address=address, body=body)
            )
        except NotFound:
            return

    async def drop_annotation(
        self, kind: str, namespace: str, name: str, *, annotation: str, value: str
    ) -> Manifest:
        """See `Cluster.drop_annotation`; the test makes the API server refuse a change in between."""
        path = f"/metadata/annotations/{annotation.replace('~', '~0').replace('/', '~1')}"
        return await self._write(
            ApiRequest(
                verb="patch",
                method="PATCH",
                address=object_address(kind, namespace, name),
                query=_STRICT,
                body=[
                    {"op": "test", "path": path, "value": value},
                    {"op": "remove", "path": path},
                ],
                content_type=JSON_PATCH,
            )
        )

    async def create_event(self, manifest: Manifest) -> None:
        """See `Cluster.create_event`."""
        await self._write(_creation(manifest))

    async def pod_warnings(self, namespace: str, uid: str) -> builtins.list[Manifest]:
        """See `Cluster.pod_warnings`."""
        selector = f"involvedObject.kind=Pod,involvedObject.uid={uid},type=Warning"
        answer = await self._server.send(
            ApiRequest(
                verb="list",
                method="GET",
                address=ObjectAddress(CORE_EVENT, namespace),
                query={"fieldSelector": selector, "limit": str(MOST_EVENTS)},
            )
        )
        return _items(answer, CORE_EVENT)

    async def would_create(self, manifest: Manifest) -> None:
        """Check that the API server would accept a new object; nothing is stored."""
        request = _creation(manifest)
        await self._server.send(replace(request, query={**request.query, "dryRun": "All"}))

    async def get_lease(self, namespace: str, name: str) -> Manifest | None:
        """See `Leases.get_lease`."""
        return await self.get("Lease", namespace, name)

    async def create_lease(self, manifest: Manifest) -> Manifest:
        """See `Leases.create_lease`."""
        return await self._server.send(_creation(manifest))

    async def replace_lease(self, manifest: Manifest) -> Manifest:
        """See `Leases.replace_lease`."""
        address = address_of(manifest)
        return await self._server.send(
            ApiRequest(verb="update", method="PUT", address=address, query=_STRICT, body=manifest)
        )

    async def _write(self, request: ApiRequest) -> Manifest:
        return await self._server.send(request, before=self._write_guard)


def _creation(manifest: Manifest) -> ApiRequest:
    address = address_of(manifest)
    return ApiRequest(
        verb="create",
        method="POST",
        address=ObjectAddress(address.resource, address.namespace),
        query=_STRICT,
        body=manifest,
    )


def _items(answer: JsonObject, resource: Resource) -> list[Manifest]:
    """Items of a list, with the apiVersion and kind that lists of built-in kinds omit."""
    items = answer.get("items")
    if not isinstance(items, list):
        raise Retryable(f"list {resource.kind}: the answer has no items")
    named: Manifest = {"apiVersion": resource.api_version, "kind": resource.kind}
    return [named | item for item in items if isinstance(item, dict)]
