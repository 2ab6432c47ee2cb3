"""What the operator needs of a cluster: JSON objects are read, applied and deleted; leases are held."""

import builtins
from collections.abc import Mapping
from typing import Protocol, TypeAlias

from davylamp.schema.json import JsonObject

Manifest: TypeAlias = JsonObject


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
        """Take an annotation off an object, and with it another; returns the object as stored.

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
