"""Scripts of what clusters do: nobody is rejected for what is not its own doing, and whatever is, ends."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.nature import world_in
from tests.support.world import NODES, TWO_STEPS, judgement, revision_of

from davylamp.api.names import Reason
from davylamp.gates import Verdict

V1, V2 = revision_of("v1"), revision_of("v2")
DEADLINE = 120
PLAN = TWO_STEPS.model_copy(update={"progress_deadline": f"{DEADLINE}s", "checks": ()})
WORKS = {
    "waiting_reason": None,
    "waiting_message": None,
    "unscheduled": None,
    "running": True,
    "started": True,
}
KEEPS = (
    {"waiting_reason": "ImagePullBackOff", "waiting_message": "no such host"},
    {"waiting_reason": "ErrImagePull", "waiting_message": "429 Too Many Requests"},
    {"waiting_reason": "CreateContainerConfigError", "waiting_message": 'secret "s" not found'},
    {"unscheduled": "0/2 nodes are available"},
)
LOOPS = {"waiting_reason": "CrashLoopBackOff", "running": False, "last_exit_code": 1}
SKEWS = st.sampled_from([-86400, -600, 0, 600, 86400])
PAUSES = st.sampled_from([1, 15, 45, 100, 119, 121, 300])
KEPT = st.sampled_from(KEEPS).map(lambda changes: ("kept", changes))
EVENTS = st.one_of(
    KEPT,
    KEPT,
    st.just(("works", WORKS)),
    st.just(("works", LOOPS)),
    st.tuples(st.just("leader"), SKEWS),
    st.tuples(st.just("node"), SKEWS),
    st.just(("over", None)),
)
SCRIPTS = st.lists(st.tuples(EVENTS, PAUSES), min_size=1, max_size=12)
QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def preparing():
    world = world_in("Preparing", rollout=PLAN)
    world.controllers_run()
    return world


def happens(world, kind, what):
    """One event; whether the pod is at work from now on, None where that is as before."""
    match kind:
        case "leader":
            world.wait(seconds=what)
            world.operator_restarts()
            return None
        case "node":
            world.skew = timedelta(seconds=what)
            return None
        case "over":
            world.fail("v2", "Evicted", "The node was low on resource: memory.")
            world.controllers_run()
            return "anew"
        case _:
            for pod in [pod for pod in world.pods[V2] if pod.living]:
                world.change_pod(V2, pod, **{**WORKS, **what})
            return kind


@QUICK
@given(script=SCRIPTS)
def test_before_traffic_a_revision_has_all_its_time_and_nothing_in_its_way(script):
    """In real seconds, which no clock of the cluster knows."""
    world = preparing()
    at_work = 0.0
    is_kept = False
    for (kind, what), pause in script:
        state = happens(world, kind, what)
        if state is not None:
            at_work = at_work if (state, is_kept) == ("works", False) else 0.0
            is_kept = state == "kept"
        for seconds in (0, pause):
            world.wait(seconds=seconds)
            at_work += 0 if is_kept else seconds
            world.reconcile()
            if world.rejected:
                assert not is_kept
                assert at_work >= DEADLINE
                return


@QUICK
@given(script=SCRIPTS)
def test_p4_a_revision_that_never_gets_ready_ends_or_says_what_to_type(script):
    world = preparing()
    for (kind, what), pause in script:
        happens(world, kind, what)
        world.wait(seconds=pause)
        world.reconcile()
    for _ in range(60):
        world.wait(seconds=60)
        world.reconcile()
    if not world.rejected:
        assert "kubectl annotate" in world.condition("Stalled")[2]
    else:
        assert world.serving() == {V1}


# --- in traffic -------------------------------------------------------------------------------------

FAULTS = st.sampled_from(["unready", "ends", "loops", "node"])
INCIDENTS = st.lists(
    st.tuples(FAULTS, st.permutations(["v1", "v2"]), st.integers(1, 60), st.integers(1, 90)),
    min_size=1,
    max_size=8,
)


def in_canary(stage="Canary"):
    world = world_in(stage)
    world.controllers_run()
    world.answers[V2] = judgement(Verdict.UNDECIDED)
    return world


def breaks(world, tag, fault):
    """One pod of a tag is in trouble."""
    (pod, *_) = [pod for pod in world.pods[revision_of(tag)] if pod.living and pod.was_ready]
    model = pod.containers[0]
    match fault:
        case "ends":
            ended = replace(model, restarts=model.restarts + 1, last_exit_code=137)
            world.change_pod(revision_of(tag), pod, containers=(ended,))
        case "loops":
            world.unready(tag, restarts=model.restarts + 1, **LOOPS)
        case _:
            world.unready(tag)


@QUICK
@given(incidents=INCIDENTS, stage=st.sampled_from(["Canary", "Promoting", "Probation"]))
def test_p2_what_both_revisions_show_within_minutes_rolls_nobody_back(incidents, stage):
    world = in_canary(stage)
    for fault, (first, second), between, lasts in incidents:
        if fault == "node":
            for node in NODES:
                world.lose(node)
        else:
            breaks(world, first, fault)
            # the canary may be first by less than the grace that readiness has
            world.wait(seconds=min(between, 20) if first == "v2" else between)
            world.reconcile()
            assert not world.rejected
            breaks(world, second, fault)
        for seconds in (0, lasts):
            world.wait(seconds=seconds)
            world.reconcile()
            assert not world.rejected
        for node in NODES:
            world.recover(node)
        world.ready("v1")
        world.ready("v2")
        world.reconcile()
        assert not world.rejected


@QUICK
@given(
    fault=st.sampled_from(["unready", "loops"]),
    noise=st.sampled_from([None, "unready", "ends", "loops"]),
    skew=SKEWS,
)
def test_p4_a_canary_that_alone_is_in_trouble_is_rolled_back_in_the_end(fault, noise, skew):
    world = in_canary()
    world.skew = timedelta(seconds=skew)
    if noise:
        breaks(world, "v1", noise)
        world.reconcile()
        world.ready("v1")
    breaks(world, "v2", fault)
    for _ in range(8):
        world.reconcile()
        world.wait(minutes=1)
    reasons = {entry.reason for entry in world.status.rejected}
    assert reasons <= {Reason.READINESS_LOST, Reason.CRASH_LOOP}
    assert world.rejected == {"v2"}
