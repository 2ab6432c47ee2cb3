"""Faults in traffic, and whose they are."""

from datetime import timedelta

import pytest
from tests.support.world import START as NOW

from davylamp.api.names import Reason
from davylamp.rollout import ContainerState, PodFailure, PodState, Workload
from davylamp.rollout.pods.blame import NODE_PATIENCE, WINDOW, is_troubled, own_fault
from davylamp.rollout.pods.service import CRASH_WINDOW, Period, service_faults

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
PERIOD = Period(NOW, NOW - 30 * MINUTE, 10 * MINUTE)
BACKED_OFF = ContainerState(waiting_reason="CrashLoopBackOff", ends=(NOW - SECOND,))
RUNNING = ContainerState(running=True, started=True)


def pod(name="p", *, node="a", container=RUNNING, **changes):
    changes = {"ready": True, "was_ready": True, **changes}
    return PodState(name, node=node, containers=(container,), **changes)


def lost(name="p", *, ago=timedelta(seconds=30), **changes):
    return pod(name, ready=False, unready_since=NOW - ago, **changes)


def loops(name="p", **changes):
    ends = (NOW - 10 * SECOND, NOW - SECOND)
    crashed = ContainerState(waiting_reason="CrashLoopBackOff", last_exit_code=1, ends=ends)
    return lost(name, ago=SECOND, container=crashed, **changes)


def ended(*ago, reason="Error"):
    ends = tuple(sorted(NOW - moment for moment in ago))
    return ContainerState(running=True, restarts=9, ends=ends, last_exit_reason=reason)


def of(*pods):
    return Workload("r", len(pods), pods)


def reason(*canary, stable=(), period=PERIOD):
    """Why a canary would be rolled back beside some pods of stable."""
    faults = service_faults(of(*canary), period)
    fault = own_fault(faults, of(*canary), of(*stable), NOW)
    return fault.reason if fault else None


WELL = tuple(pod(f"s{number}", node="b") for number in range(4))


# --- what is a fault ------------------------------------------------------------------------------


def test_a_pod_that_lost_its_readiness_says_which_container_is_in_the_way():
    proxy = ContainerState("proxy", "sidecar", last_exit_code=3, ends=(NOW - 30 * SECOND,))
    (fault,) = service_faults(of(lost(container=proxy)), PERIOD)
    assert fault.fault.message == (
        "pod p lost its readiness 30 s ago and has not regained it: "
        "sidecar proxy of pod p ended, last exit code 3"
    )


@pytest.mark.parametrize(
    ("canary", "fault"),
    [
        (pod(), None),
        (lost(), Reason.READINESS_LOST),
        (lost(ago=20 * SECOND), None),
        (loops(), Reason.CRASH_LOOP),
        (lost(ago=19 * SECOND, container=BACKED_OFF), None),
        (lost(ago=21 * SECOND, container=BACKED_OFF), Reason.CRASH_LOOP),
        (pod(container=ended(MINUTE, 2 * MINUTE, 3 * MINUTE)), Reason.CRASH_LOOP),
        (pod(container=ended(MINUTE, 2 * MINUTE)), None),
        # three ends in half an hour are no loop, and the gates see them
        (pod(container=ended(MINUTE, 2 * MINUTE, CRASH_WINDOW + MINUTE)), None),
        # what happened before it had traffic was waited for
        (pod(container=ended(*[31 * MINUTE] * 5)), None),
        (pod(container=ended(31 * MINUTE, reason="OOMKilled")), None),
        (pod(container=ended(MINUTE, reason="OOMKilled")), Reason.OUT_OF_MEMORY),
    ],
)
def test_faults_in_traffic(canary, fault):
    assert reason(canary, stable=WELL) == fault


@pytest.mark.parametrize(
    "canary",
    [
        loops(disruption="EvictionByEvictionAPI"),
        loops(terminating=True),
        lost(node_lost=True),
        lost(failure=PodFailure("Evicted", "The node was low on resource: memory.")),
        lost(failure=PodFailure("Terminated", "Pod was terminated in response to node shutdown.")),
        lost(failure=PodFailure("Preempting", "Preempted in order to admit critical pod")),
        # it ended once, and a registry that does not answer keeps it from being run again
        lost(container=ContainerState(waiting_reason="ErrImagePull", waiting_message="EOF")),
    ],
)
def test_what_the_cluster_does_is_not_the_canarys_fault(canary):
    assert reason(canary, stable=WELL) is None


