"""How pods and the Deployments behind them are called; shared by all that read pods' counters."""

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

PodRef: TypeAlias = tuple[str, str]
"""Namespace and name of a pod."""
DeploymentRef: TypeAlias = tuple[str, str]
"""Namespace and name of a Deployment."""

_META: Final = re.compile(r"([\\.+*?()|\[\]{}^$])")
_POD_SUFFIX: Final = "-[a-z0-9]+-[a-z0-9]{5}"


def deployment_of(pod: str) -> str:
    """The Deployment that a pod's name points to; any name has one, so compare it with known ones.

    A Deployment calls its ReplicaSets `<deployment>-<hash>`, and these call their pods
    `<replicaset>-<suffix>`. Series carry the pod's name and nothing of its owners, so the name is all
    there is. It is whole up to 46 characters of the Deployment's name: Kubernetes cuts longer ones.
    """
    return pod.rsplit("-", 2)[0]


def pattern_of_pods(*deployments: str) -> str:
    """Regular expression (RE2) that matches the names of the pods of Deployments."""
    return f"(?:{pattern_of(deployments)}){_POD_SUFFIX}"


def pattern_of(names: Iterable[str]) -> str:
    """Regular expression (RE2) that matches these names and no others."""
    return "|".join(_META.sub(r"\\\1", name) for name in sorted(names))
