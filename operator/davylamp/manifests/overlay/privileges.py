"""What a pod may have beyond the ordinary, and only where whoever installs the operator allows it.

A pod's author is checked by RBAC and by Pod Security; the author of a ModelDeployment has neither
to pass, since the operator makes the pods with its own rights. So an overlay may ask for nothing
that reaches the node, its neighbours, or another identity, unless the chart's `tenants.allow` says so.
The line is that of Pod Security's `baseline`, without root, and with what it leaves to others.
https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from enum import StrEnum


class Privilege(StrEnum):
    """A value of `tenants.allow`."""

    ANNOTATIONS = "annotations"
    """By which other controllers give a pod a role or a network."""
    CAPABILITIES = "capabilities"
    CSI_VOLUMES = "csiVolumes"
    HOST_NAMESPACES = "hostNamespaces"
    HOST_PATHS = "hostPaths"
    HOST_PORTS = "hostPorts"
    HOST_PROBES = "hostProbes"
    """Probes and handlers that send the kubelet to another host than the pod."""
    NEIGHBOURS = "neighbours"
    """Keeping pods of other namespaces off one's nodes."""
    NETWORK_VOLUMES = "networkVolumes"
    """Volumes that name a server or a disk, instead of a claim."""
    NODES = "nodes"
    """Passing by the scheduler, or onto the control plane."""
    PRIORITIES = "priorities"
    """Those of the system, before which everything else gives way."""
    PRIVILEGED = "privileged"
    ROOT = "root"
    SCHEDULERS = "schedulers"
    SERVICE_ACCOUNTS = "serviceAccounts"
    """Others than the namespace's default one."""
    SERVICE_ACCOUNT_TOKENS = "serviceAccountTokens"
    SYSCTLS = "sysctls"
    """Those that Kubernetes calls unsafe."""
    UNCONFINED = "unconfined"
    """Without seccomp, AppArmor or SELinux."""
