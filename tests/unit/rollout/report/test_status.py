"""What people read: conditions by the rules of kstatus, and sentences that say what to type."""

from datetime import timedelta

import pytest
from tests.support.nature import Model, serving_world, settle, world_in
from tests.support.world import START, Children, judgement, revision_of

from davylamp.api.names import Reason
from davylamp.api.spec import Rollout, Step
from davylamp.gates import Verdict
from davylamp.rollout.report.refusal import refused

V2 = revision_of("v2")
STAGES = ["Preparing", "Canary", "Step2", "Promoting", "Probation", "Serving"]


def conditions(world):
    return {c.type: c.status for c in world.status.conditions}


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        *((s, {"Ready": "False", "Reconciling": "True"}) for s in STAGES[:4]),
        ("Probation", {"Ready": "True"}),
        ("Serving", {"Ready": "True"}),
    ],
)
def test_kstatus_reads_the_stage(stage, expected):
    assert conditions(world_in(stage)) == {"Available": "True", **expected}


def test_the_first_revision_is_neither_ready_nor_failed_yet():
    world = Children()
    world.reconcile()
    assert conditions(world) == {"Ready": "Unknown", "Available": "False", "Reconciling": "True"}


def test_a_rollback_stalls_so_that_waiting_tools_stop():
    world = world_in("Canary")
    settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS})
    assert conditions(world) == {
        "Ready": "False",
        "Available": "True",
        "Stalled": "True",
        "RollbackVerified": "True",
    }
    message = world.condition("Stalled")[2]
    for words in ("v2 rolled back", "v1 is serving", "GateFailed", "kubectl annotate", V2):
        assert words in message
    assert "diabetes-risk" in message


def test_a_hold_that_only_a_user_can_end_stalls():
    world = serving_world(rollout=Rollout(steps=(Step(weight=5, hold="1m"),)))
    world.apply("v2")
    settle(world, {"v1": Model.GOOD, "v2": Model.GOOD}, until=lambda w: w.condition("Stalled"))
    assert conditions(world)["Stalled"] == "True"
    assert "Reconciling" not in conditions(world)


@pytest.mark.parametrize("stage", STAGES)
def test_every_condition_speaks_of_this_generation_with_a_reason_and_a_sentence(stage):
    for condition in world_in(stage).status.conditions:
        assert condition.observed_generation == 2
        assert condition.reason in set(Reason)
        assert len(condition.message.split()) > 1
        assert "NAME" not in condition.message


def test_transition_times_change_only_with_the_status():
    world = world_in("Canary")
    since = {c.type: c.last_transition_time for c in world.status.conditions}
    world.wait(minutes=1)
    world.reconcile()
    assert {c.type: c.last_transition_time for c in world.status.conditions} == since


def test_a_stable_short_of_pods_says_so():
    world = serving_world()
    world.unready("v1")
    world.reconcile()
    assert world.condition("Reconciling")[1] == Reason.AWAITING_PODS
    assert "3 of 4" in world.condition("Ready")[2]
    world.unready("v1", count=4)
    world.reconcile()
    assert conditions(world)["Ready"] == "False"
    assert conditions(world)["Available"] == "False"


def test_the_scale_subresource_sees_the_serving_pods():
    status = world_in("Serving").status
    assert status.replicas == 4
    assert status.ready_replicas == 4
    assert status.selector == f"davylamp.dev/model=diabetes-risk,davylamp.dev/revision={V2}"


def test_numbers_of_a_gate_that_did_not_change_keep_their_time():
    world = world_in("Canary")
    world.answers[V2] = judgement(Verdict.UNDECIDED, requests=10)
    world.reconcile()
    written = world.status.candidate.gates[0].at
    world.wait(seconds=5)
    world.reconcile()
    assert world.status.candidate.gates[0].at == written
    world.answers[V2] = judgement(Verdict.PASS, requests=90)
    world.reconcile()
    gate = world.status.candidate.gates[0]
    assert (gate.name, gate.verdict, gate.requests, gate.stable_requests) == (
        "errors",
        "Pass",
        90,
        360,
    )
    assert gate.at == world.now


def test_probation_shows_its_gates():
    world = world_in("Probation")
    world.answers[V2] = judgement(Verdict.PASS)
    world.reconcile()
    assert world.status.probation_gates[0].verdict == "Pass"


def test_the_digest_of_the_pods_is_kept_when_they_agree():
    world = world_in("Canary")
    for pod in list(world.pods[V2]):
        world.change_pod(V2, pod, image_id="sha256:abc")
    world.reconcile()
    assert world.status.candidate.digest == "sha256:abc"


@pytest.mark.parametrize("stage", STAGES)
def test_a_refused_spec_stalls_and_leaves_the_memory_alone(stage):
    before = world_in(stage).status
    after = refused(
        before,
        generation=9,
        now=START + timedelta(hours=1),
        reason=Reason.INVALID_SPEC,
        message="spec.seed: too big",
    )
    told = {c.type: (c.status, c.reason) for c in after.conditions}
    assert told["Ready"] == ("False", "InvalidSpec")
    assert told["Stalled"] == ("True", "InvalidSpec")
    assert told["Available"][0] == "True"
    assert "Reconciling" not in told
    unchanged = {"conditions": before.conditions, "observed_generation": 2}
    assert after.model_copy(update=unchanged) == before
