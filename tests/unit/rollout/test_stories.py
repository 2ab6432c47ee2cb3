"""Whole rollouts as short stories."""

import pytest
from tests.support.nature import Model, live, serving_world, settle, world_in
from tests.support.world import TWO_STEPS, Children, revision_of

from davylamp.api.names import Command, Reason
from davylamp.api.spec import Rollout, Step
from davylamp.api.status import Outcome, Stage

GOOD = dict.fromkeys(("v1", "v2", "v3", "v4"), Model.GOOD)
V1, V2, V3 = revision_of("v1"), revision_of("v2"), revision_of("v3")
OUTAGE = "connection refused"


def test_the_first_revision_serves_when_it_is_ready_and_not_before():
    world = Children()
    world.reconcile()
    world.controllers_run()
    world.reconcile()
    assert world.selector == "none"
    settle(world, GOOD)
    assert world.stable == "v1"
    assert world.serving() == {V1}
    assert world.told == [Reason.ROLLOUT_STARTED, Reason.PROMOTED]


def test_a_good_canary_walks_all_steps():
    world = serving_world()
    world.apply("v2")
    shares = []

    def noted(w):
        shares.append(w.status.candidate.actual_weight if w.status.candidate else None)
        return False

    settle(world, GOOD, until=noted)
    assert world.stable == "v2"
    assert list(dict.fromkeys(shares))[:3] == [0, 20, 33]
    assert world.told[2:] == [
        Reason.ROLLOUT_STARTED,
        Reason.CANARY_STARTED,
        Reason.STEP_ADVANCED,
        Reason.PROMOTION_STARTED,
        Reason.PROMOTED,
        Reason.PROBATION_PASSED,
    ]


def test_the_record_of_weights_is_what_evidence_is_recomputed_from():
    world = world_in("Promoting")
    changes = world.status.candidate.weights
    assert [(c.weight, c.share) for c in changes] == [(25, "0.2000"), (40, "0.3333")]
    assert changes[0].at == world.status.candidate.canary_at


@pytest.mark.parametrize("model", [Model.ERRORS, Model.CRASHES, Model.UNREADY])
def test_a_bad_canary_is_rolled_back(model):
    world = serving_world()
    world.apply("v2")
    settle(world, {"v1": Model.GOOD, "v2": model})
    assert (world.stable, world.candidate, world.rejected) == ("v1", None, {"v2"})
    assert world.serving() == {V1}
    assert world.scale == {V1: 4, V2: 0}
    assert world.told.count(Reason.ROLLED_BACK) == 1


def test_p6_the_rejected_tag_applied_again_gets_no_traffic():
    world = serving_world()
    world.apply("v2")
    models = {"v1": Model.GOOD, "v2": Model.ERRORS}
    settle(world, models)
    written = len(world.written)
    for tag in ("v2", "v1", "v2"):
        world.apply(tag)
        settle(world, models, until=lambda w: V2 in w.serving())
        assert world.serving() == {V1}
    assert set(world.written[written:]) == {"status"}
    assert world.told.count(Reason.ROLLED_BACK) == 1
    assert world.condition("Stalled")[1] == Reason.ROLLED_BACK


def test_p6_a_fix_goes_through_and_the_rejected_one_is_still_remembered():
    world = serving_world()
    world.apply("v2")
    settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS})
    world.apply("v3")
    settle(world, GOOD)
    assert (world.stable, world.rejected) == ("v3", {"v2"})


def test_going_back_to_an_earlier_revision_needs_no_canary():
    world = settle(world_in("Serving"), GOOD)
    world.apply("v1")
    settle(world, {"v1": Model.BLIND, "v2": Model.GOOD})
    assert world.stable == "v1"
    returned = [Reason.RETURN_STARTED, Reason.RETURNED, Reason.ROLLBACK_VERIFIED]
    assert world.told[-3:] == returned
    assert world.status.history[0].outcome is Outcome.RETURNED
    assert "route to *" not in world.written[world.written.index(f"scale {V1} to 0") :]


def test_what_serves_keeps_serving_until_the_earlier_revision_is_ready():
    world = settle(world_in("Serving"), GOOD)
    world.apply("v1")
    for _ in range(3):
        world.reconcile()
        world.sweep()
        world.controllers_run()
        assert world.serving() == {V2}
        assert world.scale == {V1: 4, V2: 4}
    world.ready("v1")
    world.reconcile()
    assert world.serving() == {V1}


