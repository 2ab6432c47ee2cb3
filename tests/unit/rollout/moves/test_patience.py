"""Before traffic nothing is at risk: what is waited for, and what is held against a revision."""

from datetime import timedelta

import pytest
from tests.support.nature import Model, settle, world_in
from tests.support.world import TWO_STEPS, judgement, revision_of

from davylamp.api.names import Command, Reason
from davylamp.api.spec import Rollout, Step
from davylamp.api.status import Stage
from davylamp.gates import Verdict

V1, V2 = revision_of("v1"), revision_of("v2")
GOOD = {"v1": Model.GOOD, "v2": Model.GOOD}
PULLING = {
    "waiting_reason": "ImagePullBackOff",
    "waiting_message": "dial tcp: lookup registry.invalid: no such host",
    "running": False,
    "started": False,
}
WORKS = {"waiting_reason": None, "waiting_message": None, "running": True, "started": True}
CRASHED = {"waiting_reason": "CrashLoopBackOff", "running": False, "last_exit_code": 1}
STAGES = ["Preparing", "Canary", "Step2", "Promoting"]


def running(stage, **settings):
    world = world_in(stage, **settings)
    world.controllers_run()
    return world


def kept(world, **changes):
    """Every pod of v2 that is not ready yet is kept from it."""
    for pod in [pod for pod in world.pods[V2] if not pod.ready]:
        world.change_pod(V2, pod, **changes)


def freed(world):
    kept(world, unscheduled=None, event=None, missing_gates=(), **WORKS)


# --- what the cluster lacks -------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["Preparing", "Step2", "Promoting"])
@pytest.mark.parametrize(
    ("hindrance", "words"),
    [
        (PULLING, "no such host"),
        ({"unscheduled": "0/3 nodes are available", "running": False}, "0/3 nodes"),
        ({"waiting_reason": "ContainerCreating", "running": False, "started": False},
         "ContainerCreating"),
        ({"waiting_reason": "CreateContainerConfigError", "running": False,
          "waiting_message": 'secret "token" not found'}, "secret not found"),
    ],
)  # fmt: skip
def test_what_the_cluster_lacks_is_waited_for_and_told(stage, hindrance, words):
    world = running(stage)
    kept(world, **hindrance)
    world.reconcile()
    world.wait(minutes=9, seconds=59)
    world.reconcile()
    assert words in world.condition("Ready")[2]
    assert world.condition("Stalled") is None
    for _ in range(5):
        world.wait(minutes=10)
        world.reconcile()
    assert (world.candidate, world.rejected) == ("v2", set())
    _, reason, message = world.condition("Stalled")
    assert reason == Reason.PROGRESS_DEADLINE_EXCEEDED
    assert words in message
    assert f"{Command.ABORT}={V2}" in message
    freed(world)
    settle(world, GOOD)
    assert (world.stable, world.rejected) == ("v2", set())


def test_pods_that_are_evicted_again_and_again_are_told_at_the_deadline():
    """Each new pod has its own time before it, so it is none of theirs that is over."""
    world = running("Preparing")
    for _ in range(11):
        world.fail("v2", "Evicted", "The node was low on resource: memory")
        world.controllers_run()
        world.wait(minutes=1)
        world.reconcile()
    assert (world.candidate, world.rejected) == ("v2", set())
    _, reason, message = world.condition("Stalled")
    assert reason == Reason.PROGRESS_DEADLINE_EXCEEDED
    assert "low on resource: memory (11 pods failed in an hour)" in message


def test_no_pod_of_a_canary_that_waits_gets_traffic():
    world = running("Preparing")
    kept(world, **PULLING)
    world.wait(hours=1)
    world.reconcile()
    assert world.serving() == {V1}
    world.say(Command.ABORT, "v2")
    world.reconcile()
    assert (world.candidate, world.scale[V2]) == (None, 0)


def test_a_revision_that_starts_late_gets_its_own_time():
    world = running("Preparing")
    kept(world, **PULLING)
    world.wait(minutes=9, seconds=50)
    world.reconcile()
    freed(world)  # and now it loads for a while
    world.wait(minutes=9)
    world.reconcile()
    assert (world.stage, world.condition("Stalled")) == (Stage.PREPARING, None)
    world.wait(minutes=2)
    world.reconcile()
    assert world.rejected == {"v2"}


def test_checks_of_pods_that_came_late_are_asked_before_anybody_is_rejected():
    world = running("Preparing")
    world.checks[V2] = None
    kept(world, **PULLING)
    world.wait(minutes=30)
    world.reconcile()
    freed(world)
    world.ready("v2")
    world.reconcile()
    assert world.status.candidate.waiting_for == Reason.AWAITING_CHECKS
    world.checks[V2] = {}
    settle(world, GOOD)
    assert world.stable == "v2"


