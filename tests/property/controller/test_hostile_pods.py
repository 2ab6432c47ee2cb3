"""What containers, kubelets and webhooks write into statuses is text of strangers."""

from hypothesis import given
from hypothesis import strategies as st

from davylamp.controller.cluster.pods import pod_state, workloads_of
from davylamp.rollout import Workload
from davylamp.rollout.pods.faults import start_fault
from davylamp.rollout.pods.shortfall import why_and_where

LONGEST = 1200
words = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["x" * 5000, "\x1b[31mred\r\nx", "\u202egnirts", "\ud800", "\n" * 4096, ""]),
    st.sampled_from(["CrashLoopBackOff", "ContainerCreating", "OOMKilled", "ImagePullBackOff"]),
)
anything = st.recursive(st.none() | st.booleans() | st.integers() | words, st.lists, max_leaves=3)
said = words | anything
waiting = st.fixed_dictionaries({}, optional={"reason": said, "message": said})
ended = st.fixed_dictionaries({}, optional={"reason": said, "message": said, "exitCode": said})
state = st.fixed_dictionaries(
    {}, optional={"waiting": waiting | said, "terminated": ended | said, "running": said}
)
container = st.fixed_dictionaries(
    {},
    optional={
        "name": said,
        "ready": said,
        "restartCount": st.integers(-1, 2**31) | said,
        "state": state | said,
        "lastState": state | said,
    },
)
containers = st.lists(container, max_size=3) | said
condition = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(["PodScheduled", "Ready", "x"]) | said,
                  "status": st.sampled_from(["True", "False"]) | said,
                  "reason": said, "message": said},
)  # fmt: skip
conditions = st.lists(condition, max_size=3) | said
pods = st.fixed_dictionaries(
    {
        "spec": st.fixed_dictionaries(
            {}, optional={"readinessGates": st.lists(st.just({"conditionType": "a/b"})) | said}
        ),
        "status": st.fixed_dictionaries(
            {},
            optional={
                "phase": st.sampled_from(["Pending", "Running", "Failed"]) | said,
                "reason": said,
                "message": said,
                "conditions": conditions,
                "containerStatuses": containers,
                "initContainerStatuses": containers,
            },
        ),
    }
)


def is_clean(sentence: str) -> bool:
    return sentence.isprintable() and len(sentence) <= LONGEST


@given(pod=pods)
def test_whatever_a_pod_says_the_sentence_is_one_clean_line(pod):
    pod["metadata"] = {"name": "p"}
    workload = Workload("r", 2, (pod_state(pod),))
    assert is_clean(why_and_where(workload, "models"))
    fault = start_fault(workload.living)
    assert fault is None or is_clean(fault.message)


@given(reason=said, message=said)
def test_whatever_refuses_pods_the_sentence_is_one_clean_line(reason, message):
    told = {"type": "ReplicaFailure", "status": "True", "reason": reason, "message": message}
    labels = {"davylamp.dev/revision": "r"}
    deployment = {
        "metadata": {"labels": labels},
        "spec": {"replicas": 1},
        "status": {"conditions": [told]},
    }
    (workload,) = workloads_of([deployment], []).values()
    assert is_clean(why_and_where(workload, "models"))
