"""ModelDeployments for tests that want no pods, and a way to say what differs."""

import copy
from collections.abc import Mapping
from typing import Any

from davylamp.api import names

Manifest = dict[str, Any]
REMOVED = object()
"""Said of a path, takes the field away."""


def minimal(name: str = "risk", namespace: str = "default") -> Manifest:
    """Only what has to be said."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "image": {"repository": "registry.example/diabetes-risk", "tag": "3f2c1ab"},
            "featureSnapshot": {"id": "2026-11-01"},
            "seed": 42,
        },
    }


OTHER_GATES = (
    {
        "name": "slow",
        "onFail": "Warn",
        "latency": {
            "over": "250ms",
            "max": "2%",
            "ratio": "1.5",
            "tolerance": 1,
            "burst": "2",
            "warmUp": "1m",
        },
    },
    {"name": "scores", "predictions": {"distance": "0.2", "measure": "Wasserstein", "burst": "4"}},
    {"name": "why", "explanations": {"distance": "0.3", "against": ["Stable"], "burst": "4"}},
    {"name": "groups", "bias": {"outcome": "Error", "max": "0.2", "increase": "0.1", "burst": "4"}},
    {
        "name": "own",
        "onFail": "Pause",
        "query": {
            "promql": 'up{pod=~"{{ pods }}"}',
            "min": "0.5",
            "max": "1",
            "ratio": "2",
            "failures": 2,
            "consecutiveFailures": 1,
            "interval": "30s",
            "warmUp": "1m",
        },
    },
)
"""One gate of each kind but errors, with everything that can be said of it."""


def full(name: str = "risk", namespace: str = "default") -> Manifest:
    """Every field of the spec, each with a value of its own."""
    sequential = {"method": "Sequential", "max": "0.5%", "ratio": "1.25"}
    threshold = {"method": "Threshold", "max": "2%", "window": "1m30s", "failures": 3}
    return {
        **minimal(name, namespace),
        "spec": {
            "image": {
                "repository": "registry.example:5000/team/diabetes-risk",
                "tag": "v1.2_3f2c1ab",
                "digest": f"sha256:{'ab' * 32}",
                "pullPolicy": "Always",
                "pullSecrets": ["registry"],
            },
            "featureSnapshot": {
                "id": "2026-11-01",
                "uri": "s3://features/diabetes/2026-11-01.parquet",
                "sha256": "9c" * 32,
            },
            "seed": 2**53 - 1,
            "config": {"OMP_NUM_THREADS": "1", "LOG_LEVEL": "debug"},
            "secrets": [
                {"name": "feature-store", "policy": "Follow"},
                {"name": "licence.key", "policy": "Pin"},
            ],
            "metadata": {
                "labels": {"cost-center": "risk"},
                "annotations": {"example.com/owner": "risk team"},
            },
            "replicas": 4,
            "serving": {
                "port": 9000,
                "resources": {
                    "requests": {"cpu": "100m", "memory": "64Mi"},
                    "limits": {"cpu": "1", "memory": "256Mi"},
                },
                "template": {
                    "metadata": {"annotations": {"team": "risk"}},
                    "spec": {"nodeSelector": {"kubernetes.io/os": "linux"}},
                },
            },
            "rollout": {
                "checks": ["Golden", "Manifest"],
                "steps": [{"weight": 5, "hold": "1m"}, {"weight": 50, "pause": True}],
                "gates": [
                    {"name": "errors", "errorRate": sequential},
                    {"name": "classic", "errorRate": threshold},
                    *OTHER_GATES,
                ],
                "evidence": {"source": "Pods", "interval": "2s"},
                "names": ["age", "bmi"],
                "noData": "Pause",
                "noDataDeadline": "3m",
                "minRequests": 0,
                "falseRollback": "0.1%",
                "falsePromotion": "5%",
                "minReadySeconds": 20,
                "minDeploymentReplicas": 1,
                "progressDeadline": "5m",
                "deadline": "1h30m",
                "onDeadline": "Rollback",
                "probation": "0s",
                "traffic": {"router": "Service"},
                "history": 3,
            },
            "explanations": {
                "schedule": "*/5 3-4,22 1,15 JAN-jun 0",
                "distance": "0.25",
                "onDrift": "RejectCandidate",
                "repository": "registry.example:5000/team/jobs",
                "recent": "s3://features/recent.parquet",
                "report": "gs://reports/risk",
                "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
            },
            "paused": True,
        },
    }


def changed(manifest: Manifest, changes: Mapping[str, Any]) -> Manifest:
    """A copy with other values at dotted paths; a number in a path counts list elements."""
    result = copy.deepcopy(manifest)
    for path, value in changes.items():
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        node: Any = result
        for part in parents:
            node = node[part] if isinstance(node, list) else node.setdefault(part, {})
        if value is REMOVED:
            del node[last]
        else:
            node[last] = value
    return result
