"""Pods that can be asked: ready, and at addresses of their own. Read once for all who ask. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from davylamp.adapters.pod_names import deployment_of
from davylamp.adapters.pods.model_server import PodAddress
from davylamp.api import names
from davylamp.api.identity import PORT_NAME
from davylamp.controller.checks.pod_networks import ANYWHERE, PodNetworks
from davylamp.controller.cluster.objects import metadata
from davylamp.controller.cluster.pods import Pod
from davylamp.manifests.pods import METRICS_PATH
from davylamp.schema.json import JsonObject, entries, field, integer, section, text


@dataclass(frozen=True, slots=True)
class ReadyPod:
    """A pod that is ready, stays, and has an address of its own."""

    namespace: str
    revision: str
    address: PodAddress
    metrics: tuple[int, str]
    """Port and path of its metrics."""

    @property
    def name(self) -> str:
        """The pod's name."""
        return self.address.name

    @property
    def deployment(self) -> str:
        """The Deployment it belongs to by its name."""
        return deployment_of(self.name)


def ready_pods(pods: Iterable[Pod], networks: PodNetworks = ANYWHERE) -> tuple[ReadyPod, ...]:
    """Those of the pods that can be asked, in order of name.

    Args:
        pods: of one model.
        networks: where pods are.
    """
    known = tuple(pods)
    nodes = frozenset(address for pod in known for address in _node_addresses(pod.manifest))
    read = (_ready_pod(pod, _address(pod.manifest, networks, nodes)) for pod in known)
    return tuple(sorted((pod for pod in read if pod), key=lambda pod: pod.name))


def _ready_pod(pod: Pod, address: PodAddress | None) -> ReadyPod | None:
    is_serving = pod.state.ready and not pod.state.terminating
    if address is None or not is_serving or not pod.deployment:
        return None
    return ReadyPod(
        namespace=metadata(pod.manifest, "namespace"),
        revision=pod.revision,
        address=address,
        metrics=_metrics(pod.manifest, address.port),
    )


def _address(pod: JsonObject, networks: PodNetworks, nodes: frozenset[str]) -> PodAddress | None:
    """Where the pod listens; None unless it has an address of its own."""
    host, port = networks.accepted(field(pod, "status", "podIP"), nodes), _port(pod)
    if host is None or port is None or field(pod, "spec", "hostNetwork") is True:
        return None
    return PodAddress(
        metadata(pod, "name"), metadata(pod, "uid"), host, port, metadata(pod, "namespace")
    )


def _node_addresses(pod: JsonObject) -> Iterator[str]:
    """The addresses of the pod's node."""
    yield text(pod, "status", "hostIP")
    for address in entries(pod, "status", "hostIPs"):
        yield text(address, "ip")


def _port(pod: JsonObject) -> int | None:
    """The port called `http` of the model container."""
    number = field(_item(_ports(pod), PORT_NAME), "containerPort")
    return number if isinstance(number, int) else None


def _metrics(pod: JsonObject, port: int) -> tuple[int, str]:
    """Where Prometheus would read, by the pod's annotations; only ports that the model declares.

    Annotations may be changed while a pod runs, its ports may not.
    """
    annotations = section(pod, "metadata", "annotations")
    declared = {str(field(item, "containerPort")): item for item in _ports(pod)}
    chosen = declared.get(text(annotations, "prometheus.io/port"))
    path = text(annotations, "prometheus.io/path")
    return integer(chosen, "containerPort") or port, path if path.startswith("/") else METRICS_PATH


def _ports(pod: JsonObject) -> list[JsonObject]:
    container = _item(entries(pod, "spec", "containers"), names.CONTAINER)
    return entries(container, "ports")


def _item(items: Iterable[JsonObject], name: str) -> JsonObject | None:
    """The item of a list with that name."""
    return next((item for item in items if text(item, "name") == name), None)
