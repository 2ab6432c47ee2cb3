"""Commands: every one in every stage, answered once in each attempt, never on another revision."""

import pytest
from tests.support.nature import Model, serving_world, settle, world_in
from tests.support.world import NAME, NAMESPACE, revision_of

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


ANSWERS = {
    Command.ABORT: {"Serving": "Refused", "Rejected": "AlreadyDone"},
    Command.PROMOTE: {
        "Promoting": "AlreadyDone",
        "Probation": "AlreadyDone",
        "Serving": "AlreadyDone",
        "Returning": "AlreadyDone",
        "Rejected": "Refused",
        "NotBegun": "Refused",
    },
    Command.ADVANCE: dict.fromkeys(
        ("Preparing", "Canary", "Step2", "Rejected", "NotBegun"), "Refused"
    )
    | dict.fromkeys(("Promoting", "Probation", "Serving", "Returning"), "AlreadyDone"),
    Command.RETRY: dict.fromkeys({stage for stage, _ in EVERY} - {"Rejected"}, "AlreadyDone"),
}
"""By command, what it is answered in the stages in which it is not accepted."""


def told_by(decision):
    return [notice.message for notice in decision.notices]


@pytest.mark.parametrize(("stage", "command"), EVERY)
def test_each_command_is_answered_within_one_pass_by_an_event_and_in_the_status(stage, command):
    world = in_stage(stage)
    world.say(command, meant(stage))
    decision = world.reconcile()
    (answer,) = world.status.commands
    assert answer.answer == ANSWERS[command].get(stage, "Accepted")
    assert (command.rsplit("/", 1)[-1], answer.at) == (answer.command, world.now)
    assert answer.value == revision_of(meant(stage))
    assert answer.message in told_by(decision)
    assert command not in world.commands


@pytest.mark.parametrize(("stage", "command"), EVERY)
def test_a_command_that_cannot_be_taken_off_is_answered_once(stage, command):
    world = in_stage(stage)
    world.may_consume = False
    world.checks = dict.fromkeys(world.records, None)  # a rollback is not verified meanwhile
    world.say(command, meant(stage), "now")
    world.reconcile()
    before = world.copy()
    told = len(world.notices)
    world.reconcile()
    assert world.stored == before.stored
    assert world.notices[told:] == []


@pytest.mark.parametrize(("stage", "command"), EVERY)
@pytest.mark.parametrize("value", ["v9", "latest", "", "@2", " ", "x" * 300, "`reboot`"])
def test_a_command_that_names_no_revision_changes_nothing_and_is_refused(stage, command, value):
    world = in_stage(stage)
    other = world.copy()
    world.commands[command] = value
    decision = world.reconcile()
    other.reconcile()
    unchanged = {"handled": other.status.handled, "commands": ()}
    assert world.status.model_copy(update=unchanged) == other.status
    (answer,) = world.status.commands
    assert answer.answer == "Refused"
    refusals = [n for n in decision.notices if n.reason is Reason.COMMAND_REFUSED]
    assert [n.message for n in refusals] == [answer.message]
    assert refusals[0].severity == "Warning"
    assert revision_of("v1") in answer.message or revision_of("v2") in answer.message


def test_a_command_that_names_a_tag_is_told_the_revision():
    world = world_in("Canary")
    world.commands[Command.ABORT] = "v2"
    world.reconcile()
    assert f"that is a tag, and commands name a revision: {V2}" in world.status.commands[0].message


# --- an abort of the wrong one --------------------------------------------------------------------


def typed(message):
    """The command that a sentence prints, as key and value."""
    words = message.split(f"`kubectl annotate --overwrite {RESOURCE}/{NAME} ")[1].split("`")[0]
    command, value = words.removesuffix(f" -n {NAMESPACE}").split("=")
    return Command(command), value


@pytest.mark.parametrize("stage", ["Preparing", "Canary", "Step2", "Promoting"])
def test_an_abort_of_stable_while_another_is_rolled_out_says_which_one_to_name(stage):
    world = world_in(stage)
    world.say(Command.ABORT, "v1")
    decision = world.reconcile()
    (answer,) = world.status.commands
    assert answer.answer == "Refused"
    assert Reason.NOTHING_TO_ABORT not in {n.reason for n in decision.notices}
    command, value = typed(answer.message)
    world.commands[command] = value
    world.reconcile()
    assert world.rejected == {"v2"}


def test_an_abort_of_the_warm_one_in_a_probation_says_which_one_to_name():
    world = world_in("Probation")
    world.say(Command.ABORT, "v1")
    world.reconcile()
    command, value = typed(world.status.commands[0].message)
    world.commands[command] = value
    world.reconcile()
    assert (world.stable, world.rejected) == ("v1", {"v2"})


# --- attempts -------------------------------------------------------------------------------------


def passes(world, number=3):
    for _ in range(number):
        world.reconcile()
        world.controllers_run()
        world.ready("v2")
        world.wait(seconds=1)


def test_the_same_words_count_again_in_a_later_attempt():
    world = world_in("Canary")
    for _ in range(3):
        world.say(Command.ABORT, "v2")
        passes(world)
        assert (world.candidate, world.rejected) == (None, {"v2"})
        world.say(Command.RETRY, "v2")
        passes(world)
        assert (world.candidate, world.rejected) == ("v2", set())
    world.say(Command.PROMOTE, "v2")
    settle(world, GOOD, until=lambda w: w.status.previous is not None)
    world.say(Command.ABORT, "v2")
    world.reconcile()
    assert (world.stable, world.rejected) == ("v1", {"v2"})


