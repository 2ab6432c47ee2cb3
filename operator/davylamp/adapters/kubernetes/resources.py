"""The few kinds the operator works with, and their places in the API.

A fixed table instead of discovery: the dynamic client asks for every group on first use and writes
a cache file to the temporary directory. The kinds used here are known, and without that file the
file system can stay read-only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from typing_extensions import override

from davylamp.adapters.errors import Terminal
from davylamp.api.names import API_VERSION, KIND, PLURAL
from davylamp.schema.json import JsonObject, section, text


@dataclass(frozen=True, slots=True)
class Resource:
    """One namespaced kind at one API version."""

    api_version: str
    kind: str
    plural: str

    def path(self, namespace: str | None, *rest: str) -> str:
        """URL path of the collection (of all namespaces for None) or of what `rest` names in it."""
        root = (
            f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        )
        scope = ("namespaces", namespace) if namespace is not None else ()
        return "/".join((root, *scope, self.plural, *rest))


_RESOURCES = (
    Resource(API_VERSION, KIND, PLURAL),
    Resource("apps/v1", "ControllerRevision", "controllerrevisions"),
    Resource("apps/v1", "Deployment", "deployments"),
    Resource("v1", "ConfigMap", "configmaps"),
    Resource("v1", "Secret", "secrets"),
    Resource("v1", "Service", "services"),
    Resource("v1", "Pod", "pods"),
    Resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    Resource("batch/v1", "CronJob", "cronjobs"),
    Resource("batch/v1", "Job", "jobs"),
    Resource("coordination.k8s.io/v1", "Lease", "leases"),
    Resource("events.k8s.io/v1", "Event", "events"),
)
RESOURCES: Mapping[str, Resource] = MappingProxyType(
    {resource.kind: resource for resource in _RESOURCES}
)
_PATH_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._:-]+")
CORE_EVENT = Resource("v1", "Event", "events")


@dataclass(frozen=True, slots=True)
class ObjectAddress:
    """One object, or a whole collection if `name` is empty; as text, how messages name it.

    Raises:
        Terminal: a name that would change the path of the URL; users choose names.
    """

    resource: Resource
    namespace: str | None
    name: str = ""

    def __post_init__(self) -> None:
        for part in (self.namespace, self.name):
            if part and not _PATH_SEGMENT.fullmatch(part):
                raise Terminal("InvalidName", f"{part!r} is not a valid object name")

    def path(self, *subresource: str) -> str:
        """URL path of the object, of a subresource of it, or of the collection."""
        return self.resource.path(self.namespace, *filter(None, (self.name, *subresource)))

    @override
    def __str__(self) -> str:
        where = "/".join(filter(None, (self.namespace, self.name)))
        return f"{self.resource.kind} {where}".rstrip()


def resource_of(kind: str) -> Resource:
    """Row of the table for a kind.

    Raises:
        ValueError: the operator does not work with this kind.
    """
    try:
        return RESOURCES[kind]
    except KeyError:
        raise ValueError(f"unknown kind {kind!r}") from None


def object_address(kind: str, namespace: str, name: str) -> ObjectAddress:
    """The address of one object.

    Raises:
        ValueError: the name is empty, which would mean the whole collection.
    """
    if not namespace or not name:
        raise ValueError(f"{kind} without namespace or name")
    return ObjectAddress(resource_of(kind), namespace, name)


def address_of(manifest: JsonObject) -> ObjectAddress:
    """The address of a manifest with apiVersion, kind, namespace and name.

    Raises:
        ValueError: one of them is missing, or the table lacks that kind at that version.
    """
    kind, version = _required(manifest, "kind"), _required(manifest, "apiVersion")
    resource = CORE_EVENT if (kind, version) == ("Event", "v1") else resource_of(kind)
    if version != resource.api_version:
        raise ValueError(f"{kind} is used at {resource.api_version}, not at {version}")
    metadata = section(manifest, "metadata")
    return ObjectAddress(resource, _required(metadata, "namespace"), _required(metadata, "name"))


def _required(node: JsonObject, key: str) -> str:
    value = text(node, key)
    if not value:
        raise ValueError(f"manifest without {key}")
    return value
