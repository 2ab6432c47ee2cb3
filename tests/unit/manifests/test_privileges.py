"""What a pod has beyond the ordinary is refused with its path, unless the chart allows it."""

import pytest
from tests.support.manifests import changed, minimal

from davylamp.api.spec import ModelDeploymentSpec
from davylamp.manifests import Privilege, template_fault

SIDECAR = {"name": "proxy", "image": "r.example/proxy:1"}
OTHER_NAMESPACES = "requiredDuringSchedulingIgnoredDuringExecution"


def spec_with(template, **fields):
    changes = {"spec.serving": {"template": template}, **fields}
    return ModelDeploymentSpec.model_validate(changed(minimal(), changes)["spec"])


def of_pod(**fields):
    return {"spec": fields}


def of_model(**fields):
    return of_pod(containers=[{"name": "model", **fields}])


def secure(**fields):
    return of_model(securityContext=fields)


def volume(**source):
    return of_pod(volumes=[{"name": "v", **source}])


def apart(**term):
    terms = [{"topologyKey": "kubernetes.io/hostname", **term}]
    return of_pod(affinity={"podAntiAffinity": {OTHER_NAMESPACES: terms}})


DEMANDS = [
    ("hostNamespaces", of_pod(hostNetwork=True), "spec.hostNetwork"),
    ("hostNamespaces", of_pod(hostPID=True), "spec.hostPID"),
    ("hostNamespaces", of_pod(hostIPC=True), "spec.hostIPC"),
    ("hostPaths", volume(hostPath={"path": "/"}), "spec.volumes[v].hostPath"),
    ("csiVolumes", volume(csi={"driver": "d"}), "spec.volumes[v].csi"),
    ("networkVolumes", volume(nfs={"server": "s", "path": "/"}), "spec.volumes[v].nfs"),
    ("networkVolumes", volume(iscsi={"iqn": "i"}), "spec.volumes[v].iscsi"),
    ("networkVolumes", volume(rbd={"image": "i"}), "spec.volumes[v].rbd"),
    (
        "serviceAccountTokens",
        volume(projected={"sources": [{"serviceAccountToken": {"path": "t"}}]}),
        "spec.volumes[v].projected.sources[0].serviceAccountToken",
    ),
    (
        "serviceAccountTokens",
        volume(projected={"sources": [{"podCertificate": {"signerName": "s"}}]}),
        "spec.volumes[v].projected.sources[0].podCertificate",
    ),
    (
        "serviceAccountTokens",
        of_pod(automountServiceAccountToken=True),
        "spec.automountServiceAccountToken",
    ),
    (
        "serviceAccountTokens",
        of_pod(automountServiceAccountToken=None),
        "spec.automountServiceAccountToken",
    ),
    ("serviceAccounts", of_pod(serviceAccountName="admin"), "spec.serviceAccountName"),
    ("serviceAccounts", of_pod(serviceAccount="admin"), "spec.serviceAccount"),
    ("nodes", of_pod(nodeName="control-plane"), "spec.nodeName"),
    ("nodes", of_pod(tolerations=[{"operator": "Exists"}]), "spec.tolerations[0].key"),
    (
        "nodes",
        of_pod(tolerations=[{"key": "gpu"}, {"key": "node-role.kubernetes.io/control-plane"}]),
        "spec.tolerations[1].key",
    ),
    ("schedulers", of_pod(schedulerName="mine"), "spec.schedulerName"),
    ("priorities", of_pod(priorityClassName="system-node-critical"), "spec.priorityClassName"),
    (
        "neighbours",
        apart(namespaceSelector={}),
        f"spec.affinity.podAntiAffinity.{OTHER_NAMESPACES}[0].namespaceSelector",
    ),
    (
        "neighbours",
        apart(namespaces=["other"]),
        f"spec.affinity.podAntiAffinity.{OTHER_NAMESPACES}[0].namespaces",
    ),
    ("privileged", secure(privileged=True), "securityContext.privileged"),
    ("privileged", secure(procMount="Unmasked"), "securityContext.procMount"),
    (
        "privileged",
        secure(allowPrivilegeEscalation=True),
        "securityContext.allowPrivilegeEscalation",
    ),
    (
        "privileged",
        of_model(securityContext={"$overlay": "delete"}),
        "securityContext.allowPrivilegeEscalation",
    ),
    (
        "privileged",
        of_pod(containers=[{**SIDECAR, "securityContext": {"privileged": True}}]),
        "spec.containers[proxy].securityContext.privileged",
    ),
    (
        "privileged",
        of_pod(initContainers=[{**SIDECAR, "securityContext": {"privileged": True}}]),
        "spec.initContainers[proxy].securityContext.privileged",
    ),
    (
        "privileged",
        of_pod(securityContext={"windowsOptions": {"hostProcess": True}}),
        "spec.securityContext.windowsOptions.hostProcess",
    ),
    (
        "capabilities",
        secure(capabilities={"add": ["NET_BIND_SERVICE", "SYS_ADMIN"]}),
        "securityContext.capabilities.add",
    ),
    ("unconfined", secure(seccompProfile={"type": "Unconfined"}), "seccompProfile.type"),
    (
        "unconfined",
        of_pod(securityContext={"seccompProfile": {"$overlay": "delete"}}),
        "spec.securityContext.seccompProfile.type",
    ),
    ("unconfined", secure(appArmorProfile={"type": "Unconfined"}), "appArmorProfile.type"),
    ("unconfined", secure(seLinuxOptions={"type": "spc_t"}), "seLinuxOptions.type"),
    ("unconfined", secure(seLinuxOptions={"user": "root"}), "seLinuxOptions.user"),
    (
        "unconfined",
        {
            "metadata": {
                "annotations": {
                    "container.apparmor.security.beta.kubernetes.io/model": "unconfined"
                }
            }
        },
        "metadata.annotations[container.apparmor.security.beta.kubernetes.io/model]",
    ),
    (
        "sysctls",
        of_pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
        "spec.securityContext.sysctls[0].name",
    ),
    ("root", of_pod(securityContext={"runAsUser": 0}), "spec.securityContext.runAsUser"),
    ("root", secure(runAsUser=0), "spec.containers[model].securityContext.runAsUser"),
    ("root", of_pod(securityContext={"runAsNonRoot": False}), "securityContext.runAsNonRoot"),
    ("root", of_pod(securityContext={"runAsNonRoot": None}), "securityContext.runAsNonRoot"),
    ("root", secure(runAsNonRoot=False), "spec.containers[model].securityContext.runAsNonRoot"),
    (
        "hostPorts",
        of_model(ports=[{"name": "http", "containerPort": 8080, "hostPort": 80}]),
        "spec.containers[model].ports[0].hostPort",
    ),
    (
        "hostProbes",
        of_model(livenessProbe={"httpGet": {"host": "169.254.169.254", "path": "/"}}),
        "spec.containers[model].livenessProbe.httpGet.host",
    ),
    (
        "hostProbes",
        of_model(lifecycle={"preStop": {"httpGet": {"host": "h", "port": 1}}}),
        "spec.containers[model].lifecycle.preStop.httpGet.host",
    ),
    (
        "annotations",
        {"metadata": {"annotations": {"iam.amazonaws.com/role": "admin"}}},
        "metadata.annotations[iam.amazonaws.com/role]",
    ),
]


