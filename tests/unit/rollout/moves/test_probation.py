"""After promotion the previous revision stays warm, and going back is automatic."""

from tests.support.nature import Model, settle, world_in
from tests.support.world import TWO_STEPS, judgement, revision_of

from davylamp.api.names import Command, Reason
from davylamp.api.status import Outcome, Stage
from davylamp.gates import Verdict

V1, V2 = revision_of("v1"), revision_of("v2")
GOOD = {"v1": Model.GOOD, "v2": Model.GOOD}


def rolled_back(world, reason):
    before = len(world.written)
    decision = world.reconcile()
    assert world.written[before] == f"fence to {V1}"
    assert (world.stable, world.candidate, world.status.previous) == ("v1", None, None)
    assert world.rejected == {"v2"}
    assert world.status.rejected[0].reason == reason
    assert decision.desired.replicas == {V1: 4, V2: 0}
    assert world.serving() == {V1}
    return decision


def test_the_previous_revision_stays_at_full_size_without_traffic():
    world = world_in("Probation")
    world.reconcile()
    assert world.scale == {V1: 4, V2: 4}
    assert world.serving() == {V2}


def test_when_it_is_over_the_previous_revision_is_scaled_down_and_kept():
    world = settle(world_in("Probation"), GOOD)
    assert world.scale == {V1: 0, V2: 4}
    assert world.records == [V1, V2]
    assert world.told[-1] == Reason.PROBATION_PASSED


def test_p1_a_failed_gate_fences_first():
    world = world_in("Probation")
    world.answers[V2] = judgement(Verdict.FAIL)
    decision = rolled_back(world, Reason.GATE_FAILED)
    assert "v1 is serving again" in decision.notices[0].message


def test_hard_faults_roll_back():
    world = world_in("Probation")
    world.unready("v2", waiting_reason="CrashLoopBackOff", restarts=2)
    rolled_back(world, Reason.CRASH_LOOP)


def test_lost_readiness_rolls_back():
    world = world_in("Probation")
    world.unready("v2")
    world.wait(seconds=30)
    rolled_back(world, Reason.READINESS_LOST)


def test_p2_an_outage_of_both_revisions_is_nobodys_fault():
    world = world_in("Probation")
    world.unready("v2")
    world.unready("v1")
    world.wait(seconds=30)
    world.reconcile()
    assert world.stable == "v2"


def test_it_never_goes_back_to_a_revision_without_a_ready_pod():
    world = world_in("Probation")
    world.answers[V2] = judgement(Verdict.FAIL)
    world.unready("v1", count=4)
    world.reconcile()
    assert world.stable == "v2"
    world.ready("v1")
    rolled_back(world, Reason.GATE_FAILED)


def test_an_abort_rolls_back():
    world = world_in("Probation")
    world.say(Command.ABORT, "v2")
    rolled_back(world, Reason.ABORTED)
    assert world.status.history[0].outcome is Outcome.ABORTED


def test_undo_by_spec_is_instant():
    world = world_in("Probation")
    world.apply("v1")
    world.reconcile()
    assert (world.stable, world.serving(), world.rejected) == ("v1", {V1}, set())
    assert world.told[-2:] == [Reason.RETURN_STARTED, Reason.RETURNED]


def test_a_return_is_not_refused_for_restarts_in_months_of_service():
    world = world_in("Probation")
    for pod in list(world.pods[V1]):
        world.change_pod(V1, pod, restarts=7, last_exit_reason="OOMKilled")
    world.apply("v1")
    world.reconcile()
    assert (world.stable, world.rejected) == ("v1", set())


def test_a_third_revision_ends_the_probation():
    world = world_in("Probation")
    world.apply("v3")
    settle(world, {**GOOD, "v3": Model.ERRORS})
    assert (world.stable, world.rejected) == ("v2", {"v3"})
    assert world.scale[V1] == 0


def test_one_rolled_back_in_probation_is_retried_by_canary():
    world = world_in("Probation")
    settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS})
    assert world.rejected == {"v2"}
    world.say(Command.RETRY, "v2")
    settle(world, GOOD, until=lambda w: w.candidate is not None)
    assert world.stage is Stage.PREPARING
    settle(world, GOOD)
    assert world.stable == "v2"


def test_no_probation_when_none_is_asked_for():
    plan = TWO_STEPS.model_copy(update={"probation": "0s"})
    world = settle(world_in("Canary", rollout=plan), GOOD, until=lambda w: w.stable == "v2")
    assert world.status.previous is None
    assert world.scale[V1] == 0