def test_a_return_to_pods_that_are_being_scaled_away_waits_for_new_ones():
    world = world_in("Serving")  # v1 was told to go to 0 a moment ago, its pods are still ready
    world.apply("v1")
    world.reconcile()
    assert world.serving() == {V2}


def test_a_broken_stable_is_left_as_soon_as_one_pod_of_the_earlier_revision_is_ready():
    world = settle(world_in("Serving"), GOOD)
    world.unready("v2", count=4)
    world.apply("v1")
    world.reconcile()
    world.controllers_run()
    pod = world.pods[V1][0]
    world.change_pod(V1, pod, ready=True)
    world.reconcile()
    assert world.stable == "v1"


def test_a_third_revision_replaces_the_candidate_and_stable_keeps_serving():
    world = world_in("Step2")
    world.apply("v3")
    before = len(world.written)
    world.reconcile()
    assert world.written[before] == f"fence to {V1}"
    assert world.candidate == "v3"
    assert world.status.history[0].outcome is Outcome.SUPERSEDED
    settle(world, GOOD)
    assert (world.stable, world.rejected) == ("v3", set())


def test_the_next_canary_waits_until_pods_of_the_superseded_one_are_gone():
    world = world_in("Step2")
    world.controllers_run()
    world.ready("v2")
    world.reconcile()
    world.apply("v3")
    world.reconcile()
    world.controllers_run()
    world.ready("v3")
    world.reconcile()
    assert world.status.candidate.waiting_for == Reason.AWAITING_OLD_PODS
    assert world.serving() == {V1}
    world.sweep()
    world.reconcile()
    assert world.serving() == {V1, V3}


@pytest.mark.parametrize("stage", ["Preparing", "Canary", "Step2", "Promoting"])
def test_the_spec_back_at_stable_is_instant(stage):
    world = world_in(stage)
    world.apply("v1")
    world.reconcile()
    assert (world.stable, world.candidate, world.serving()) == ("v1", None, {V1})
    assert world.rejected == set()


@pytest.mark.parametrize(
    ("tags", "expected"), [(("v2", "v1", "v2"), "v2"), (("v2", "v1", "v3"), "v3")]
)
def test_back_and_forth(tags, expected):
    world = serving_world()
    for tag in tags:
        world.apply(tag)
        settle(world, GOOD)
    assert world.stable == expected


def test_ten_edits_end_at_the_last_and_leave_nothing_running():
    models = {f"e{i}": Model.GOOD for i in range(10)} | GOOD
    world = serving_world()
    for number in range(10):
        world.apply(f"e{number}")
        world.reconcile()
        live(world, models, seconds=0.1)
    settle(world, models)
    assert world.stable == "e9"
    assert sum(world.scale.values()) == 4
    assert world.told.count(Reason.SUPERSEDED) == 9


def test_old_revisions_are_pruned_and_those_that_served_are_kept():
    plan = TWO_STEPS.model_copy(update={"history": 2})
    world = serving_world(rollout=plan)
    models = {f"e{i}": Model.ERRORS for i in range(6)} | GOOD
    for tag in ("v2", "e0", "e1", "e2", "v3", "e3", "e4"):
        world.apply(tag)
        settle(world, models)
    assert world.stable == "v3"
    assert set(world.records) == {V3, V2, V1}
    assert set(world.scale) == {V3, V2, V1}


def test_p3_an_outage_of_prometheus_changes_nothing():
    world = world_in("Canary")
    settle(world, GOOD, until=lambda w: w.now.minute == 1)
    world.source_error = OUTAGE
    without_baseline = {"v1": Model.GOOD, "v2": Model.BLIND}
    resumes = world.now.replace(minute=11)
    settle(world, without_baseline, until=lambda w: w.now > resumes)
    assert (world.stable, world.candidate, world.status.candidate.step) == ("v1", "v2", 1)
    assert world.rejected == set()
    assert world.status.candidate.stopped_at is not None
    world.source_error = None
    settle(world, GOOD)
    assert world.stable == "v2"


def test_p3_a_canary_that_cannot_be_measured_is_never_promoted():
    world = serving_world()
    world.apply("v2")
    past = lambda w: w.status.candidate.waiting_for == Reason.DEADLINE_EXCEEDED  # noqa: E731
    settle(world, {"v1": Model.GOOD, "v2": Model.BLIND}, until=past)
    assert world.stable == "v1"
    assert V2 in world.serving()


