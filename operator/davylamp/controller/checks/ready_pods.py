"""Pods that can be asked: ready, and at addresses of their own. Read once for all who ask. Pure."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from davylamp.adapters.pod_names import deployment_of
from davylamp.adapters.pods.model_server import PodAddress
from davylamp.api import names
from davylamp.api.identity import PORT_NAME
from davylamp.controller.cluster.objects import metadata
from davylamp.controller.cluster.pods import Pod
from davylamp.schema.json import JsonObject, entries, field, text


@dataclass(frozen=True, slots=True)
class ReadyPod:
    """A pod that is ready, stays, and has an address of its own."""

    namespace: str
    revision: str
    address: PodAddress

    @property
    def name(self) -> str:
        """The pod's name."""
        return self.address.name

    @property
    def deployment(self) -> str:
        """The Deployment it belongs to by its name."""
        return deployment_of(self.name)


def ready_pods(pods: Iterable[Pod]) -> tuple[ReadyPod, ...]:
    """Those of the pods that can be asked, in order of name."""
    read = (_ready_pod(pod) for pod in pods)
    return tuple(sorted((pod for pod in read if pod), key=lambda pod: pod.name))


def _ready_pod(pod: Pod) -> ReadyPod | None:
    address = _address(pod.manifest)
    if address is None or not pod.state.ready or pod.state.terminating:
        return None
    return ReadyPod(metadata(pod.manifest, "namespace"), pod.revision, address)


def _address(pod: JsonObject) -> PodAddress | None:
    """Where the pod listens; None unless it has an address of its own."""
    host, port = field(pod, "status", "podIP"), _port(pod)
    if not isinstance(host, str) or port is None:
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
    ):
        return None  # whoever may write a pod's status must not turn us to the node's own services
    return PodAddress(metadata(pod, "name"), metadata(pod, "uid"), host, port)


def _port(pod: JsonObject) -> int | None:
    """The port called `http` of the model container."""
    container = _item(entries(pod, "spec", "containers"), names.CONTAINER)
    number = field(_item(entries(container, "ports"), PORT_NAME), "containerPort")
    return number if isinstance(number, int) else None


def _item(items: Iterable[JsonObject], name: str) -> JsonObject | None:
    """The item of a list with that name."""
    return next((item for item in items if text(item, "name") == name), None)
