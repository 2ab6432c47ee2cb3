"""Every reason why a stage is not over, each with a sentence that helps."""

from dataclasses import replace

import pytest
from tests.support.nature import serving_world, world_in
from tests.support.world import NAME, NAMESPACE, TWO_STEPS, judgement, revision_of

from davylamp.api.command_answers import AnswerKind
from davylamp.api.names import Command, Reason
from davylamp.api.spec import Rollout, Step
from davylamp.api.status import Stage
from davylamp.gates import Verdict
from davylamp.rollout import PodState, decide
from davylamp.rollout.wording import RESOURCE

V2 = revision_of("v2")


def ready_candidate(**settings):
    """v2 is preparing and its one pod is ready."""
    world = world_in("Preparing", **settings)
    world.sweep()
    world.controllers_run()
    world.ready("v2")
    return world


def canary_with(verdict=Verdict.PASS, *, requests=1000, **settings):
    """v2 is in its first step, whose hold is over."""
    world = world_in("Canary", **settings)
    world.answers[V2] = judgement(verdict, requests=requests)
    world.wait(minutes=5)
    return world


def held(world, reason, *words):
    decision = world.reconcile()
    assert decision.status.candidate is not None, world.told
    assert decision.status.candidate.waiting_for == reason
    message = world.condition("Ready")[2]
    for word in words:
        assert word in message
    return decision


# --- before any traffic -----------------------------------------------------------------------


def test_a_missing_secret_is_named_and_no_pod_is_made():
    world = serving_world()
    world.apply("v2", missing_secrets=("feature-store",))
    decision = held(world, Reason.SECRET_MISSING, "feature-store", "does not exist")
    assert decision.desired.replicas[V2] == 0
    assert world.condition("Stalled")[0] == "True"
    assert decision.desired.replicas[revision_of("v1")] == 4


def test_a_pause_stops_before_traffic_and_says_how_to_go_on():
    world = ready_candidate()
    world.apply(paused=True)
    held(world, Reason.PAUSED, "spec.paused", "false")


def test_no_step_wide_enough_for_a_whole_pod():
    narrow = Rollout(steps=(Step(weight=5, hold="1m"),))
    world = ready_candidate(rollout=narrow)
    held(world, Reason.STEP_NOT_REACHABLE, "20 %", "spec.replicas", "wider step")
    assert world.condition("Stalled")


def test_no_step_wide_enough_for_the_pods_that_a_policy_demands():
    narrow = Rollout(steps=(Step(weight=25, hold="1m"),), min_deployment_replicas=2)
    world = ready_candidate(rollout=narrow)
    decision = held(world, Reason.STEP_NOT_REACHABLE, "2 canary pods", "34 %", "wider step")
    assert decision.desired.replicas[V2] == 2


def test_pods_that_are_not_ready_say_why():
    world = world_in("Preparing")
    world.controllers_run()
    held(world, Reason.AWAITING_PODS, "0 of 1 pods ready", "readiness probe")


def test_a_tag_that_moved_in_the_registry_gets_no_traffic():
    world = ready_candidate(rollout=Rollout(steps=(Step(weight=40, hold="1m"),)))
    for number, pod in enumerate(list(world.pods[V2])):
        world.change_pod(V2, pod, image_id=f"sha256:{number}")
    held(world, Reason.IMAGE_DIGESTS_DIFFER, "sha256:0", "sha256:1", "spec.image.digest")
    assert world.serving() == {revision_of("v1")}


REPOSITORY = "registry.example/model"


@pytest.mark.parametrize(
    "ids",
    [
        (f"{REPOSITORY}@sha256:1", f"{REPOSITORY}@sha256:1"),
        (f"{REPOSITORY}@sha256:1", "sha256:2"),  # loaded onto one node without a registry
        (f"{REPOSITORY}@sha256:1", "mirror.example/model@sha256:2"),
    ],
)
def test_image_ids_are_compared_in_like_spellings_only(ids):
    world = ready_candidate(rollout=Rollout(steps=(Step(weight=40, hold="1m"),)))
    for pod, image_id in zip(list(world.pods[V2]), ids, strict=True):
        world.change_pod(V2, pod, image_id=image_id)
    decision = world.decide()
    assert decision.status.candidate.waiting_for is not Reason.IMAGE_DIGESTS_DIFFER


