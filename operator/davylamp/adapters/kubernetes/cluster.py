"""The cluster as the operator uses it: JSON objects are read, applied and deleted.

Writes are server-side apply with one field manager, so that fields of other managers are kept and
fields that we no longer send are removed. A leadership check precedes every write: a process that
has lost its lease writes nothing. Only the Lease itself is written without that check.
"""

import builtins
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from kubernetes.aio.client import ApiClient

from davylamp.adapters.errors import NotFound, Retryable
from davylamp.adapters.kubernetes.apiserver import (
    APPLY_BODY,
    MERGE_BODY,
    ApiRequest,
    ApiServer,
    OnRequest,
)
from davylamp.adapters.kubernetes.ports import Manifest
from davylamp.adapters.kubernetes.requests import (
    STRICT,
    creation,
    status_update,
    without_annotation,
)
from davylamp.adapters.kubernetes.resources import (
    CORE_EVENT,
    ObjectAddress,
    address_of,
    object_address,
    resource_of,
)
from davylamp.adapters.kubernetes.stored import read_stored
from davylamp.schema.json import section

WriteGuard: TypeAlias = Callable[[], None]
"""Raises `NotLeader` when this process must not write."""

MOST_LISTED: Final = 128 * 2**20
"""Bytes of a list that is read at once: the flight records of one model, a megabyte each."""
MOST_EVENTS: Final = 50
"""Events about one pod that are read at a time."""


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
                query={**STRICT, "force": str(force).lower()},
                body=manifest,
                content_type=APPLY_BODY,
            )
        )

    async def apply_status(self, manifest: Manifest) -> Manifest:
        """See `Cluster.apply_status`."""
        return await self._write(status_update(manifest))

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
                query=STRICT,
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
                query=STRICT,
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
        query = {"labelSelector": selector} if selector else {}
        return await self._listed(
            ApiRequest(verb="list", method="GET", address=address, query=query)
        )

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

    async def drop_annotation(  # noqa: PLR0913  (an object, and what is taken off it)
        self,
        kind: str,
        namespace: str,
        name: str,
        *,
        annotation: str,
        value: str,
        beside: str | None = None,
    ) -> Manifest:
        """See `Cluster.drop_annotation`; the test makes the API server refuse a change in between."""
        address = object_address(kind, namespace, name)
        return await self._write(without_annotation(address, annotation, value, beside))

    async def create_event(self, manifest: Manifest) -> None:
        """See `Cluster.create_event`."""
        await self._write(creation(manifest))

    async def pod_warnings(self, namespace: str, uid: str) -> builtins.list[Manifest]:
        """See `Cluster.pod_warnings`."""
        selector = f"involvedObject.kind=Pod,involvedObject.uid={uid},type=Warning"
        return await self._listed(
            ApiRequest(
                verb="list",
                method="GET",
                address=ObjectAddress(CORE_EVENT, namespace),
                query={"fieldSelector": selector, "limit": str(MOST_EVENTS)},
            )
        )

    async def would_create(self, manifest: Manifest) -> None:
        """Check that the API server would accept a new object; nothing is stored."""
        request = creation(manifest)
        await self._server.send(replace(request, query={**request.query, "dryRun": "All"}))

    async def get_lease(self, namespace: str, name: str) -> Manifest | None:
        """See `Leases.get_lease`."""
        return await self.get("Lease", namespace, name)

    async def create_lease(self, manifest: Manifest) -> Manifest:
        """See `Leases.create_lease`."""
        return await self._server.send(creation(manifest))

    async def replace_lease(self, manifest: Manifest) -> Manifest:
        """See `Leases.replace_lease`."""
        address = address_of(manifest)
        return await self._server.send(
            ApiRequest(verb="update", method="PUT", address=address, query=STRICT, body=manifest)
        )

    async def _listed(self, request: ApiRequest) -> builtins.list[Manifest]:
        """A whole list that is short; what in it has no name is left out."""
        answer = await self._server.listed(request, most=MOST_LISTED)
        if answer is None:
            raise Retryable(f"{request}: more than {MOST_LISTED:,} bytes")
        resource = request.address.resource
        named: Manifest = {"apiVersion": resource.api_version, "kind": resource.kind}
        read = (read_stored(content, resource.kind) for content in answer[0] if content)
        return [named | item for item in read if item is not None]

    async def _write(self, request: ApiRequest) -> Manifest:
        return await self._server.send(request, before=self._write_guard)
