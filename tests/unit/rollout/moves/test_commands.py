"""Commands: every one in every stage, acted on once, never on another revision."""

import pytest
from tests.support.nature import Model, serving_world, settle, world_in
from tests.support.world import NAME, revision_of

from davylamp.api.names import Command, Reason
from davylamp.api.spec import Rollout, Step
from davylamp.api.status import Outcome, Stage
from davylamp.rollout.wording import RESOURCE

V2 = revision_of("v2")
GOOD = {"v1": Model.GOOD, "v2": Model.GOOD, "v3": Model.GOOD}


def returning():
    """v1 is on its way back, its pods not ready yet; v2 serves."""
    world = settle(world_in("Serving"), GOOD)
    world.apply("v1")
    world.reconcile()
    assert world.stage is Stage.RETURNING
    return world


def rejected():
    world = world_in("Canary")
    return settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS})


def not_begun():
    world = serving_world()
    world.apply("v2", paused=True)
    world.reconcile()
    assert world.candidate is None
    return world


def in_stage(stage):
    made = {"Returning": returning, "Rejected": rejected, "NotBegun": not_begun}
    return made[stage]() if stage in made else world_in(stage)


def meant(stage):
    """The tag a user means in a stage."""
    return "v1" if stage == "Returning" else "v2"


# after the command and one pass: who serves, who is on the way (and where), who is rejected
OUTCOMES = [
    ("Preparing", Command.ABORT, "v1", None, {"v2"}),
    ("Canary", Command.ABORT, "v1", None, {"v2"}),
    ("Step2", Command.ABORT, "v1", None, {"v2"}),
    ("Promoting", Command.ABORT, "v1", None, {"v2"}),
    ("Probation", Command.ABORT, "v1", None, {"v2"}),
    ("Serving", Command.ABORT, "v2", None, set()),
    ("Returning", Command.ABORT, "v2", None, {"v1"}),
    ("Rejected", Command.ABORT, "v1", None, {"v2"}),
    ("NotBegun", Command.ABORT, "v1", None, {"v2"}),
    ("Preparing", Command.PROMOTE, "v1", Stage.PREPARING, set()),  # no pod is ready yet
    ("Canary", Command.PROMOTE, "v1", Stage.PROMOTING, set()),
    ("Step2", Command.PROMOTE, "v1", Stage.PROMOTING, set()),
    ("Promoting", Command.PROMOTE, "v1", Stage.PROMOTING, set()),
    ("Probation", Command.PROMOTE, "v2", None, set()),
    ("Serving", Command.PROMOTE, "v2", None, set()),
    ("Returning", Command.PROMOTE, "v2", Stage.RETURNING, set()),
    ("Rejected", Command.PROMOTE, "v1", None, {"v2"}),
    ("NotBegun", Command.PROMOTE, "v1", None, set()),
    ("Preparing", Command.ADVANCE, "v1", Stage.PREPARING, set()),
    ("Canary", Command.ADVANCE, "v1", Stage.CANARY, set()),
    ("Step2", Command.ADVANCE, "v1", Stage.CANARY, set()),
    ("Promoting", Command.ADVANCE, "v1", Stage.PROMOTING, set()),
    ("Probation", Command.ADVANCE, "v2", None, set()),
    ("Serving", Command.ADVANCE, "v2", None, set()),
    ("Returning", Command.ADVANCE, "v2", Stage.RETURNING, set()),
    ("Rejected", Command.ADVANCE, "v1", None, {"v2"}),
    ("NotBegun", Command.ADVANCE, "v1", None, set()),
    ("Preparing", Command.RETRY, "v1", Stage.PREPARING, set()),
    ("Canary", Command.RETRY, "v1", Stage.CANARY, set()),
    ("Step2", Command.RETRY, "v1", Stage.CANARY, set()),
    ("Promoting", Command.RETRY, "v1", Stage.PROMOTING, set()),
    ("Probation", Command.RETRY, "v2", None, set()),
    ("Serving", Command.RETRY, "v2", None, set()),
    ("Returning", Command.RETRY, "v2", Stage.RETURNING, set()),
    ("Rejected", Command.RETRY, "v1", Stage.PREPARING, set()),
    ("NotBegun", Command.RETRY, "v1", None, set()),
]
EVERY = [(stage, command) for stage, command, *_ in OUTCOMES]


@pytest.mark.parametrize(("stage", "command", "serves", "on_the_way", "refused"), OUTCOMES)
def test_p4_every_command_in_every_stage(stage, command, serves, on_the_way, refused):
    world = in_stage(stage)
    world.say(command, meant(stage), "now")
    world.reconcile()
    assert (world.stable, world.stage, world.rejected) == (serves, on_the_way, refused)


@pytest.mark.parametrize(("stage", "command"), EVERY)
def test_saying_it_again_in_the_same_words_changes_nothing(stage, command):
    world = in_stage(stage)
    world.checks = dict.fromkeys(world.records, None)  # a rollback is not verified meanwhile
    world.say(command, meant(stage), "now")
    world.reconcile()
    before = world.copy()
    told = len(world.notices)
    world.reconcile()
    assert world.stored == before.stored
    assert world.notices[told:] == []


