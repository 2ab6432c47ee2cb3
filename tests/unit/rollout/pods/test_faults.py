"""Hard rules: what needs no statistics. What a container says itself is shown by a command."""

import pytest

from davylamp.rollout import ContainerState, PodState
from davylamp.rollout.pods.faults import start_fault

READY = PodState(
    name="fine", ready=True, containers=(ContainerState(ready=True, running=True, started=True),)
)


def model(**changes):
    return ContainerState(**changes)


def proxy(**changes):
    return ContainerState("proxy", "sidecar", **changes)


def fetch(**changes):
    return ContainerState("fetch", "init", **changes)


@pytest.mark.parametrize(
    ("container", "reason", "words"),
    [
        (model(waiting_reason="ImagePullBackOff", waiting_message="401 Unauthorized"),
         "ImageUnavailable", "pod p: ImagePullBackOff: unauthorized"),
        (model(waiting_reason="InvalidImageName"), "ImageUnavailable", "pod p: InvalidImageName"),
        (model(waiting_reason="ErrImageNeverPull"), "ImageUnavailable", "pod p"),
        (fetch(waiting_reason="ImagePullBackOff", waiting_message="a/b:1: not found"),
         "ImageUnavailable", "init container fetch of pod p: ImagePullBackOff: not found"),
        (model(last_exit_reason="OOMKilled"),
         "OutOfMemory", "pod p was killed for memory; raise spec.serving.resources.limits.memory"),
        (proxy(last_exit_reason="OOMKilled"),
         "OutOfMemory", ("sidecar proxy of pod p was killed for memory; raise "
         "resources.limits.memory of proxy in spec.serving.template")),
        (model(waiting_reason="CrashLoopBackOff", restarts=1, last_exit_code=137),
         "CrashLoop", "pod p is in a crash loop, 1 restart, last exit code 137 (SIGKILL)"),
        (model(restarts=3, last_exit_code=1), "CrashLoop", "3 restarts"),
        (model(restarts=3, last_exit_code=139, last_exit_reason="Error"),
         "CrashLoop", "last exit code 139 (SIGSEGV)"),
        (model(restarts=3, last_exit_code=128, last_exit_reason="StartError"),
         "CrashLoop", "last exit code 128 (StartError)"),
        (model(restarts=3, last_exit_code=128, last_exit_reason="StartError",
               last_start_failure="exec format error"),
         "CrashLoop", "last exit code 128 (StartError): exec format error"),
        (proxy(ready=True, running=True, restarts=3, last_exit_code=3),
         "CrashLoop", "sidecar proxy of pod p is in a crash loop, 3 restarts, last exit code 3"),
        (fetch(waiting_reason="CrashLoopBackOff", restarts=2, last_exit_code=7),
         "CrashLoop", "init container fetch of pod p is in a crash loop, 2 restarts"),
    ],
)  # fmt: skip
def test_hard_faults(container, reason, words):
    others = (model(),) if container.role != "model" else (proxy(),)
    fault = start_fault([READY, PodState("p", containers=(*others, container))])
    assert fault.reason == reason
    assert words in fault.message


@pytest.mark.parametrize(
    "container",
    [
        model(waiting_reason="ContainerCreating"),
        model(waiting_reason="ErrImagePull", waiting_message="a/b:1: no such host"),
        model(restarts=1, last_exit_code=1),
        # it was refused by its dependency three times, and has done its work since
        fetch(ready=True, restarts=3, last_exit_code=0),
    ],
)
def test_what_is_no_hard_fault(container):
    assert start_fault([READY, PodState("p", containers=(container,))]) is None


@pytest.mark.parametrize(
    ("container", "command"),
    [
        (model(restarts=3, last_exit_code=1), "logs p -c model --previous"),
        (
            model(
                restarts=3,
                last_exit_code=128,
                last_exit_reason="StartError",
                last_start_failure="exec format error",
            ),
            "describe pod p",
        ),
        (proxy(restarts=3, last_exit_code=1), "logs p -c proxy --previous"),
        (model(last_exit_reason="OOMKilled"), "describe pod p"),
        (model(waiting_reason="ErrImagePull", waiting_message="not found"), "describe pod p"),
    ],
)
def test_where_to_look_is_a_command_that_can_be_pasted(container, command):
    fault = start_fault([PodState("p", containers=(container,))])
    where = f"; while the pod is there, see `kubectl {command} -n models`"
    assert fault.sentence("models").endswith(where)