@pytest.mark.parametrize(("privilege", "template", "path"), DEMANDS)
def test_a_privilege_is_refused_with_its_path_unless_it_is_allowed(privilege, template, path):
    said = template_fault(spec_with(template)) or ""
    at, _, sentence = said.partition(": ")
    assert at.startswith("spec.serving.template.")
    assert at.endswith(path)
    assert sentence.endswith(f", or have {privilege} allowed by the chart's tenants.allow")
    others = frozenset(Privilege) - {Privilege(privilege)}
    refused_still = template_fault(spec_with(template), others)
    assert (refused_still or "").startswith("spec.serving.template.")


@pytest.mark.parametrize(("privilege", "template", "path"), DEMANDS)
def test_an_allowed_privilege_is_rendered(privilege, template, path):
    # a context that is taken away as a whole takes more than one default with it
    assert template_fault(spec_with(template), frozenset(Privilege)) is None


def test_every_privilege_has_its_row():
    assert {privilege for privilege, _, _ in DEMANDS} == {*map(str, Privilege)}


ORDINARY = {
    "a GPU": of_pod(
        tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists"}],
        runtimeClassName="nvidia",
        nodeSelector={"gpu": "yes"},
    ),
    "volumes": of_pod(
        volumes=[
            {"name": "a", "persistentVolumeClaim": {"claimName": "a"}},
            {"name": "b", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
            {"name": "c", "projected": {"sources": [{"configMap": {"name": "c"}}]}},
            {"name": "d", "image": {"reference": "r.example/d:1"}},
        ]
    ),
    "the same identity": of_pod(serviceAccountName="default", serviceAccount=""),
    "a user of its own": of_pod(securityContext={"runAsUser": 1000, "fsGroup": 0}),
    "a safe sysctl": of_pod(
        securityContext={"sysctls": [{"name": "net.ipv4.tcp_keepalive_time", "value": "1"}]}
    ),
    "a port below 1024": secure(capabilities={"add": ["NET_BIND_SERVICE"]}),
    "apart from its own": apart(labelSelector={"matchLabels": {"a": "b"}}),
    "a sidecar": of_pod(containers=[SIDECAR], shareProcessNamespace=True),
    "a label": {"metadata": {"labels": {"team": "risk"}, "annotations": {"a.example/b": "c"}}},
    "its priority": of_pod(priorityClassName="batch"),
}


@pytest.mark.parametrize("template", ORDINARY.values(), ids=ORDINARY.keys())
def test_what_is_ordinary_needs_no_leave(template):
    assert template_fault(spec_with(template)) is None


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        ({"labels": {"davylamp.dev/explains": "risk"}}, "labels[davylamp.dev/explains]"),
        ({"labels": {"pod-template-hash": "x"}}, "labels[pod-template-hash]"),
        ({"annotations": {"davylamp.dev/rollout": "x"}}, "annotations[davylamp.dev/rollout]"),
    ],
)
def test_what_controllers_know_their_own_by_is_reserved_whatever_is_allowed(metadata, path):
    said = template_fault(spec_with({"metadata": metadata}), frozenset(Privilege)) or ""
    assert said.startswith(f"spec.serving.template.metadata.{path}: is reserved")


def test_an_annotation_of_all_children_is_an_annotation_of_the_pods_too():
    wanted = {"spec.metadata": {"annotations": {"iam.amazonaws.com/role": "admin"}}}
    said = template_fault(spec_with({}, **wanted)) or ""
    assert said.startswith(
        "spec.metadata.annotations[iam.amazonaws.com/role]: gives the pod a role"
    )
    assert template_fault(spec_with({}, **wanted), frozenset({Privilege.ANNOTATIONS})) is None