@pytest.mark.parametrize(
    "words",
    [
        "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.",
        "Container model exceeded its local ephemeral storage limit 1Gi.",
        'Usage of EmptyDir volume "cache" exceeds the limit "1Gi".',
    ],
)
def test_an_eviction_for_a_limit_of_its_own_is_the_canarys(words):
    canary = lost(failure=PodFailure("Evicted", words))
    assert reason(canary, pod("new"), stable=WELL) == Reason.POD_FAILED
    before = lost(ago=40 * MINUTE, failure=PodFailure("Evicted", words))
    assert reason(before, pod("new"), stable=WELL) is None


def test_a_pod_that_is_added_in_traffic_is_given_its_time_to_start():
    def starting(since):
        crashed = ContainerState(waiting_reason="CrashLoopBackOff", restarts=5)
        began = None if since is None else NOW - since
        return pod("new", container=crashed, ready=False, was_ready=False, unhindered_since=began)

    assert reason(pod(), starting(9 * MINUTE), stable=WELL) is None
    assert reason(pod(), starting(None), stable=WELL) is None
    assert reason(pod(), starting(11 * MINUTE), stable=WELL) == Reason.CRASH_LOOP


def test_traffic_that_began_in_the_future_by_another_clock_has_begun():
    period = PERIOD._replace(since=NOW + 60 * MINUTE)
    assert reason(pod(container=ended(*[MINUTE] * 3)), period=period) == Reason.CRASH_LOOP


# --- whose it is ------------------------------------------------------------------------------------


@pytest.mark.parametrize("canary", [lost(), loops(), pod(container=ended(*[MINUTE] * 3))])
@pytest.mark.parametrize(
    "shown",
    [
        lost("s", ago=SECOND, node="b"),
        lost("s", ago=MINUTE, node="b", node_lost=True),
        loops("s", node="b"),
        pod("s", node="b", troubled_at=NOW - 4 * MINUTE),
    ],
)
def test_p2_what_stables_pods_show_too_is_nobodys_fault(canary, shown):
    assert reason(canary, stable=(shown, *WELL[:3])) is None
    assert reason(canary, stable=WELL) is not None


def test_trouble_of_long_ago_excuses_nothing():
    before = pod("s", node="b", troubled_at=NOW - WINDOW - SECOND)
    assert reason(loops(), stable=(before,)) == Reason.CRASH_LOOP
    # but what happened then is compared with what happened then
    crashes = pod(container=ended(4 * MINUTE, 4 * MINUTE, 4 * MINUTE))
    assert reason(crashes, stable=(before,)) is None


def test_one_blip_in_a_large_fleet_does_not_excuse_a_canary_that_crashes():
    fleet = (lost("s", node="b"), *(pod(f"s{n}", node="b") for n in range(19)))
    assert reason(loops(), stable=fleet) == Reason.CRASH_LOOP
    many = (*(loops(f"c{n}") for n in range(1)), *(pod(f"w{n}") for n in range(4)))
    assert reason(*many, stable=fleet) is None  # one of five against one of twenty


def test_a_bad_node_is_not_the_canarys_fault():
    beside = (loops("s", node="a"), *(pod(f"s{n}", node="b") for n in range(30)))
    assert reason(loops(node="a"), stable=beside) is None
    assert reason(loops(node="b"), stable=beside) == Reason.CRASH_LOOP
    assert reason(loops("1", node="a"), loops("2", node="b"), stable=beside) == Reason.CRASH_LOOP


def test_pods_on_one_node_alone_are_given_a_while_where_others_are_well():
    elsewhere = pod("fine", node="c")
    assert reason(lost(node="x"), elsewhere, stable=WELL) is None
    late = lost(node="x", ago=NODE_PATIENCE + SECOND)
    assert reason(late, elsewhere, stable=WELL) == Reason.READINESS_LOST
    # a pod of stable on that node is well, so it is not the node
    assert reason(lost(node="b"), elsewhere, stable=WELL) == Reason.READINESS_LOST
    killed = pod(node="x", container=ended(MINUTE, reason="OOMKilled"))
    assert reason(killed, elsewhere, stable=WELL) == Reason.OUT_OF_MEMORY


def test_memory_is_compared_with_memory():
    canary = pod(container=ended(MINUTE, reason="OOMKilled"))
    crashed = loops("s", node="b")
    assert reason(canary, stable=(crashed,)) == Reason.OUT_OF_MEMORY
    killed = pod("s", node="b", container=ended(MINUTE, reason="OOMKilled"), troubled_at=NOW)
    assert reason(canary, stable=(killed,)) is None


def test_stable_is_in_trouble_where_as_large_a_part_of_it_is():
    assert is_troubled(of(lost(), *WELL[:3]), NOW, against=1, of=1)
    assert not is_troubled(of(*WELL), NOW, against=1, of=1)
    assert not is_troubled(of(), NOW, against=1, of=1)
    assert not is_troubled(of(lost(), *WELL), NOW, against=4, of=4)
