"""No traffic before every check of the plan has passed, whatever a user says; and why not."""

import json
import shlex

import pytest
from tests.support.nature import Model, serving_world, settle, world_in
from tests.support.world import NAME, NOBODY, TWO_STEPS, Children, revision_of

from davylamp.api.names import Command, Reason
from davylamp.api.spec import CheckName
from davylamp.api.status import Outcome, Stage
from davylamp.api.status_parts import CheckStatus
from davylamp.checks import CheckVerdict
from davylamp.rollout.holds.checks import sentence
from davylamp.rollout.wording import RESOURCE

V1, V2 = revision_of("v1"), revision_of("v2")
GOOD = {"v1": Model.GOOD, "v2": Model.GOOD}
UNCHECKED = TWO_STEPS.model_copy(update={"checks": ()})
PASS, FAIL, UNKNOWN = CheckVerdict.PASS, CheckVerdict.FAIL, CheckVerdict.UNKNOWN


def ready(answers, **settings):
    """v2 is preparing, its pod is ready and answers the checks like this."""
    world = world_in("Preparing", **settings)
    world.checks[V2] = answers
    world.sweep()
    world.controllers_run()
    world.ready("v2")
    return world


def test_nothing_opens_before_a_pod_was_asked():
    world = ready(None)
    world.reconcile()
    candidate = world.status.candidate
    assert (candidate.stage, candidate.waiting_for) == (Stage.PREPARING, Reason.AWAITING_CHECKS)
    assert world.serving() == {V1}
    message = world.condition("Ready")[2]
    assert "Manifest, Golden, Explain, Bias: no pod has answered yet" in message
    assert f"kubectl annotate --overwrite {RESOURCE}/{NAME} {Command.ABORT}={V2}" in message


def test_what_passed_is_remembered_and_the_canary_begins():
    world = ready({})
    world.reconcile()
    checks = world.status.candidate.checks
    assert [(c.name, c.verdict) for c in checks] == [(n, "Pass") for n in CheckName]
    assert {c.at for c in checks} == {world.now}
    assert world.serving() == {V1, V2}


@pytest.mark.parametrize("check", list(CheckName))
def test_one_failed_check_takes_it_back_with_its_sentence(check):
    world = ready({check: FAIL})
    world.reconcile()
    rejection = world.status.rejected[0]
    assert (rejection.tag, rejection.reason) == ("v2", Reason.CHECK_FAILED)
    assert rejection.message == f"check {check}: 8 golden requests: fail"
    assert world.status.history[0].outcome is Outcome.ROLLED_BACK
    assert world.serving() == {V1}
    assert world.condition("Stalled")[0] == "True"
    assert rejection.message in world.condition("Ready")[2]
    assert world.told[-1] == Reason.ROLLED_BACK


def test_the_first_revision_is_checked_too():
    world = Children()
    settle(world, {"v1": Model.WRONG})
    assert (world.stable, world.rejected, world.selector) == (None, {"v1"}, NOBODY)
    assert "nothing served before it" in world.notices[-1].message


def test_a_user_who_promotes_does_not_skip_the_checks():
    world = ready(None)
    world.say(Command.PROMOTE, "v2")
    world.reconcile()
    assert world.status.candidate.promote_requested
    assert world.status.candidate.waiting_for == Reason.AWAITING_CHECKS
    world.checks[V2] = {CheckName.BIAS: FAIL}
    world.reconcile()
    assert world.rejected == {"v2"}


def test_without_checks_everything_is_as_before():
    world = ready(None, rollout=UNCHECKED)
    world.reconcile()
    assert world.serving() == {V1, V2}
    assert world.status.candidate.checks == ()


def test_checks_that_the_spec_asks_no_more_for_hold_nobody():
    world = ready({CheckName.EXPLAIN: UNKNOWN})
    world.reconcile()
    assert world.status.candidate.waiting_for == Reason.AWAITING_CHECKS
    world.apply(rollout=TWO_STEPS.model_copy(update={"checks": (CheckName.GOLDEN,)}))
    world.reconcile()
    assert world.serving() == {V1, V2}
    assert [c.name for c in world.status.candidate.checks] == ["Golden"]


def test_a_check_that_is_added_in_time_is_waited_for():
    world = ready({CheckName.BIAS: UNKNOWN}, rollout=UNCHECKED)
    world.apply(rollout=TWO_STEPS)
    world.reconcile()
    assert world.status.candidate.waiting_for == Reason.AWAITING_CHECKS
    assert world.serving() == {V1}


def test_what_passed_stands_although_the_pod_is_silent_later():
    world = ready({CheckName.BIAS: UNKNOWN})
    world.reconcile()
    world.checks[V2] = dict.fromkeys(CheckName, UNKNOWN) | {CheckName.BIAS: PASS}
    world.wait(seconds=4)
    world.reconcile()
    assert world.serving() == {V1, V2}


