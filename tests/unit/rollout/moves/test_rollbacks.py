"""What rolls a candidate back, and what does not."""

import pytest
from tests.support.nature import Model, live, settle, world_in
from tests.support.world import TWO_STEPS, judgement, revision_of

from davylamp.api.names import Reason
from davylamp.api.spec import Rollout, Step
from davylamp.api.status import Stage
from davylamp.gates import Verdict

V1, V2 = revision_of("v1"), revision_of("v2")
GOOD = {"v1": Model.GOOD, "v2": Model.GOOD}
IN_TRAFFIC = ["Canary", "Step2", "Promoting"]


def rolled_back(world, reason):
    """The next pass rolls v2 back for a reason, by fencing it before anything else."""
    was_open = V2 in world.serving()
    before = len(world.written)
    decision = world.reconcile()
    assert world.rejected == {"v2"}
    assert world.status.rejected[0].reason == reason
    assert (world.candidate, world.stable) == (None, "v1")
    assert decision.desired.replicas == {V1: 4, V2: 0}
    assert not decision.desired.route.admits(V2)
    if was_open:
        assert world.written[before] == f"fence to {V1}"
    return decision


def running(stage, **settings):
    world = world_in(stage, **settings)
    world.controllers_run()
    return world


@pytest.mark.parametrize("stage", IN_TRAFFIC)
def test_p1_a_failed_gate_fences_before_anything_else(stage):
    world = running(stage)
    world.answers[V2] = judgement(Verdict.FAIL)
    decision = rolled_back(world, Reason.GATE_FAILED)
    told = decision.notices[0]
    assert told.severity == "Warning"
    assert "200 of 1000 requests failed" in told.message
    assert "v1 is still serving" in told.message


@pytest.mark.parametrize("stage", IN_TRAFFIC)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"waiting_reason": "CrashLoopBackOff", "restarts": 2}, Reason.CRASH_LOOP),
        ({"restarts": 3}, Reason.CRASH_LOOP),
        ({"restarts": 1, "last_exit_reason": "OOMKilled"}, Reason.OUT_OF_MEMORY),
    ],
)
def test_hard_faults_in_traffic_need_no_statistics(stage, changes, reason):
    world = running(stage)
    world.unready("v2", **changes)
    rolled_back(world, reason)


@pytest.mark.parametrize("stage", ["Preparing", *IN_TRAFFIC])
def test_an_image_that_does_not_exist_is_not_waited_for_long(stage):
    world = running(stage)
    world.unready("v2", waiting_reason="ImagePullBackOff", waiting_message="m:v2: not found")
    world.wait(seconds=15 if stage in IN_TRAFFIC else 55)
    world.reconcile()
    assert world.candidate == "v2"
    world.wait(seconds=50)
    rolled_back(world, Reason.IMAGE_UNAVAILABLE)


@pytest.mark.parametrize("stage", IN_TRAFFIC)
def test_readiness_lost_under_traffic(stage):
    world = running(stage)
    world.unready("v2")
    world.wait(seconds=15)
    world.reconcile()
    assert world.candidate == "v2"
    world.wait(seconds=6)
    rolled_back(world, Reason.READINESS_LOST)


def test_p2_readiness_lost_by_both_revisions_is_not_the_canarys_fault():
    world = running("Canary")
    world.unready("v2")
    world.unready("v1")
    world.wait(seconds=60)
    world.reconcile()
    assert world.candidate == "v2"


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.UNDECIDED, Verdict.PASS])
@pytest.mark.parametrize("stage", ["Canary", "Step2"])
def test_p3_no_other_verdict_rolls_a_canary_back(stage, verdict):
    world = running(stage)
    world.ready("v2")
    world.answers[V2] = judgement(verdict)
    world.wait(minutes=20)
    world.reconcile()
    assert world.candidate == "v2"
    assert not world.rejected


def test_a_failed_gate_of_another_revision_is_not_the_candidates():
    world = running("Preparing")
    world.answers[V2] = judgement(Verdict.FAIL)  # of an earlier try: not in traffic now
    world.reconcile()
    assert world.candidate == "v2"


def test_never_ready_by_the_deadline():
    world = running("Preparing")
    world.wait(minutes=9, seconds=50)
    world.reconcile()
    assert world.stage is Stage.PREPARING
    world.wait(seconds=11)
    decision = rolled_back(world, Reason.PROGRESS_DEADLINE_EXCEEDED)
    assert "readiness probe" in decision.notices[0].message


def test_a_flapping_pod_does_not_reset_the_deadline():
    world = running("Preparing", rollout=TWO_STEPS.model_copy(update={"gates": ()}))
    world.apply(paused=True)  # so that a ready moment does not begin the canary
    for _ in range(7):
        world.ready("v2")
        world.reconcile()
        world.wait(minutes=1)
        world.unready("v2")
        world.reconcile()
        world.wait(minutes=1)
    assert world.candidate == "v2"
    world.apply(paused=False)
    rolled_back(world, Reason.PROGRESS_DEADLINE_EXCEEDED)


def test_a_secret_that_stays_missing_is_waited_for():
    world = running("Serving")
    world.apply("v3", missing_secrets=("feature-store",))
    world.reconcile()
    world.wait(minutes=30)
    world.reconcile()
    assert (world.candidate, world.rejected) == ("v3", set())
    assert "feature-store" in world.condition("Stalled")[2]
    world.missing_secrets = ()
    settle(world, {**GOOD, "v3": Model.GOOD})
    assert world.stable == "v3"


@pytest.mark.parametrize("stage", ["Promoting"])
def test_a_promotion_that_gets_no_capacity_is_rolled_back_also_while_paused(stage):
    world = running(stage)
    world.apply(paused=True)
    world.wait(minutes=10, seconds=1)
    rolled_back(world, Reason.PROGRESS_DEADLINE_EXCEEDED)