@pytest.mark.parametrize("stage", ["Preparing", "Canary"])
def test_a_first_revision_and_a_return_are_waited_for_too(stage):
    world = running("Serving")
    world.apply("v1")
    world.reconcile()
    assert world.stage is Stage.RETURNING
    world.controllers_run()
    for pod in list(world.pods[V1]):
        world.change_pod(V1, pod, **PULLING)
    world.wait(minutes=30)
    world.reconcile()
    assert (world.stable, world.rejected) == ("v2", set())
    assert world.condition("Stalled")[1] == Reason.PROGRESS_DEADLINE_EXCEEDED
    for pod in list(world.pods[V1]):
        world.change_pod(V1, pod, **WORKS)
    settle(world, GOOD)
    assert world.stable == "v1"


def test_a_plan_that_rolls_back_at_its_deadline_does_not_count_time_before_traffic():
    plan = Rollout(steps=(Step(weight=25, hold="1m"),), on_deadline="Rollback", deadline="30m")
    world = running("Preparing", rollout=plan)
    kept(world, **PULLING)
    world.wait(hours=3)
    world.reconcile()
    assert (world.candidate, world.rejected) == ("v2", set())


# --- what a revision does itself ------------------------------------------------------------------


def test_crashes_at_start_are_waited_for_and_do_not_count_in_traffic():
    world = running("Preparing")
    for restarts in range(1, 7):
        kept(world, restarts=restarts, last_exit_reason="OOMKilled", **CRASHED)
        world.wait(seconds=20)
        world.reconcile()
        assert (world.stage, world.rejected) == (Stage.PREPARING, set())
    assert "CrashLoopBackOff" in world.condition("Ready")[2]
    freed(world)
    settle(world, GOOD, until=lambda w: w.stage is Stage.CANARY)
    world.reconcile()
    assert world.candidate == "v2"
    settle(world, GOOD)
    assert world.stable == "v2"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (CRASHED, Reason.CRASH_LOOP),
        ({**CRASHED, "last_exit_reason": "OOMKilled"}, Reason.OUT_OF_MEMORY),
        ({}, Reason.PROGRESS_DEADLINE_EXCEEDED),
    ],
)
def test_at_the_deadline_a_revision_answers_for_what_it_does_itself(changes, reason):
    world = running("Preparing")
    kept(world, **changes)
    world.wait(minutes=10)
    world.reconcile()
    assert world.candidate == "v2"
    world.wait(seconds=1)
    world.reconcile()
    assert [(r.tag, r.reason) for r in world.status.rejected] == [("v2", reason)]
    assert world.status.rejected[0].message.startswith("not ready within 10m: pod ")


def test_where_stables_pods_cannot_start_either_nobody_is_rejected():
    world = running("Preparing")
    kept(world, **CRASHED)
    world.wait(minutes=9)
    world.unready("v1", **CRASHED)
    world.wait(minutes=2)
    world.reconcile()
    assert (world.candidate, world.rejected) == ("v2", set())
    assert world.condition("Stalled")[1] == Reason.PROGRESS_DEADLINE_EXCEEDED
    world.ready("v1")
    world.wait(minutes=6)
    world.reconcile()
    assert world.rejected == {"v2"}


# --- in traffic -------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["Canary", "Promoting", "Probation"])
def test_p2_a_busy_server_restarts_pods_of_both_revisions(stage):
    """Liveness probes time out on both sides, but never at the same moment."""
    world = running(stage)
    world.answers[V2] = judgement(Verdict.UNDECIDED)
    for restarts in range(1, 8):
        for tag in ("v1", "v2"):
            world.unready(tag, restarts=restarts, **{**CRASHED, "last_exit_code": 137})
            world.wait(seconds=15)
            world.reconcile()
            assert not world.rejected
            if (stage, tag) == ("Canary", "v2") and restarts > 1:
                assert "Pods of stable or a single node show it too" in world.condition("Ready")[2]
            world.ready(tag)
            world.reconcile()
    assert not world.rejected
    assert V2 in world.serving()


def test_p2_the_status_says_that_stable_is_in_trouble_too():
    world = running("Canary")
    world.unready("v1")
    world.unready("v2")
    world.wait(seconds=40)
    world.reconcile()
    message = world.condition("Ready")[2]
    assert "lost its readiness 40 s ago" in message
    assert "not held against the canary" in message