def test_pausing_stops_what_goes_forward_but_not_what_goes_back():
    world = world_in("Canary")
    world.apply(paused=True)
    settle(world, GOOD, until=lambda w: w.now.minute > 10)
    assert world.status.candidate.step == 1
    settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS})
    assert world.rejected == {"v2"}


def test_paused_a_new_revision_waits_and_an_earlier_one_does_not():
    world = settle(world_in("Serving"), GOOD)
    world.apply("v3", paused=True)
    settle(world, GOOD)
    assert (world.stable, world.candidate) == ("v2", None)
    assert world.condition("Reconciling")[1] == Reason.PAUSED
    world.apply("v1")
    settle(world, GOOD)
    assert world.stable == "v1"


def test_a_broken_stable_lets_a_good_canary_pass():
    world = serving_world()
    world.unready("v1", count=4)
    world.wait(minutes=1)
    world.apply("v2")
    settle(world, {"v2": Model.GOOD})
    assert world.stable == "v2"


def test_p11_replicas_changed_mid_canary():
    world = world_in("Step2", replicas=8)
    assert world.scale[V2] == 5
    world.apply(replicas=4)
    decision = world.reconcile()
    assert decision.desired.replicas == {V1: 4, V2: 2}
    world.apply(replicas=1)
    decision = world.reconcile()
    assert not decision.desired.route.opened
    assert world.status.candidate.waiting_for == Reason.STEP_NOT_REACHABLE
    world.apply(replicas=8)
    settle(world, GOOD)
    assert (world.stable, world.scale[V2]) == ("v2", 8)


def test_p6_pods_that_a_user_gave_to_an_old_revision_close_the_service():
    world = serving_world()
    world.apply("v2")
    settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS})
    world.apply("v3")
    settle(world, GOOD, until=lambda w: w.stage is Stage.CANARY)
    world.scale[V2] = 1
    world.controllers_run()
    world.ready("v2")
    world.reconcile()
    assert world.serving() == {V1}
    assert world.scale[V2] == 0
    assert world.status.candidate.waiting_for == Reason.AWAITING_OLD_PODS


def test_replicas_changed_after_an_abort_leave_the_canary_at_zero():
    world = world_in("Canary")
    world.say(Command.ABORT, "v2")
    world.reconcile()
    world.apply(replicas=9)
    settle(world, GOOD)
    assert world.scale == {V1: 9, V2: 0}


def test_tag_and_replicas_edited_together():
    world = serving_world()
    world.apply("v2", replicas=6)
    settle(world, GOOD)
    assert (world.stable, world.scale) == ("v2", {V1: 0, V2: 6})


def test_edits_of_the_steps_count_from_the_next_revision_on():
    world = world_in("Canary")
    world.apply(rollout=Rollout(steps=(Step(weight=50, hold="9h"),)))
    world.reconcile()
    assert "next revision" in world.condition("Ready")[2]
    settle(world, GOOD)
    assert world.stable == "v2"


def test_until_traffic_begins_edits_of_the_steps_still_count():
    world = world_in("Preparing")
    world.apply(rollout=Rollout(steps=(Step(weight=50, hold="1m"),)))
    settle(world, GOOD, until=lambda w: w.stage is Stage.CANARY)
    assert world.status.candidate.weight == 50


def test_without_steps_promotion_comes_at_once():
    world = serving_world(rollout=Rollout(steps=()))
    world.apply("v2")
    settle(world, GOOD)
    assert world.stable == "v2"
    assert Reason.CANARY_STARTED not in world.told


def test_many_steps_without_hold_settle_in_one_pass():
    plan = Rollout(
        steps=tuple(Step(weight=w, hold="0s") for w in range(50, 70)),
        gates=(),
        min_requests=0,
        min_ready_seconds=0,
    )
    world = world_in("Preparing", rollout=plan)
    world.apply(replicas=60)
    world.reconcile()
    world.controllers_run()
    world.ready("v1")
    world.scale[V2] = 200
    world.controllers_run()
    world.ready("v2")
    world.reconcile()
    assert world.stable == "v2"


def test_p9_idle_is_free():
    world = settle(world_in("Serving"), GOOD)
    written = len(world.written)
    for _ in range(10):
        world.wait(hours=1)
        assert world.reconcile().wake_after is None
    assert len(world.written) == written