def test_a_canary_that_gets_no_pods_is_told_so_and_not_rolled_back():
    world = running("Step2")
    world.refusals[V2] = "exceeded quota: team"
    world.pods[V2].pop()
    world.wait(minutes=9, seconds=59)
    world.reconcile()
    assert world.status.candidate.waiting_for == Reason.AWAITING_PODS
    world.wait(seconds=2)
    world.reconcile()
    assert (world.candidate, world.rejected) == ("v2", set())
    _, reason, message = world.condition("Stalled")
    assert reason == Reason.PROGRESS_DEADLINE_EXCEEDED
    assert "another pod cannot be created: exceeded quota: team; see `kubectl describe" in message
    del world.refusals[V2]
    settle(world, GOOD)
    assert world.stable == "v2"


def test_a_canary_whose_added_pod_never_gets_ready_is_rolled_back():
    world = running("Step2")
    assert [pod.was_ready for pod in world.pods[V2]] == [True, False]
    world.wait(minutes=10)
    world.reconcile()
    world.wait(minutes=10, seconds=1)
    rolled_back(world, Reason.PROGRESS_DEADLINE_EXCEEDED)


def test_the_progress_deadline_does_not_run_in_a_canary_with_its_pods():
    world = running("Step2")
    world.ready("v2")
    world.answers[V2] = judgement(Verdict.UNDECIDED)
    world.wait(minutes=30)
    world.reconcile()
    assert world.status.candidate.unsettled_since is None
    world.unready("v2", was_ready=False)
    world.reconcile()
    assert world.candidate == "v2"
    world.ready("v2")
    world.wait(minutes=10)
    world.reconcile()
    assert world.candidate == "v2"


@pytest.mark.parametrize("stage", IN_TRAFFIC)
def test_pods_that_do_not_stay_ready_are_rolled_back_in_time(stage):
    world = running(stage)
    world.answers[V2] = judgement(Verdict.PASS)
    for _ in range(200):
        world.controllers_run()
        world.ready("v2")
        world.wait(seconds=3)
        world.reconcile()
        if world.rejected:
            break
        for pod in list(world.pods[V2]):
            world.change_pod(V2, pod, ready=False, was_ready=False)
        world.wait(seconds=3)
        world.reconcile()
    rejection = world.status.rejected[0]
    assert (world.stable, rejection.reason) == ("v1", Reason.PROGRESS_DEADLINE_EXCEEDED)


def test_spec_paused_stops_the_progress_deadline_of_a_canary():
    world = running("Step2")
    world.apply(paused=True)
    world.wait(minutes=30)
    world.reconcile()
    assert world.candidate == "v2"


# --- the deadline of the whole rollout ------------------------------------------------------------

STRICT = Rollout(steps=(Step(weight=25, hold="1m"),), on_deadline="Rollback", deadline="30m")


def undecided_canary(**settings):
    world = running("Canary", **settings)
    world.answers[V2] = judgement(Verdict.UNDECIDED)
    return world


def test_deadline_with_rollback():
    world = undecided_canary(rollout=STRICT)
    world.wait(minutes=29)
    world.reconcile()
    assert world.candidate == "v2"
    world.wait(minutes=2)
    rolled_back(world, Reason.DEADLINE_EXCEEDED)


def test_p3_the_deadline_clock_stands_still_while_prometheus_is_down():
    world = undecided_canary(rollout=STRICT)
    world.wait(minutes=10)
    world.source_error = "connection refused"
    world.answers[V2] = judgement(Verdict.UNKNOWN, reason="SourceDown")
    world.reconcile()
    world.wait(minutes=40)
    world.reconcile()
    assert world.candidate == "v2"
    world.source_error = None
    world.answers[V2] = judgement(Verdict.UNDECIDED)
    world.reconcile()
    world.wait(minutes=19)
    world.reconcile()
    assert world.candidate == "v2"
    world.wait(minutes=2)
    rolled_back(world, Reason.DEADLINE_EXCEEDED)


def test_p4_but_only_for_an_hour():
    world = undecided_canary(rollout=STRICT)
    world.source_error = "connection refused"
    world.answers[V2] = judgement(Verdict.UNKNOWN, reason="SourceDown")
    for _ in range(19):
        world.reconcile()
        assert world.candidate == "v2"
        world.wait(minutes=5)
    rolled_back(world, Reason.DEADLINE_EXCEEDED)


def test_the_deadline_clock_stands_still_while_paused():
    world = undecided_canary(rollout=STRICT)
    world.apply(paused=True)
    world.reconcile()
    world.wait(hours=5)
    world.reconcile()
    world.apply(paused=False)
    world.reconcile()
    assert world.candidate == "v2"


def test_deadline_with_pause_keeps_the_canary_and_the_gates_at_work():
    world = undecided_canary()
    world.wait(hours=3)
    world.reconcile()
    assert world.candidate == "v2"
    world.answers[V2] = judgement(Verdict.FAIL)
    rolled_back(world, Reason.GATE_FAILED)


# --- the first revision ---------------------------------------------------------------------------


def test_a_broken_first_revision_is_given_until_its_deadline():
    world = running("Serving")
    fresh = type(world)()
    fresh.reconcile()
    for _ in range(3):
        live(fresh, {"v1": Model.CRASHES})
        fresh.reconcile()
    assert fresh.candidate == "v1"
    settle(fresh, {"v1": Model.CRASHES})
    assert fresh.rejected == {"v1"}
    assert fresh.stable is None
    assert fresh.selector == "none"
    assert "nothing is serving" in fresh.condition("Stalled")[2]