def test_once_it_has_traffic_nothing_is_checked_again():
    world = world_in("Canary")
    checks = world.status.candidate.checks
    world.checks[V2] = dict.fromkeys(CheckName, FAIL)
    settle(world, GOOD, until=lambda w: w.stage is Stage.PROMOTING)
    assert world.status.candidate.checks == checks


def test_a_revision_that_returns_is_not_checked_before_its_traffic():
    world = settle(world_in("Serving"), GOOD)
    world.checks[V1] = dict.fromkeys(CheckName, FAIL)
    world.apply("v1")
    settle(world, GOOD)
    assert (world.stable, world.rejected) == ("v1", set())


# --- silence ------------------------------------------------------------------------------------


def test_silence_holds_and_is_told_since_when():
    world = ready({CheckName.GOLDEN: UNKNOWN})
    world.reconcile()
    since = world.status.candidate.checks[1].at
    world.wait(seconds=30)
    world.reconcile()
    assert world.status.candidate.checks[1].at == since
    assert world.status.candidate.waiting_for == Reason.AWAITING_CHECKS
    assert "check Golden: 8 golden requests: unknown" in world.condition("Ready")[2]


def test_silence_past_the_progress_deadline_is_rolled_back():
    world = serving_world()
    world.apply("v2")
    began = world.now
    settle(world, {"v1": Model.GOOD, "v2": Model.SILENT})
    rejection = world.status.rejected[0]
    assert rejection.reason == Reason.CHECK_FAILED
    assert rejection.message.startswith("not answered within 10m: checks Manifest, Golden, ")
    assert 600 < (rejection.at - began).total_seconds() < 640


def test_pods_that_got_ready_while_no_operator_ran_are_asked_before_anything_is_decided():
    world = ready(None)
    world.wait(hours=3)
    world.reconcile()
    assert world.candidate == "v2"
    world.checks[V2] = dict.fromkeys(CheckName, UNKNOWN)
    world.reconcile()
    assert world.candidate == "v2"
    world.checks[V2] = {}
    world.reconcile()
    assert world.serving() == {V1, V2}


def test_a_pause_stops_the_clock_but_not_a_failed_check():
    world = ready({CheckName.GOLDEN: UNKNOWN})
    world.apply(paused=True)
    world.wait(hours=1)
    world.reconcile()
    assert (world.candidate, world.status.candidate.waiting_for) == ("v2", Reason.PAUSED)
    world.checks[V2] = {CheckName.GOLDEN: FAIL}
    world.reconcile()
    assert world.rejected == {"v2"}


def test_a_retried_revision_is_checked_anew():
    world = ready({CheckName.GOLDEN: FAIL})
    world.reconcile()
    world.checks[V2] = {}
    world.wait(minutes=1)
    world.say(Command.RETRY, "v2")
    settle(world, GOOD)
    assert world.stable == "v2"


# --- sentences ----------------------------------------------------------------------------------


def test_a_finding_that_checks_share_is_told_once():
    def check(name, message):
        return CheckStatus(
            name=name, verdict="Fail", reason="X", message=message, at=Children().now
        )

    found = [check("Manifest", "no manifest"), check("Golden", "no manifest"), check("Bias", "gap")]
    assert sentence(found) == "checks Manifest, Golden: no manifest; check Bias: gap"


# --- a check that does not fit the model ----------------------------------------------------------


def typed(message):
    """The commands that a sentence prints, as words of a shell."""
    return [shlex.split(command) for command in message.split("`")[1::2]]


@pytest.mark.parametrize("first", [False, True], ids=["a later revision", "the first revision"])
def test_a_failed_check_that_is_left_out_as_printed_lets_the_revision_be_tried_again(first):
    answers = {CheckName.EXPLAIN: FAIL, CheckName.BIAS: FAIL}
    if first:
        world = Children()
        world.checks[V1] = answers
        settle(world, GOOD)
    else:
        world = ready(answers)
        world.reconcile()
    tag = "v1" if first else "v2"
    assert world.rejected == {tag}
    message = world.condition("Stalled")[2]
    patch, retry = typed(message)
    resource = f"{RESOURCE}/{NAME}"
    assert patch[:6] == ["kubectl", "patch", resource, "--type", "merge", "-p"]
    checks = json.loads(patch[6])["spec"]["rollout"]["checks"]
    assert checks == ["Manifest", "Golden"]

    world.apply(rollout=world.rollout.model_copy(update={"checks": tuple(map(CheckName, checks))}))
    settle(world, GOOD)
    assert world.rejected == {tag}, "P6: a plan is no new revision"
    message = world.condition("Stalled")[2]
    assert "Explain, Bias: no longer in spec.rollout.checks" in message
    assert typed(message) == [retry]

    command, value = retry[4].split("=")
    world.commands[Command(command)] = value
    settle(world, GOOD)
    assert (world.stable, world.rejected) == (tag, set())
