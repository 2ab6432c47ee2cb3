"""Hard rules: what needs no statistics."""

from datetime import timedelta

import pytest
from tests.support.world import START

from davylamp.rollout import PodState, Workload
from davylamp.rollout.faults import hard_fault, readiness_lost, why_not_ready

READY = PodState(name="fine", ready=True)


def of(*pods):
    return Workload("r", len(pods), pods)


@pytest.mark.parametrize(
    ("pod", "reason", "words"),
    [
        (PodState("p", waiting_reason="ImagePullBackOff", waiting_message="401"),
         "ImageUnavailable", "401"),
        (PodState("p", waiting_reason="InvalidImageName"), "ImageUnavailable", "InvalidImageName"),
        (PodState("p", waiting_reason="ErrImageNeverPull"), "ImageUnavailable", "pod p"),
        (PodState("p", last_exit_reason="OOMKilled"), "OutOfMemory", "limits.memory"),
        (PodState("p", waiting_reason="CrashLoopBackOff", restarts=1, last_exit_code=137),
         "CrashLoop", "exit code 137"),
        (PodState("p", restarts=3, last_exit_code=1), "CrashLoop", "3 restarts"),
    ],
)  # fmt: skip
def test_hard_faults(pod, reason, words):
    fault = hard_fault(of(READY, pod))
    assert fault.reason == reason
    assert words in fault.message


@pytest.mark.parametrize(
    "pod",
    [
        READY,
        PodState("p", waiting_reason="ContainerCreating"),
        PodState("p", waiting_reason="ErrImagePull"),  # the first failed pull may be a hiccup
        PodState("p", restarts=2, last_exit_code=1),
        PodState("p", terminating=True, waiting_reason="CrashLoopBackOff", restarts=9),
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


@pytest.mark.parametrize(
    ("pods", "words"),
    [
        ((), "no pod exists yet"),
        ((READY,), "no other pod exists yet"),
        ((PodState("p"),), "readiness probe"),
        ((PodState("p", waiting_reason="CreateContainerConfigError", waiting_message="no key"),),
         "CreateContainerConfigError: no key"),
    ],
)  # fmt: skip
def test_why_pods_are_not_ready_is_said_in_their_own_words(pods, words):
    assert words in why_not_ready(of(*pods))