def test_once_stable_is_well_for_a_while_a_canary_that_is_not_is_rolled_back():
    world = running("Canary")
    world.unready("v1")
    world.unready("v2")
    world.wait(minutes=1)
    world.reconcile()
    world.ready("v1")
    world.wait(minutes=4)
    world.reconcile()
    assert world.candidate == "v2"
    world.wait(minutes=2)
    world.reconcile()
    assert world.status.rejected[0].reason == Reason.READINESS_LOST


def test_a_canary_that_alone_serves_is_not_taken_out():
    """Stable's pods are being replaced, and the canary has more traffic than it can take."""
    world = running("Step2")
    world.ready("v2")
    for pod in list(world.pods[V1]):
        world.change_pod(V1, pod, ready=False, terminating=True)
    world.controllers_run()
    world.unready("v2")
    world.wait(minutes=1)
    world.reconcile()
    assert (world.serving(), world.rejected) == ({V2}, set())
    world.ready("v1")
    world.reconcile()
    assert world.status.rejected[0].reason == Reason.READINESS_LOST


def in_probation(*, troubled):
    """v2 was promoted while pods of both were in trouble, or not."""
    world = running("Promoting")
    if troubled:
        world.unready("v1")
        world.reconcile()
        world.ready("v1")
    return settle(world, GOOD, until=lambda w: w.status.previous is not None)


def test_p2_in_a_probation_what_the_other_revision_showed_while_it_served_counts():
    """Without traffic its pods are well in any case."""
    for troubled, rejected in ((True, set()), (False, {"v2"})):
        world = in_probation(troubled=troubled)
        world.wait(minutes=7)
        world.unready("v2")
        world.wait(minutes=1)
        world.reconcile()
        assert world.rejected == rejected


def test_nothing_excuses_a_promoted_revision_without_any_ready_pod():
    world = in_probation(troubled=True)
    world.unready("v2", count=4)
    world.wait(minutes=1)
    world.reconcile()
    assert (world.stable, world.rejected) == ("v1", {"v2"})


@pytest.mark.parametrize("stage", ["Canary", "Promoting"])
def test_a_drained_canary_is_replaced_and_the_step_holds(stage):
    world = running(stage)
    world.unready("v2", disruption="EvictionByEvictionAPI")
    world.wait(minutes=1)
    world.reconcile()
    for pod in [pod for pod in world.pods[V2] if pod.disruption]:
        world.change_pod(V2, pod, terminating=True)
    settle(world, GOOD)
    assert (world.stable, world.rejected) == ("v2", set())


# --- clocks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("skew", [timedelta(hours=-5), timedelta(hours=5), timedelta(days=400)])
def test_a_node_whose_clock_is_wrong_rejects_nobody(skew):
    """A container of the canary ends once, and its kubelet's clock is another one."""
    world = running("Canary")
    (pod,) = world.pods[V2]
    world.change_pod(V2, pod, ready=False, restarts=1, ready_changed_at=world.now + skew)
    for _ in range(3):
        world.reconcile()
        world.wait(seconds=5)
    world.ready("v2")
    settle(world, GOOD)
    assert (world.stable, world.rejected) == ("v2", set())


@pytest.mark.parametrize("skew", [timedelta(hours=-5), timedelta(hours=5)])
@pytest.mark.parametrize("stage", STAGES)
def test_another_replicas_clock_that_is_wrong_rejects_and_promotes_nobody(stage, skew):
    plan = TWO_STEPS.model_copy(update={"gates": (), "min_requests": 0})
    world = running(stage, rollout=plan)
    before = world.status.candidate
    world.now += skew
    world.operator_restarts()
    world.reconcile()
    candidate = world.status.candidate
    assert (candidate.stage, candidate.step, world.rejected) == (before.stage, before.step, set())
    settle(world, GOOD)
    assert (world.stable, world.rejected) == ("v2", set())


def test_a_probation_keeps_its_length_under_another_replicas_clock():
    world = running("Probation")
    world.now -= timedelta(days=2)
    world.operator_restarts()
    world.reconcile()
    length = world.status.previous.until - world.now
    assert timedelta(minutes=9) < length <= timedelta(minutes=10)
    world.now += timedelta(days=4)
    world.operator_restarts()
    world.reconcile()
    assert world.status.previous is not None


def test_time_in_which_nobody_looked_does_not_count():
    """The cluster was off for a night; its pods start again when the operator does."""
    world = running("Preparing")
    world.wait(hours=8)
    world.operator_restarts()
    world.reconcile()
    world.wait(minutes=4)
    world.reconcile()
    assert (world.candidate, world.rejected) == ("v2", set())
    settle(world, GOOD)
    assert world.stable == "v2"