def test_image_ids_are_not_compared_where_the_spec_names_the_digest():
    world = ready_candidate(rollout=Rollout(steps=(Step(weight=40, hold="1m"),)))
    for number, pod in enumerate(list(world.pods[V2])):
        world.change_pod(V2, pod, image_id=f"{REPOSITORY}@sha256:{number}")
    held(world, Reason.IMAGE_DIGESTS_DIFFER)
    seen = world.observe()
    pinned = seen.target.model_copy(update={"digest": f"sha256:{'a' * 64}"})
    decision = decide(world.status, replace(seen, target=pinned), name=NAME, namespace=NAMESPACE)
    assert decision.status.candidate.waiting_for is not Reason.IMAGE_DIGESTS_DIFFER


def test_image_ids_that_differ_among_stables_pods_too_are_those_of_unlike_nodes():
    world = ready_candidate(rollout=Rollout(steps=(Step(weight=40, hold="1m"),)))
    for number, pod in enumerate(list(world.pods[V2])):
        world.change_pod(V2, pod, image_id=f"sha256:{number}")
    held(world, Reason.IMAGE_DIGESTS_DIFFER)
    stable = revision_of("v1")
    for number, pod in enumerate(list(world.pods[stable])):
        world.change_pod(stable, pod, image_id=f"sha256:a{number % 2}")
    decision = world.decide()
    assert decision.status.candidate.waiting_for is not Reason.IMAGE_DIGESTS_DIFFER


def test_a_user_who_knows_better_promotes_images_that_differ_by_architecture():
    world = ready_candidate(rollout=Rollout(steps=(Step(weight=40, hold="1m"),)))
    for number, pod in enumerate(list(world.pods[V2])):
        world.change_pod(V2, pod, image_id=f"sha256:{number}")
    held(world, Reason.IMAGE_DIGESTS_DIFFER, f"{Command.PROMOTE}={V2}")
    world.say(Command.PROMOTE, "v2")
    decision = world.reconcile()
    assert decision.status.commands[0].answer is AnswerKind.ACCEPTED
    assert decision.status.candidate.waiting_for is not Reason.IMAGE_DIGESTS_DIFFER


def test_old_pods_that_an_open_service_would_reach():
    world = ready_candidate()
    world.pods["0000000old"] = [PodState("stuck", terminating=True)]
    held(world, Reason.AWAITING_OLD_PODS, "0000000old", "kubectl delete pod --force stuck")
    world.pods["0000000old"] = [PodState("slow", terminating=True, killed_at=world.now)]
    held(world, Reason.AWAITING_OLD_PODS, f"until {world.now:%H:%M:%SZ} at the latest", "SIGTERM")


def test_stable_that_lacks_pods_would_raise_the_share():
    world = ready_candidate()
    world.unready("v1")
    held(world, Reason.STABLE_DEGRADED, "3 of 4")


def test_pods_that_prometheus_has_not_seen_get_no_traffic_for_a_while():
    world = ready_candidate()
    world.first_scrape_seen = False
    held(world, Reason.AWAITING_FIRST_SCRAPE)
    world.wait(seconds=21)
    world.reconcile()
    assert world.stage is Stage.CANARY


def test_p3_no_canary_starts_while_the_metrics_cannot_be_asked():
    world = ready_candidate()
    world.source_error = "connection refused"
    held(world, Reason.AWAITING_DATA, "connection refused", f"{Command.PROMOTE}={V2}")
    world.source_error = None
    world.reconcile()
    assert world.stage is Stage.CANARY


