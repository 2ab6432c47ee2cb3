"""The cluster as the operator sees it: JSON objects read, applied, deleted.

Writes are server-side apply with one field manager, so that what other managers own is kept and
what we stop naming disappears. Every write passes a fence first: a process that lost its lease
writes nothing, whatever it was about to do. Only the Lease itself is written without.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol, TypeAlias

from kubernetes.aio.client import ApiClient

from davylamp.adapters.errors import NotFound, Retryable
from davylamp.adapters.kubernetes.apiserver import APPLY_BODY, ApiServer, OnRequest, Request
from davylamp.adapters.kubernetes.resources import (
    Address,
    Resource,
    address_of,
    metadata_of,
    object_address,
    resource_of,
)
from davylamp.api.names import FIELD_MANAGER
from davylamp.schema.json import JsonObject

Manifest: TypeAlias = JsonObject
Fence: TypeAlias = Callable[[], None]
"""Raises `NotLeader` when this process must not write."""

_STRICT: Final = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}


class Cluster(Protocol):
    """What reconciling needs of a cluster. Every method raises `OperatorError` only."""

    async def apply(self, manifest: Manifest, *, force: bool = True) -> Manifest:
        """Make the object have these fields; returns it as stored.

        Args:
            manifest: the fields we own, all of them, and nothing else.
            force: take over fields that others own; else `Conflict`.
        """

    async def apply_status(self, manifest: Manifest) -> Manifest:
        """Replace the status of an object that was read before; returns it as stored.

        Raises:
            Conflict: it was written, or deleted and made anew, since it was read.
            NotFound: it is gone.
        """

    async def get(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """The object, None when there is none."""

    async def list(
        self, kind: str, namespace: str | None, *, labels: Mapping[str, str]
    ) -> list[Manifest]:
        """Objects that carry all these labels, in one namespace or (None) in all."""

    async def delete(self, kind: str, namespace: str, name: str, *, uid: str | None = None) -> None:
        """Delete with everything it owns, in the background; absent is fine.

        Raises:
            Conflict: `uid` was given and another object has the name by now.
        """

    async def create_event(self, manifest: Manifest) -> None:
        """Post an Event (events.k8s.io/v1, or core v1)."""


class Leases(Protocol):
    """What electing a leader needs of a cluster."""

    async def get_lease(self, namespace: str, name: str) -> Manifest | None:
        """The Lease, None when there is none."""

    async def create_lease(self, manifest: Manifest) -> Manifest:
        """Create it; `Conflict` when somebody was faster."""

    async def replace_lease(self, manifest: Manifest) -> Manifest:
        """Replace it; `Conflict` when metadata.resourceVersion is not the stored one."""


class KubernetesCluster:
    """`Cluster` and `Leases` on a real API server.

    Args:
        client: from `davylamp.adapters.connection.connect`.
        fence: called right before each write, except of the Lease.
        on_request: told of every request, for metrics.
        timeout: seconds for one request as a whole. Keep it at or below the margin between our
            giving up the lease and others taking it, so that no write outlives the lease.
    """

    def __init__(
        self,
        client: ApiClient,
        *,
        fence: Fence,
        on_request: OnRequest = lambda _verb, _kind, _status, _seconds: None,
        timeout: float = 5.0,
    ) -> None:
        self._server = ApiServer(client, timeout=timeout, on_request=on_request)
        self._fence = fence

    async def apply(self, manifest: Manifest, *, force: bool = True) -> Manifest:
        """See `Cluster.apply`; fields unknown to the schema are refused, not dropped."""
        return await self._write(
            Request(
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
        status, and the version makes a stale writer fail. Nothing but the status travels.
        """
        metadata = metadata_of(manifest)
        if not metadata.get("resourceVersion"):
            raise ValueError("status without the resourceVersion it was decided on")
        kept = ("name", "namespace", "resourceVersion", "uid")
        body: Manifest = {key: manifest[key] for key in ("apiVersion", "kind", "status")}
        body["metadata"] = {key: metadata[key] for key in kept if key in metadata}
        return await self._write(
            Request(
                verb="update_status",
                method="PUT",
                address=address_of(manifest),
                subresource=("status",),
                query=_STRICT,
                body=body,
            )
        )

    async def get(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """See `Cluster.get`."""
        address = object_address(kind, namespace, name)
        try:
            return await self._server.send(Request(verb="get", method="GET", address=address))
        except NotFound:
            return None

    async def list(
        self, kind: str, namespace: str | None, *, labels: Mapping[str, str]
    ) -> list[Manifest]:
        """See `Cluster.list`; no resourceVersion is sent, so own writes are always in the answer."""
        address = Address(resource_of(kind), namespace)
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        answer = await self._server.send(
            Request(
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
            await self._write(Request(verb="delete", method="DELETE", address=address, body=body))
        except NotFound:
            return

    async def create_event(self, manifest: Manifest) -> None:
        """See `Cluster.create_event`."""
        await self._write(_creation(manifest))

    async def would_create(self, manifest: Manifest) -> None:
        """Ask the API server whether it would accept a new object; nothing is stored."""
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
            Request(verb="update", method="PUT", address=address, query=_STRICT, body=manifest)
        )

    async def _write(self, request: Request) -> Manifest:
        return await self._server.send(request, before=self._fence)


def _creation(manifest: Manifest) -> Request:
    address = address_of(manifest)
    return Request(
        verb="create",
        method="POST",
        address=Address(address.resource, address.namespace),
        query=_STRICT,
        body=manifest,
    )


def _items(answer: JsonObject, resource: Resource) -> list[Manifest]:
    """Items of a list, each with the apiVersion and kind that lists of built-in kinds omit."""
    items = answer.get("items")
    if not isinstance(items, list):
        raise Retryable(f"list {resource.kind}: the answer has no items")
    named: Manifest = {"apiVersion": resource.api_version, "kind": resource.kind}
    return [named | item for item in items if isinstance(item, dict)]