@pytest.mark.parametrize("declared", [False, True], ids=["not let", "declared"])
def test_an_abort_that_is_left_over_does_not_end_a_later_attempt(declared):
    world = world_in("Canary")
    world.may_consume = declared
    world.declared = frozenset({Command.ABORT}) if declared else frozenset()
    world.say(Command.ABORT, "v2")
    passes(world)
    assert world.rejected == {"v2"}
    world.say(Command.RETRY, "v2")
    told = len(world.notices)
    passes(world)
    assert (world.candidate, world.rejected) == ("v2", set())
    left_over = [n for n in world.notices[told:] if n.reason is Reason.COMMAND_REFUSED]
    assert len(left_over) == 1
    assert world.status.commands[0].command == "abort"
    command, value = typed(left_over[0].message)  # what it says to type is no change of nothing
    assert world.commands.get(command) != value
    world.commands[command] = value
    world.reconcile()
    assert world.rejected == {"v2"}


def test_the_same_words_count_before_the_operator_has_seen_that_the_first_are_gone():
    world = world_in("Canary")
    for _ in range(2):
        world.say(Command.ABORT, "v1")
        world.wait(seconds=1)
        world.reconcile()
    assert world.told.count(Reason.COMMAND_REFUSED) == 2


def test_p5_a_command_that_was_acted_on_before_a_crash_is_not_acted_on_again():
    world = world_in("Canary")
    world.say(Command.ABORT, "v2")
    names = [effect.name for effect in world.effects(world.decide())]
    written = next(i for i, name in enumerate(names) if name.startswith("consume"))
    world.reconcile(crash_after=written)
    assert world.rejected == {"v2"}
    assert Command.ABORT in world.commands
    world.say(Command.RETRY, "v2")
    passes(world)
    assert world.candidate == "v2"
    assert not world.commands


def test_commands_of_an_earlier_version_are_neither_answered_nor_acted_on_again():
    world = world_in("Canary")
    stored = world.stored
    stored["handled"] = {"abort": V2, "retry": f"{V2}@1"}
    world.commands = {Command.ABORT: V2, Command.RETRY: f"{V2}@1"}
    told = len(world.notices)
    passes(world)
    assert world.candidate == "v2"
    assert world.notices[told:] == []
    assert not world.commands
    world.say(Command.ABORT, "v2")
    world.reconcile()
    assert world.rejected == {"v2"}


def test_p6_a_retry_said_before_the_rejection_does_not_undo_it():
    world = world_in("Canary")
    world.say(Command.RETRY, "v2")
    settle(world, {"v1": Model.GOOD, "v2": Model.ERRORS})
    assert world.rejected == {"v2"}
    assert world.told.count(Reason.ROLLED_BACK) == 1


def test_a_retry_works_once_and_again_in_the_same_words():
    models = {"v1": Model.GOOD, "v2": Model.ERRORS}
    world = rejected()
    world.say(Command.RETRY, "v2")
    settle(world, models)
    assert world.told.count(Reason.ROLLED_BACK) == 2
    settle(world, models)
    assert world.told.count(Reason.ROLLED_BACK) == 2
    world.say(Command.RETRY, "v2")
    settle(world, models)
    assert world.told.count(Reason.ROLLED_BACK) == 3


def test_the_retry_the_status_proposes_works():
    world = rejected()
    message = world.condition("Stalled")[2]
    command, value = typed(message)
    world.commands[command] = value
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


@pytest.mark.parametrize(
    ("suffix", "answer", "words"),
    [
        ("1", "Accepted", "step 1 ends at the command of a user"),
        ("", "Accepted", "step 1 ends at the command of a user"),
        ("2", "Refused", "the canary is at step 1 of 2, not at step 2"),
        ("0", "Refused", "the canary is at step 1 of 2, not at step 0"),
        ("7", "Refused", "the canary is at step 1 of 2, not at step 7"),
        ("one", "Refused", "@one is no step; the canary is at step 1 of 2, which `kubectl"),
    ],
)
def test_advance_means_the_step_that_it_names(suffix, answer, words):
    plan = Rollout(steps=(Step(weight=25, pause=True), Step(weight=40, pause=True)))
    world = world_in("Canary", rollout=plan)
    settle(world, GOOD, until=lambda w: w.status.candidate.waiting_for == Reason.AWAITING_APPROVAL)
    world.say(Command.ADVANCE, "v2", suffix)
    world.reconcile()
    assert world.status.commands[0].answer == answer
    assert words in world.status.commands[0].message
    assert world.status.candidate.advanced == (1 if answer == "Accepted" else 0)


def test_an_advance_of_a_step_that_has_passed_lets_no_other_pass():
    plan = Rollout(steps=(Step(weight=25, pause=True), Step(weight=40, pause=True)))
    world = world_in("Canary", rollout=plan)
    waits = lambda w: w.status.candidate.waiting_for == Reason.AWAITING_APPROVAL  # noqa: E731
    settle(world, GOOD, until=waits)
    for _ in range(2):
        world.say(Command.ADVANCE, "v2", "1")
        settle(world, GOOD, until=lambda w: w.status.candidate.step == 2 and waits(w))
    assert world.status.commands[0].answer == "AlreadyDone"
    assert world.status.candidate.advanced == 1


def test_an_advance_where_nothing_waits_for_a_user_says_what_is_waited_for():
    world = world_in("Canary")
    world.say(Command.ADVANCE, "v2", "1")
    world.reconcile()
    message = world.status.commands[0].message
    assert "step 1 does not wait for a user; it waits for something else: " in message


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
