"""Pods and Deployments as the API server has them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from davylamp.controller.cluster.pods import pod_state, read_pod, workloads_of
from davylamp.rollout import Workload
from davylamp.rollout.pods.faults import start_fault
from davylamp.rollout.pods.shortfall import shortfall

REAL = json.loads((Path(__file__).parent / "real_pods.json").read_text(encoding="utf-8"))
"""What Kubernetes 1.35 says of pods, trimmed to what is read."""
REVISION = {"davylamp.dev/revision": "aaaaaaaaaa"}


def pod(name: str = "p", phase: str = "Running", **status: object) -> dict:
    metadata = {"name": name, "labels": REVISION}
    return {"metadata": metadata, "status": {"phase": phase, **status}}


def ready(value: str, since: str) -> list[dict]:
    return [{"type": "Ready", "status": value, "lastTransitionTime": since}]


def test_a_pod_with_nothing_in_it_is_a_pod():
    seen = pod_state({"metadata": {"name": "p"}})
    assert (seen.name, seen.ready, seen.was_ready, seen.containers) == ("p", False, False, ())
    assert (seen.living, seen.image_id) == (True, None)


@pytest.mark.parametrize(
    ("value", "since", "was_ready"),
    [
        ("True", "2026-11-01T03:05:00Z", False),
        ("False", "2026-11-01T03:05:00Z", True),
        ("False", "2026-11-01T03:00:01Z", False),
    ],
)
def test_unready_since_long_after_its_start_means_that_it_was_ready(value, since, was_ready):
    told = pod(startTime="2026-11-01T03:00:00Z", conditions=ready(value, since))
    assert pod_state(told).was_ready is was_ready


def test_a_deployment_without_pods_and_pods_without_a_deployment_are_workloads():
    deployment = {
        "metadata": {"name": "d", "labels": {"davylamp.dev/revision": "bbbbbbbbbb"}},
        "spec": {"replicas": 3},
    }
    found = workloads_of([deployment], map(read_pod, [pod(), {"metadata": {"name": "stray"}}]))
    assert {revision: (w.desired, len(w.pods)) for revision, w in found.items()} == {
        "aaaaaaaaaa": (0, 1),
        "bbbbbbbbbb": (3, 0),
    }


def test_timestamps_are_moments():
    told = pod(conditions=ready("True", "2026-11-01T03:05:00Z"))
    assert pod_state(told).ready_changed_at == datetime(2026, 11, 1, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "words", "fault"),
    [
        ("affinity", "cannot be scheduled: 0/1 nodes are available: 1 node(s) didn't match", None),
        ("configerror", 'CreateContainerConfigError: secret "nowhere" not found', None),
        ("evicted", 'failed: Evicted: Usage of EmptyDir volume "tmp" exceeds the limit', None),
        ("gate", "readiness gate lb.example/target-health has not set that condition", None),
        ("gated", "cannot be scheduled: SchedulingGated: queue.example/admission: ", None),
        ("gpu", "cannot be scheduled: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu", None),
        ("init", "ended, last exit code 7", "CrashLoop"),
        ("initpull", "is waiting: ErrImagePull: no such host", None),
        ("liveness", "is waiting: CrashLoopBackOff, last exit code 137", "CrashLoop"),
        ("loud", "last exit code 1", "CrashLoop"),
        ("mount", "is starting on node node-a: ContainerCreating", None),
        ("native", "sidecar mesh of pod native-7fc4cb8b58-ldr2v ended, last exit", "CrashLoop"),
        ("nativewait", ("sidecar mesh of pod nativewait-74955d5c97-67dst is running but does not "
         "pass its startup probe"), None),
        ("nodeaffinity", "failed: NodeAffinity: Pod was rejected: Predicate NodeAffinity", None),
        ("oom", "sidecar proxy of pod oom-79577598b4-8bsgl ended, last exit code 137 (SIGKILL, OOMKilled)",
         "OutOfMemory"),
        ("outofcpu", "failed: OutOfcpu: Pod was rejected: Node didn't have enough resource", None),
        ("poststart", "is waiting: CrashLoopBackOff, last exit code 137", "CrashLoop"),
        ("probe", "is running but does not pass its readiness probe", None),
        ("pvc", 'cannot be scheduled: 0/1 nodes are available: persistentvolumeclaim "nowhere"',
         None),
        ("root", "CreateContainerConfigError: container's runAsUser breaks non-root policy", None),
        ("sidecar", "ended, last exit code 3", "CrashLoop"),
        ("starterror", "no such file or directory", "CrashLoop"),
    ],
)  # fmt: skip
def test_what_real_pods_lack_is_told(name, words, fault):
    state = pod_state(REAL["pods"][name])
    workload = Workload("r", 1, (state,))
    assert not state.ready
    assert words in shortfall(workload).message
    assert (found.reason if (found := start_fault(workload.living)) else None) == fault


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("quota", "is forbidden: exceeded quota: team, requested: pods=1, used: pods=0"),
        ("limits", "maximum memory usage per Container is 512Mi, but limit is 900Mi"),
        ("psa", 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false'),
        ("sa", 'serviceaccount "nobody-there" not found'),
    ],
)
def test_why_the_api_server_refuses_pods_is_told(name, words):
    deployment = REAL["deployments"][name] | {"metadata": {"labels": REVISION}}
    told = shortfall(workloads_of([deployment], [])["aaaaaaaaaa"]).message
    assert told.startswith("a pod cannot be created: pods ")
    assert words in told


def test_a_replica_set_that_is_refused_is_told_as_well():
    message = 'Failed to create new replica set "risk-1": admission webhook "x" denied the request'
    refused = {"type": "Progressing", "status": "False", "reason": "ReplicaSetCreateError"}
    deployment = {
        "metadata": {"labels": REVISION},
        "spec": {"replicas": 1},
        "status": {"conditions": [refused | {"message": message}]},
    }
    told = shortfall(workloads_of([deployment], [])["aaaaaaaaaa"]).message
    assert told == f"a pod cannot be created: {message}"


def test_pods_that_are_over_count_for_nothing_but_are_known():
    pods = [pod("a", "Succeeded"), pod("b", "Failed", reason="Evicted"), pod("c", "Pending")]
    (found,) = workloads_of([], map(read_pod, pods)).values()
    assert [p.name for p in found.living] == ["c"]
    assert {p.name: p.failure.reason for p in found.failed} == {"a": "Succeeded", "b": "Evicted"}
    assert [p.name for p in found.running] == ["c"]


def test_a_failed_pod_that_was_ready_is_no_capacity():
    told = pod(phase="Failed", conditions=ready("True", "2026-11-01T03:05:00Z"))
    (found,) = workloads_of([], [read_pod(told)]).values()
    assert (found.ready, found.lasting) == (0, 0)


def test_why_the_cluster_ends_a_pod_is_known():
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
    assert pod_state(pod(conditions=[condition])).disruption == "EvictionByEvictionAPI"
    assert pod_state(pod(conditions=[condition | {"status": "False"}])).disruption is None
