"""The privileges that a merged pod template demands, each with the path of the field that does.

Looked at after the merge: what counts is what the pod gets, also where a default was taken away.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from davylamp.api import names
from davylamp.manifests.overlay.privileges import Privilege
from davylamp.manifests.overlay.refused import ROOT, below, named, refuse
from davylamp.schema.json import Json, JsonObject, entries, field, section, text

POD: Final = f"{ROOT}.spec"
ORDINARY_VOLUMES: Final = frozenset(
    {
        *("configMap", "downwardAPI", "emptyDir", "ephemeral", "image"),
        *("persistentVolumeClaim", "projected", "secret"),
    }
)
SAFE_SYSCTLS: Final = frozenset(
    {
        "kernel.shm_rmid_forced",
        *(f"net.ipv4.ip_{name}" for name in ("local_port_range", "local_reserved_ports")),
        *(f"net.ipv4.{name}" for name in ("ip_unprivileged_port_start", "ping_group_range")),
        *(f"net.ipv4.tcp_{name}" for name in ("syncookies", "fin_timeout", "rmem", "wmem")),
        *(f"net.ipv4.tcp_keepalive_{name}" for name in ("time", "intvl", "probes")),
    }
)
CONTROL_PLANE: Final = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
TOKENS: Final = ("serviceAccountToken", "podCertificate")
SOURCES_OF_CONTAINERS: Final = ("containers", "initContainers")
HANDLERS: Final = ("livenessProbe", "readinessProbe", "startupProbe")
GRANTING: Final = (
    *("iam.amazonaws.com/", "eks.amazonaws.com/", "iam.gke.io/", "azure.workload.identity/"),
    *("k8s.v1.cni.cncf.io/", "v1.multus-cni.io/", "cni.projectcalico.org/", "ovn.kubernetes.io/"),
    *("sidecar.istio.io/userVolume", "proxy.istio.io/overrides"),
)
"""Annotations of pods by which kube2iam, cloud identities, CNIs and meshes grant them something."""
CONFINING: Final = (
    "container.apparmor.security.beta.kubernetes.io/",
    "seccomp.security.alpha.kubernetes.io/",
    "container.seccomp.security.alpha.kubernetes.io/",
)
STANDARD_SCHEDULER: Final = "default-scheduler"


class Demand(NamedTuple):
    """A field that asks for a privilege."""

    privilege: Privilege
    path: str
    sentence: str
    """What it asks for, and what to write instead."""


def check_demands(
    template: JsonObject, overlay: JsonObject, allowed: Collection[Privilege]
) -> None:
    """Refuse a merged template that demands what is not allowed.

    Raises:
        TemplateRefused: with the path of the first field that does.
    """
    for demand in demands(template, overlay):
        if demand.privilege not in allowed:
            allowing = f"or have {demand.privilege} allowed by the chart's tenants.allow"
            refuse(demand.path, f"{demand.sentence}, {allowing}")


def demands(template: JsonObject, overlay: JsonObject) -> Iterator[Demand]:
    """Every privilege that a merged template demands; by the overlay, or by `spec.metadata`."""
    pod = section(template, "spec")
    for key, value in section(template, "metadata", "annotations").items():
        own = key in section(overlay, "metadata", "annotations")
        place = f"{ROOT if own else 'spec'}.metadata.annotations"
        yield from _of_annotation(key, value, below(place, key))
    yield from _of_identity(pod)
    yield from _of_placement(pod)
    yield from _of_volumes(pod)
    yield from _of_pod_security(pod)
    for group in SOURCES_OF_CONTAINERS:
        for container in entries(pod, group):
            place = named(f"{POD}.{group}", text(container, "name"))
            yield from _Container(container, section(pod, "securityContext"), place).demands()


def _of_annotation(key: str, value: Json, path: str) -> Iterator[Demand]:
    if key.startswith(GRANTING):
        sentence = "gives the pod a role or a network: leave it out"
        yield Demand(Privilege.ANNOTATIONS, path, sentence)
    if key.startswith(CONFINING) and value == "unconfined":
        yield Demand(Privilege.UNCONFINED, path, "switches a confinement off: leave it out")


def _of_identity(pod: JsonObject) -> Iterator[Demand]:
    for name in ("serviceAccountName", "serviceAccount"):
        if pod.get(name) not in (None, "", "default"):
            sentence = "must be the namespace's default ServiceAccount: leave it out"
            yield Demand(Privilege.SERVICE_ACCOUNTS, f"{POD}.{name}", sentence)
    if pod.get("automountServiceAccountToken") is not False:
        sentence = "must be false: a token lets the pod act as its ServiceAccount"
        path = f"{POD}.automountServiceAccountToken"
        yield Demand(Privilege.SERVICE_ACCOUNT_TOKENS, path, sentence)


def _of_placement(pod: JsonObject) -> Iterator[Demand]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            sentence = "shares a namespace of the node: leave it out"
            yield Demand(Privilege.HOST_NAMESPACES, f"{POD}.{name}", sentence)
    if pod.get("nodeName"):
        sentence = "passes by the scheduler: use nodeSelector"
        yield Demand(Privilege.NODES, f"{POD}.nodeName", sentence)
    for position, toleration in enumerate(entries(pod, "tolerations")):
        if text(toleration, "key") in ("", *CONTROL_PLANE):
            sentence = "tolerates the control plane's taint: name the key of another one"
            path = f"{named(f'{POD}.tolerations', position)}.key"
            yield Demand(Privilege.NODES, path, sentence)
    if pod.get("schedulerName") not in (None, "", STANDARD_SCHEDULER):
        sentence = f"is not {STANDARD_SCHEDULER}: leave it out"
        yield Demand(Privilege.SCHEDULERS, f"{POD}.schedulerName", sentence)
    if text(pod, "priorityClassName").startswith("system-"):
        sentence = "is a priority of the system: use a PriorityClass of your own"
        yield Demand(Privilege.PRIORITIES, f"{POD}.priorityClassName", sentence)
    yield from _of_neighbours(pod)


def _of_neighbours(pod: JsonObject) -> Iterator[Demand]:
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    path = f"{POD}.affinity.podAntiAffinity.{required}"
    for position, term in enumerate(entries(pod, "affinity", "podAntiAffinity", required)):
        for name in ("namespaces", "namespaceSelector"):
            # an empty selector selects every namespace
            if term.get(name) not in (None, []):
                sentence = "keeps pods of other namespaces off the node: leave it out"
                place = f"{named(path, position)}.{name}"
                yield Demand(Privilege.NEIGHBOURS, place, sentence)


def _of_volumes(pod: JsonObject) -> Iterator[Demand]:
    for volume in entries(pod, "volumes"):
        place = named(f"{POD}.volumes", text(volume, "name"))
        for kind in sorted(volume.keys() - ORDINARY_VOLUMES - {"name"}):
            yield _of_volume(kind, f"{place}.{kind}")
        for position, source in enumerate(entries(volume, "projected", "sources")):
            for kind in TOKENS:
                if kind in source:
                    path = f"{named(f'{place}.projected.sources', position)}.{kind}"
                    sentence = "lets the pod act as its ServiceAccount: leave it out"
                    yield Demand(Privilege.SERVICE_ACCOUNT_TOKENS, path, sentence)


def _of_volume(kind: str, path: str) -> Demand:
    instead = "use a persistentVolumeClaim"
    match kind:
        case "hostPath":
            return Demand(Privilege.HOST_PATHS, path, f"mounts files of the node: {instead}")
        case "csi":
            return Demand(Privilege.CSI_VOLUMES, path, f"calls a driver of the node: {instead}")
        case _:
            sentence = f"mounts what no claim was granted for: {instead}"
            return Demand(Privilege.NETWORK_VOLUMES, path, sentence)


def _of_pod_security(pod: JsonObject) -> Iterator[Demand]:
    place = f"{POD}.securityContext"
    for position, sysctl in enumerate(entries(pod, "securityContext", "sysctls")):
        if text(sysctl, "name") not in SAFE_SYSCTLS:
            path = f"{named(f'{place}.sysctls', position)}.name"
            sentence = "is none of the sysctls that Kubernetes calls safe: leave it out"
            yield Demand(Privilege.SYSCTLS, path, sentence)
    yield from _of_confinement(section(pod, "securityContext"), place)


def _of_confinement(context: JsonObject, place: str) -> Iterator[Demand]:
    """What a security context says itself, of a pod or of a container."""
    if text(context, "appArmorProfile", "type") == "Unconfined":
        path, sentence = f"{place}.appArmorProfile.type", "switches AppArmor off: leave it out"
        yield Demand(Privilege.UNCONFINED, path, sentence)
    options = section(context, "seLinuxOptions")
    for name in ("user", "role", "type"):
        value = text(options, name)
        if value and not (name == "type" and value.startswith("container_")):
            sentence = "leaves SELinux's type for containers: leave it out"
            yield Demand(Privilege.UNCONFINED, f"{place}.seLinuxOptions.{name}", sentence)
    if field(context, "windowsOptions", "hostProcess"):
        path, sentence = f"{place}.windowsOptions.hostProcess", "runs on the node: leave it out"
        yield Demand(Privilege.PRIVILEGED, path, sentence)


@dataclass(frozen=True)
class _Container:
    container: JsonObject
    of_pod: JsonObject
    """The security context of the pod, which counts where the container's says nothing."""
    place: str

    @property
    def context(self) -> JsonObject:
        return section(self.container, "securityContext")

    @property
    def context_place(self) -> str:
        return f"{self.place}.securityContext"

    def demands(self) -> Iterator[Demand]:
        yield from _of_confinement(self.context, self.context_place)
        yield from self._of_seccomp()
        yield from self._of_root()
        yield from self._of_rights()
        for position, port in enumerate(entries(self.container, "ports")):
            if port.get("hostPort"):
                path = f"{named(f'{self.place}.ports', position)}.hostPort"
                yield Demand(Privilege.HOST_PORTS, path, "takes a port of the node: leave it out")
        yield from self._of_handlers()

    def _effective(self, name: str) -> tuple[Json, str]:
        """A value, and the path of the field that says it."""
        if self.context.get(name) is not None:
            return self.context[name], f"{self.context_place}.{name}"
        return self.of_pod.get(name), f"{POD}.securityContext.{name}"

    def _of_seccomp(self) -> Iterator[Demand]:
        profile, path = self._effective("seccompProfile")
        if text(profile, "type") not in ("RuntimeDefault", "Localhost"):
            sentence = "must be RuntimeDefault or Localhost"
            yield Demand(Privilege.UNCONFINED, f"{path}.type", sentence)

    def _of_root(self) -> Iterator[Demand]:
        user, path = self._effective("runAsUser")
        if user == 0:
            yield Demand(Privilege.ROOT, path, "is root: use another user's number")
        non_root, path = self._effective("runAsNonRoot")
        if non_root is not True:
            yield Demand(Privilege.ROOT, path, "must be true: use an image whose user is not root")

    def _of_rights(self) -> Iterator[Demand]:
        context, place = self.context, self.context_place
        if context.get("privileged"):
            sentence = "has every right on the node: leave it out"
            yield Demand(Privilege.PRIVILEGED, f"{place}.privileged", sentence)
        # of a container of one's own, silence is left to Pod Security
        ours = text(self.container, "name") == names.CONTAINER
        if context.get("allowPrivilegeEscalation", None if ours else False) is not False:
            path, sentence = f"{place}.allowPrivilegeEscalation", "must be false"
            yield Demand(Privilege.PRIVILEGED, path, sentence)
        if context.get("procMount") not in (None, "", "Default"):
            sentence = "shows what the runtime hides of /proc: leave it out"
            yield Demand(Privilege.PRIVILEGED, f"{place}.procMount", sentence)
        added = field(context, "capabilities", "add")
        if isinstance(added, list) and set(map(str, added)) - {"NET_BIND_SERVICE"}:
            sentence = "may hold NET_BIND_SERVICE only"
            yield Demand(Privilege.CAPABILITIES, f"{place}.capabilities.add", sentence)

    def _of_handlers(self) -> Iterator[Demand]:
        hooks = [("lifecycle", name) for name in ("preStop", "postStart")]
        for at in [*((name,) for name in HANDLERS), *hooks]:
            for kind in ("httpGet", "tcpSocket"):
                if text(self.container, *at, kind, "host"):
                    path = ".".join((self.place, *at, kind, "host"))
                    sentence = "sends the kubelet to another host: leave it out"
                    yield Demand(Privilege.HOST_PROBES, path, sentence)