@pytest.mark.parametrize(("stage", "command"), EVERY)
def test_a_command_for_another_revision_changes_nothing(stage, command):
    world = in_stage(stage)
    other = world.copy()
    world.say(command, "v9", "now")
    world.reconcile()
    other.reconcile()
    assert world.status.model_copy(update={"handled": other.status.handled}) == other.status


def test_p6_a_retry_said_before_the_rejection_does_not_undo_it():
    world = world_in("Canary")
    world.say(Command.RETRY, "v2")
    settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS})
    assert world.rejected == {"v2"}
    assert world.told.count(Reason.ROLLED_BACK) == 1


def test_a_retry_works_once_and_again_with_another_suffix():
    models = {"v1": Model.GOOD, "v2": Model.ERRORS}
    world = rejected()
    world.say(Command.RETRY, "v2", "1")
    settle(world, models)
    assert world.told.count(Reason.ROLLED_BACK) == 2
    settle(world, models)
    assert world.told.count(Reason.ROLLED_BACK) == 2
    world.say(Command.RETRY, "v2", "2")
    settle(world, models)
    assert world.told.count(Reason.ROLLED_BACK) == 3


def test_the_retry_the_status_proposes_works():
    world = rejected()
    message = world.condition("Stalled")[2]
    proposed = f"`kubectl annotate --overwrite {RESOURCE}/{NAME} "
    words = message.split(proposed)[1].removesuffix("`")
    command, value = words.split("=")
    world.commands[Command(command)] = value
    settle(world, GOOD)
    assert world.stable == "v2"


def test_abort_and_retry_at_once_end_aborted():
    world = world_in("Canary")
    world.say(Command.ABORT, "v2", "1")
    world.say(Command.RETRY, "v2", "1")
    world.reconcile()
    assert world.rejected == {"v2"}
    assert world.candidate is None


def test_an_abort_is_remembered_as_one():
    world = world_in("Canary")
    world.say(Command.ABORT, "v2")
    decision = world.reconcile()
    assert world.status.history[0].outcome is Outcome.ABORTED
    assert world.status.rejected[0].reason == Reason.ABORTED
    assert [n.reason for n in decision.notices] == [Reason.ABORTED]


def test_an_abort_with_nothing_to_abort_says_so_once():
    world = world_in("Serving")
    world.say(Command.ABORT, "v2")
    settle(world, GOOD)
    assert world.told.count(Reason.NOTHING_TO_ABORT) == 1
    assert world.stable == "v2"


def test_an_abort_before_the_beginning_is_told():
    world = not_begun()
    world.say(Command.ABORT, "v2")
    world.reconcile()
    assert world.told[-1] == Reason.ABORTED
    world.apply(paused=False)
    settle(world, GOOD)
    assert world.stable == "v1"


@pytest.mark.parametrize("model", [Model.CRASHES, Model.UNREADY])
def test_an_abort_while_the_pods_do_not_even_start(model):
    world = serving_world()
    world.apply("v2")
    settle(world, {"v1": Model.GOOD, "v2": model}, until=lambda w: w.candidate == "v2")
    world.say(Command.ABORT, "v2")
    world.reconcile()
    assert (world.stable, world.rejected) == ("v1", {"v2"})


def test_promote_skips_steps_gates_and_pause():
    world = world_in("Canary")
    world.apply(paused=True)
    world.say(Command.PROMOTE, "v2")
    settle(world, {"v1": Model.GOOD, "v2": Model.BLIND})
    assert world.stable == "v2"


def test_promote_does_not_skip_a_failing_gate():
    world = world_in("Canary")
    world.say(Command.PROMOTE, "v2")
    settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS})
    assert (world.stable, world.rejected) == ("v1", {"v2"})


def test_promote_waits_for_pods():
    world = world_in("Canary")
    world.say(Command.PROMOTE, "v2")
    world.reconcile()
    assert world.stage is Stage.PROMOTING
    world.controllers_run()
    world.reconcile()
    assert world.stable == "v1"
    world.ready("v2")
    world.wait(seconds=9)
    world.reconcile()
    assert world.stable == "v1"
    world.wait(seconds=1)
    world.reconcile()
    assert world.stable == "v2"


def test_p4_a_promotion_that_gets_no_pods_says_how_to_stop_it():
    world = world_in("Step2")
    world.say(Command.PROMOTE, "v2")
    world.reconcile()
    world.wait(minutes=10, seconds=1)
    world.reconcile()
    assert (world.stage, world.rejected) == (Stage.PROMOTING, set())
    status, reason, message = world.condition("Stalled")
    assert (status, reason) == ("True", Reason.PROGRESS_DEADLINE_EXCEEDED)
    assert f"{Command.ABORT}={revision_of('v2')}" in message


def test_advance_lets_one_paused_step_pass():
    plan = Rollout(steps=(Step(weight=25, pause=True), Step(weight=40, pause=True)))
    world = world_in("Canary", rollout=plan)
    settle(world, GOOD, until=lambda w: w.status.candidate.waiting_for == Reason.AWAITING_APPROVAL)
    world.say(Command.ADVANCE, "v2", "1")
    settle(world, GOOD, until=lambda w: w.status.candidate.step == 2)
    waits = lambda w: w.status.candidate.waiting_for == Reason.AWAITING_APPROVAL  # noqa: E731
    settle(world, GOOD, until=waits)
    world.say(Command.ADVANCE, "v2", "2")
    settle(world, GOOD)
    assert world.stable == "v2"
