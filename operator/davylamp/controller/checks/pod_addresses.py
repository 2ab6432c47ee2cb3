"""Where pods can be reached: their own addresses, and nothing that they could lead us to. Pure."""

import ipaddress
from collections.abc import Collection, Iterable

from davylamp.adapters.pods.metrics import PodTarget
from davylamp.adapters.pods.model_server import PodAddress
from davylamp.api import names
from davylamp.api.identity import PORT_NAME
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.cache import metadata
from davylamp.manifests.pods import METRICS_PATH
from davylamp.schema.json import Json, JsonObject


def pod_targets(pods: Iterable[JsonObject], deployments: Collection[str]) -> tuple[PodTarget, ...]:
    """Where the ready pods of some Deployments tell their metrics, in order of name."""
    mine = (pod for pod in pods if metadata(pod, "name").rsplit("-", 2)[0] in deployments)
    found = (_target(pod) for pod in mine)
    return tuple(sorted((each for each in found if each), key=lambda each: each.name))


def _target(pod: JsonObject) -> PodTarget | None:
    seen, address = objects.pod_seen(pod), address_of(pod)
    if address is None or not seen.ready or seen.terminating:
        return None
    return PodTarget(
        namespace=metadata(pod, "namespace"),
        name=address.name,
        uid=address.uid,
        host=address.host,
        port=address.port,
        path=METRICS_PATH,
    )


def address_of(pod: JsonObject) -> PodAddress | None:
    """Where the pod listens; None unless it has an address of its own."""
    host, port = objects.field(pod, "status", "podIP"), _port(pod)
    if not isinstance(host, str) or port is None:
        return None
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    if found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified:
        return None  # whoever may write a pod's status must not turn us to the node's own services
    return PodAddress(metadata(pod, "name"), metadata(pod, "uid"), host, port)


def _port(pod: JsonObject) -> int | None:
    """The port called `http` of the model container."""
    container = _named(objects.field(pod, "spec", "containers"), names.CONTAINER)
    number = objects.field(_named(objects.field(container, "ports"), PORT_NAME), "containerPort")
    return number if isinstance(number, int) else None


def _named(items: Json, name: str) -> Json:
    """The item of a list with that name."""
    found = items if isinstance(items, list) else []
    return next((item for item in found if objects.field(item, "name") == name), None)