# --- in the canary ----------------------------------------------------------------------------


def test_nothing_holds_a_step_that_is_over():
    world = canary_with()
    world.reconcile()
    assert world.status.candidate.step == 2


def test_a_pause_holds_the_step():
    world = canary_with()
    world.apply(paused=True)
    held(world, Reason.PAUSED)
    assert V2 in world.serving()


def test_the_hold_of_a_step_is_kept():
    world = world_in("Canary")
    world.answers[V2] = judgement(Verdict.PASS)
    held(world, Reason.HOLDING, "step 1 holds until")


def test_a_paused_step_waits_for_a_user_and_says_what_to_type():
    plan = Rollout(steps=(Step(weight=25, pause=True), Step(weight=40, hold="1m")))
    world = canary_with(rollout=plan)
    typed = f"kubectl annotate --overwrite {RESOURCE}/{NAME} {Command.ADVANCE}={V2}@1"
    held(world, Reason.AWAITING_APPROVAL, typed)
    world.say(Command.ADVANCE, "v2", "1")
    world.reconcile()
    assert world.status.candidate.step == 2


def test_p3_gates_that_were_not_asked_hold():
    world = canary_with()
    world.answers.clear()
    held(world, Reason.AWAITING_DATA, "not been evaluated")


def test_p3_a_gate_without_data_holds_and_says_which_kind():
    world = canary_with(Verdict.UNKNOWN)
    held(world, Reason.AWAITING_DATA, "gate errors: NoTraffic")


def test_too_few_requests_hold():
    world = canary_with(requests=7)
    held(world, Reason.AWAITING_EVIDENCE, "7 of 50", "minRequests")


def test_requests_count_from_the_beginning_of_the_step():
    world = canary_with()
    world.reconcile()
    world.controllers_run()
    world.ready("v2")
    world.wait(minutes=5)
    world.answers[V2] = judgement(Verdict.PASS, requests=1049)
    held(world, Reason.AWAITING_EVIDENCE, "step 2 has had 49 of 50")


def test_undecided_gates_let_a_middle_step_pass_but_not_the_last():
    world = canary_with(Verdict.UNDECIDED)
    world.reconcile()
    assert world.status.candidate.step == 2
    world.controllers_run()
    world.ready("v2")
    world.wait(minutes=5)
    world.answers[V2] = judgement(Verdict.UNDECIDED, requests=9000)
    held(world, Reason.AWAITING_EVIDENCE, "gate errors")


def test_stable_that_lacks_pods_holds_a_step_only_for_a_while():
    world = world_in("Canary", rollout=TWO_STEPS.model_copy(update={"min_requests": 0}))
    world.answers[V2] = judgement(Verdict.PASS)
    world.wait(seconds=61)
    world.unready("v1")
    held(world, Reason.STABLE_DEGRADED, "3 of 4")
    world.wait(seconds=61)
    world.reconcile()
    assert world.status.candidate.step == 2


def test_past_the_deadline_a_user_decides():
    world = canary_with(Verdict.UNDECIDED)
    world.wait(hours=3)
    decision = held(world, Reason.DEADLINE_EXCEEDED, "2h", Command.PROMOTE, Command.ABORT)
    assert world.condition("Stalled")[1] == Reason.DEADLINE_EXCEEDED
    assert decision.desired.route.opened


def test_a_secret_deleted_mid_canary_leaves_running_pods_alone():
    world = canary_with()
    world.missing_secrets = ("feature-store",)
    decision = world.reconcile()
    assert world.status.candidate.step == 2
    assert decision.desired.replicas[V2] == 1  # the second pod could not start
    held(world, Reason.SECRET_MISSING, "feature-store")
    assert V2 in world.serving()


def test_promotion_waits_for_full_capacity():
    world = world_in("Promoting")
    world.controllers_run()
    held(world, Reason.AWAITING_PODS, "2 of 4")
    assert world.stable == "v1"
