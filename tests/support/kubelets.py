"""Deployments get their pods, pods become ready or fail, by image tag; deleted pods take a while."""

import copy
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from tests.support.fakecluster import Address, FakeCluster, address_of

Json = dict[str, Any]
RUNNING: Json = {"running": {"startedAt": "2026-11-01T03:00:00Z"}}


class Health(StrEnum):
    """What becomes of the pods of a tag."""

    GOOD = "good"
    CRASHES = "crashes"
    NO_IMAGE = "no image"
    NEVER_READY = "never ready"


@dataclass
class Kubelets:
    """Everything between a Deployment's spec and its pods' status."""

    cluster: FakeCluster
    clock: Callable[[], datetime]
    health: dict[str, Health] = field(default_factory=dict)
    ready_after: float = 2
    gone_after: float = 3
    made: int = 0

    def run(self) -> None:
        """Do what is due now."""
        for deployment in self.cluster.find("Deployment"):
            self._scale(deployment)
        for pod in self.cluster.find("Pod"):
            if _owner_kind(pod) == "ReplicaSet":
                self._age(pod)

    def pods(self, revision: str) -> list[Json]:
        """Living pods of a revision."""
        found = [p for p in self.cluster.find("Pod") if _owner_kind(p) == "ReplicaSet"]
        return [pod for pod in found if _revision(pod) == revision if alive(pod)]

    def _scale(self, deployment: Json) -> None:
        name = deployment["metadata"]["name"]
        uid = deployment["metadata"]["uid"]
        mine = [
            pod
            for pod in self.cluster.find("Pod", namespace=deployment["metadata"]["namespace"])
            if alive(pod) and pod["metadata"]["ownerReferences"][0]["uid"] == uid
        ]
        wanted = deployment["spec"]["replicas"]
        for _ in range(wanted - len(mine)):
            self.cluster.put(self._born(deployment, name))
        for pod in mine[wanted:]:
            self.cluster.terminate(pod)

    def _born(self, deployment: Json, name: str) -> Json:
        self.made += 1
        template = deployment["spec"]["template"]
        hashed = f"{zlib.crc32(repr(template).encode()):x}"
        # the ReplicaSet is left out: its pods are collected with the Deployment itself
        owner = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": f"{name}-{hashed}",
            "uid": deployment["metadata"]["uid"],
            "controller": True,
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{name}-{hashed}-{self.made:05d}",
                "namespace": deployment["metadata"]["namespace"],
                "labels": dict(template["metadata"]["labels"]),
                "ownerReferences": [owner],
            },
            "spec": copy.deepcopy(template["spec"]),
            "status": {
                "phase": "Pending",
                "startTime": self.clock().isoformat(),
                "conditions": [self._condition(ready=False)],
            },
        }

    def _age(self, pod: Json) -> None:
        deleted = pod["metadata"].get("deletionTimestamp")
        if deleted:
            if self._since(deleted) >= self.gone_after:
                self.cluster.drop(address_of(pod))
            return
        if self._since(pod["status"]["startTime"]) >= self.ready_after:
            self._set_status(pod, self._status(pod))

    def _status(self, pod: Json) -> Json:
        tag = pod["spec"]["containers"][0]["image"].rsplit(":", 1)[-1]
        model: Json = {"name": "model", "restartCount": 0, "state": RUNNING}
        match self.health.get(tag, Health.GOOD):
            case Health.GOOD:
                ready = True
                model["imageID"] = f"registry.example/model@sha256:{zlib.crc32(tag.encode()):08x}"
            case Health.CRASHES:
                ready = False
                model |= {
                    "restartCount": 4,
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                    "lastState": {"terminated": {"reason": "Error", "exitCode": 3}},
                }
            case Health.NO_IMAGE:
                ready = False
                words = {"reason": "ImagePullBackOff", "message": f"{tag}: not found"}
                model["state"] = {"waiting": words}
            case Health.NEVER_READY:
                ready = False
        return {"ready": ready, "model": model}

    def _set_status(self, pod: Json, told: Json) -> None:
        status = pod["status"]
        was = status["conditions"][0]
        is_ready = "True" if told["ready"] else "False"
        condition = was if was["status"] == is_ready else self._condition(ready=told["ready"])
        status = {
            **pod["status"],
            "phase": "Running",
            "podIP": _ip(pod),
            "conditions": [condition],
            "containerStatuses": [told["model"]],
        }
        if status != pod["status"]:
            self.cluster.put({**pod, "status": status})

    def _condition(self, *, ready: bool) -> Json:
        since = self.clock().isoformat()
        return {"type": "Ready", "status": str(ready), "lastTransitionTime": since}

    def _since(self, moment: str) -> float:
        return (self.clock() - datetime.fromisoformat(moment)).total_seconds()


def alive(pod: Json) -> bool:
    return "deletionTimestamp" not in pod["metadata"]


def is_ready(pod: Json) -> bool:
    return alive(pod) and pod["status"]["conditions"][0]["status"] == "True"


def endpoints(cluster: FakeCluster, service: str, namespace: str = "models") -> list[Json]:
    """Ready pods that a Service sends new connections to."""
    stored = cluster.objects.get(Address("Service", namespace, service))
    if stored is None:
        return []
    chosen = stored["spec"]["selector"].items()
    pods = cluster.find("Pod", namespace=namespace)
    return [p for p in pods if is_ready(p) and chosen <= p["metadata"]["labels"].items()]


def made_by(pod: str) -> list[Json]:
    """Owner references of a pod, as the ReplicaSet in its name gives them."""
    name = pod.rpartition("-")[0]
    return [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "controller": True}]


def _ip(pod: Json) -> str:
    number = int(pod["metadata"]["name"][-5:])
    return f"10.0.{number // 256}.{number % 256}"


def _owner_kind(pod: Json) -> str:
    return str(pod["metadata"]["ownerReferences"][0]["kind"])


def _revision(pod: Json) -> str:
    return str(pod["metadata"]["labels"]["davylamp.dev/revision"])
