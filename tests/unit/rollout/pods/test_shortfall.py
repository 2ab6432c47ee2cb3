"""What is missing: the scheduler's and the API server's words, and of kubelets what is on a list."""

from datetime import timedelta

import pytest
from tests.support.world import START

from davylamp.rollout import ContainerState, PodFailure, PodState, Workload
from davylamp.rollout.pods.shortfall import shortfall, why_and_where

RUNNING = ContainerState(ready=True, running=True, started=True)
FINE = PodState("fine", node="n", ready=True, containers=(RUNNING,))
CREATING = ContainerState(waiting_reason="ContainerCreating")
QUOTA = 'pods "x" is forbidden: exceeded quota: team, requested: pods=1, used: pods=1'


def pod(*containers, **changes):
    return PodState("p", node="n", containers=containers, **changes)


def evicted(name="old", minutes=0, message="Usage of EmptyDir volume exceeds the limit"):
    at = START + timedelta(minutes=minutes)
    return PodState(name, created_at=at, failure=PodFailure("Evicted", message))


@pytest.mark.parametrize(
    ("pods", "sentence"),
    [
        ((), "no pod exists yet"),
        ((FINE,), "no other pod exists yet"),
        ((PodState("p"),), "pod p is waiting for a node"),
        ((PodState("p", node="n"),), "pod p is on node n, whose kubelet has not started it yet"),
        ((pod(CREATING, created_at=START), evicted(minutes=-61)),
         "pod p is starting on node n: ContainerCreating"),
        ((pod(ContainerState(waiting_reason="CreateContainerConfigError",
                             waiting_message='secret "nowhere" not found'),
              objects=frozenset({"nowhere"})),),
         'pod p is waiting: CreateContainerConfigError: secret "nowhere" not found'),
        ((pod(ContainerState(waiting_reason="ErrImagePull", waiting_message="no such host")),),
         "pod p is waiting: ErrImagePull: no such host"),
        # the same a few seconds later
        ((pod(ContainerState(
            waiting_reason="ImagePullBackOff",
            waiting_message='Back-off pulling image "r/x": ErrImagePull: no such host')),),
         "pod p is waiting: ErrImagePull: no such host"),
        ((pod(CREATING, event='FailedMount: configmap "weights" not found'),),
         'pod p cannot start: FailedMount: configmap "weights" not found'),
        ((pod(CREATING),), "pod p is starting on node n: ContainerCreating"),
        ((pod(RUNNING, node_lost=True),), "pod p is on node n, which has stopped reporting"),
        ((pod(ContainerState(waiting_reason="CrashLoopBackOff", waiting_message="back-off 40s",
                             restarts=2, last_exit_code=1)),),
         "pod p is waiting: CrashLoopBackOff, last exit code 1"),
        ((pod(ContainerState(running=True, started=True), event="Unhealthy: statuscode: 503"),),
         "pod p is running but does not pass its readiness probe: Unhealthy: statuscode: 503"),
        ((pod(ContainerState(running=True, started=True),
              event="Unhealthy: Startup probe failed: connection refused"),),
         "pod p is running but does not pass its readiness probe"),
        ((PodState("p", unscheduled="0/1 nodes are available: 1 Insufficient nvidia.com/gpu."),),
         "pod p cannot be scheduled: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu."),
        ((pod(ContainerState("fetch", "init", running=True), CREATING),),
         "init container fetch of pod p is still running"),
        ((pod(ContainerState("fetch", "init", running=True, restarts=2, last_exit_code=7),
              CREATING),),
         "init container fetch of pod p is running again after 2 restarts, last exit code 7"),
        ((pod(ContainerState("fetch", "init", last_exit_code=7, last_exit_reason="Error"),
              ContainerState(waiting_reason="PodInitializing")),),
         "init container fetch of pod p ended, last exit code 7"),
        ((pod(RUNNING, ContainerState("proxy", "sidecar", last_exit_code=3)),),
         "sidecar proxy of pod p ended, last exit code 3"),
        ((pod(RUNNING, missing_gates=("lb.example/target-health",)),),
         ("the containers of pod p are ready, but whoever is in charge of its readiness gate "
         "lb.example/target-health has not set that condition to True")),
        ((pod(ContainerState(running=True, started=True), missing_gates=("lb.example/x",)),),
         "pod p is running but does not pass its readiness probe"),
        ((pod(ContainerState(running=True)),),
         "pod p is running but does not pass its startup probe"),
        ((pod(ContainerState("mesh", "sidecar", running=True),
              ContainerState(waiting_reason="PodInitializing")),),
         "sidecar mesh of pod p is running but does not pass its startup probe"),
        ((pod(ContainerState(running=True, restarts=1, last_exit_code=137,
                             last_exit_reason="OOMKilled")),),
         ("pod p is running but does not pass its startup probe after 1 restart, "
         "last exit code 137 (SIGKILL, OOMKilled)")),
        ((evicted(),), ("no pod exists yet; pod old failed: Evicted: Usage of EmptyDir volume "
         "exceeds the limit")),
        ((evicted(), evicted("new", 1, ""), pod(CREATING)),
         ("pod p is starting on node n: ContainerCreating; pod new failed: Evicted "
         "(2 pods failed in an hour)")),
        # what says clearly what is wrong comes first, whichever pod says it
        ((pod(CREATING), PodState("q", unscheduled="1 Insufficient cpu"), evicted()),
         "pod q cannot be scheduled: 1 Insufficient cpu"),
    ],
)  # fmt: skip
def test_why_pods_are_not_ready(pods, sentence):
    living = sum(1 for p in pods if p.failure is None)
    assert shortfall(Workload("r", living, pods)).message == sentence


@pytest.mark.parametrize(
    ("desired", "pods", "sentence"),
    [
        (2, (FINE,), f"another pod cannot be created: {QUOTA}"),
        (1, (), f"a pod cannot be created: {QUOTA}"),
        (1, (evicted(),), f"a pod cannot be created: {QUOTA}"),
        # of an earlier attempt to create one: now there are enough
        (1, (PodState("p"),), "pod p is waiting for a node"),
    ],
)
def test_who_refuses_pods_is_told_while_some_are_missing(desired, pods, sentence):
    assert shortfall(Workload("r", desired, pods, refusal=QUOTA)).message == sentence


@pytest.mark.parametrize(
    ("workload", "command"),
    [
        (Workload("r", 1), "describe replicaset -l davylamp.dev/revision=r"),
        (Workload("r", 1, refusal=QUOTA), "describe resourcequota"),
        (Workload("r", 1, refusal="denied"), "describe replicaset -l davylamp.dev/revision=r"),
        (Workload("r", 1, (pod(CREATING),)), "describe pod p"),
        (
            Workload("r", 1, (pod(ContainerState("get", "init", running=True, restarts=1)),)),
            "logs p -c get --previous",
        ),
        (
            Workload("r", 1, (pod(RUNNING, ContainerState("proxy", "sidecar", last_exit_code=3)),)),
            "logs p -c proxy",
        ),
    ],
)
def test_where_to_look_is_a_command(workload, command):
    assert why_and_where(workload, "models").endswith(f"; see `kubectl {command} -n models`")
