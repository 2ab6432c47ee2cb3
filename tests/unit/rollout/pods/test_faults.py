"""Hard rules: what needs no statistics."""

from datetime import timedelta

import pytest
from tests.support.world import START

from davylamp.rollout import ContainerState, PodFailure, PodState, Workload
from davylamp.rollout.pods.faults import hard_fault, readiness_lost

READY = PodState(
    name="fine", ready=True, containers=(ContainerState(ready=True, running=True, started=True),)
)


def of(*pods):
    return Workload("r", len(pods), pods)


def model(**changes):
    return ContainerState(**changes)


def proxy(**changes):
    return ContainerState("proxy", "sidecar", **changes)


def fetch(**changes):
    return ContainerState("fetch", "init", **changes)


@pytest.mark.parametrize(
    ("container", "reason", "words"),
    [
        (model(waiting_reason="ImagePullBackOff", waiting_message="401"),
         "ImageUnavailable", "pod p: ImagePullBackOff: 401"),
        (model(waiting_reason="InvalidImageName"), "ImageUnavailable", "pod p: InvalidImageName"),
        (model(waiting_reason="ErrImageNeverPull"), "ImageUnavailable", "pod p"),
        (fetch(waiting_reason="ImagePullBackOff", waiting_message="no such host"),
         "ImageUnavailable", "init container fetch of pod p: ImagePullBackOff: no such host"),
        (model(last_exit_reason="OOMKilled"),
         "OutOfMemory", "pod p was killed for memory; raise spec.serving.resources.limits.memory"),
        (proxy(last_exit_reason="OOMKilled"),
         "OutOfMemory", ("sidecar proxy of pod p was killed for memory; raise "
         "resources.limits.memory of proxy in spec.serving.template")),
        (model(waiting_reason="CrashLoopBackOff", restarts=1, last_exit_code=137),
         "CrashLoop", "pod p is in a crash loop, 1 restart, last exit code 137"),
        (model(restarts=3, last_exit_code=1), "CrashLoop", "3 restarts"),
        (model(restarts=3, last_exit_code=1, last_exit_message="PermissionError: /home/bento"),
         "CrashLoop", 'last exit code 1, last line: "PermissionError: /home/bento"'),
        (model(restarts=3, last_exit_code=128, last_exit_reason="StartError"),
         "CrashLoop", "last exit code 128 (StartError)"),
        (proxy(ready=True, running=True, restarts=3, last_exit_code=3),
         "CrashLoop", "sidecar proxy of pod p is in a crash loop, 3 restarts, last exit code 3"),
        (fetch(waiting_reason="CrashLoopBackOff", restarts=2, last_exit_code=7),
         "CrashLoop", "init container fetch of pod p is in a crash loop, 2 restarts"),
    ],
)  # fmt: skip
def test_hard_faults(container, reason, words):
    others = (model(),) if container.role != "model" else (proxy(),)
    fault = hard_fault(of(READY, PodState("p", containers=(*others, container))))
    assert fault.reason == reason
    assert words in fault.message


@pytest.mark.parametrize(
    "pod",
    [
        READY,
        PodState("p", containers=(model(waiting_reason="ContainerCreating"),)),
        # the first failed pull may be a hiccup
        PodState("p", containers=(model(waiting_reason="ErrImagePull"),)),
        PodState("p", containers=(model(restarts=2, last_exit_code=1),)),
        # it was refused by its dependency three times, and has done its work since
        PodState("p", containers=(fetch(ready=True, restarts=3, last_exit_code=0), model())),
        PodState("p", terminating=True, containers=(model(waiting_reason="CrashLoopBackOff"),)),
        PodState("p", failure=PodFailure("Evicted"), containers=(model(restarts=9),)),
    ],
)
def test_what_is_no_hard_fault(pod):
    assert hard_fault(of(pod)) is None


@pytest.mark.parametrize(
    ("seconds", "pod", "lost"),
    [
        (30, PodState("p", was_ready=True, ready_changed_at=START), True),
        (20, PodState("p", was_ready=True, ready_changed_at=START), False),
        (30, PodState("p", was_ready=False, ready_changed_at=START), False),
        (30, PodState("p", ready=True, was_ready=True, ready_changed_at=START), False),
        (30, PodState("p", was_ready=True, terminating=True, ready_changed_at=START), False),
        (30, PodState("p", was_ready=True), False),
    ],
)
def test_readiness_is_lost_after_a_grace(seconds, pod, lost):
    fault = readiness_lost(of(READY, pod), START + timedelta(seconds=seconds))
    assert (fault is not None) is lost
    if fault:
        assert f"{seconds} s" in fault.message
