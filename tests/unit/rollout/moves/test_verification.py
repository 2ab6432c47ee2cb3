"""After every rollback the golden requests are put to what serves; the answer is told, nothing else."""

import pytest
from tests.support.nature import Model, settle, world_in
from tests.support.world import TWO_STEPS, Children, revision_of

from davylamp.api.names import Command, Reason
from davylamp.api.spec import CheckName
from davylamp.checks import CheckReason, CheckResult, CheckVerdict
from davylamp.rollout import Inspected

V1, V2 = revision_of("v1"), revision_of("v2")
GOOD = {"v1": Model.GOOD, "v2": Model.GOOD}
BAD = {"v1": Model.GOOD, "v2": Model.ERRORS}
TYPE = "RollbackVerified"


def verified(world):
    found = world.status.verification
    return found and (found.tag, found.verdict, found.reason)


@pytest.mark.parametrize("stage", ["Canary", "Step2", "Promoting", "Probation"])
def test_a_rollback_is_verified(stage):
    world = world_in(stage)
    settle(world, BAD)
    assert world.stable == "v1"
    assert verified(world) == ("v1", "Pass", "RollbackVerified")
    status, reason, message = world.condition(TYPE)
    assert (status, reason) == ("True", "RollbackVerified")
    assert message == "v1: 8 golden requests: pass"
    assert world.told[-1] == Reason.ROLLBACK_VERIFIED


@pytest.mark.parametrize("stage", ["Canary", "Probation"])
def test_an_abort_is_verified(stage):
    world = world_in(stage)
    world.say(Command.ABORT, "v2")
    settle(world, GOOD)
    assert verified(world) == ("v1", "Pass", "RollbackVerified")


def test_a_return_is_verified():
    world = settle(world_in("Serving"), GOOD)
    world.apply("v1")
    settle(world, GOOD)
    assert verified(world) == ("v1", "Pass", "RollbackVerified")


def test_until_a_pod_has_answered_nothing_is_known():
    world = world_in("Canary")
    world.checks[V1] = None
    settle(world, BAD)
    assert world.condition(TYPE)[:2] == ("Unknown", "Verifying")
    world.checks[V1] = {CheckName.GOLDEN: CheckVerdict.UNKNOWN}
    world.reconcile()
    assert world.condition(TYPE) == ("Unknown", "Verifying", "v1: 8 golden requests: unknown")
    world.checks[V1] = {}
    world.reconcile()
    assert world.condition(TYPE)[0] == "True"


def test_a_wrong_answer_alerts_and_moves_nothing():
    world = world_in("Canary")
    world.checks[V1] = {CheckName.GOLDEN: CheckVerdict.FAIL}
    settle(world, BAD)
    assert world.condition(TYPE)[:2] == ("False", "RollbackNotVerified")
    assert (world.stable, world.serving(), world.rejected) == ("v1", {V1}, {"v2"})
    told = world.notices[-1]
    assert (told.reason, told.severity) == (Reason.ROLLBACK_NOT_VERIFIED, "Warning")
    assert told.message == "v1 is serving after the rollback: 8 golden requests: fail"
    assert told.revision == V1


def test_the_answer_to_an_earlier_question_is_none():
    """What was asked of stable after the last rollback says nothing about the one after it."""
    world = world_in("Canary")
    settle(world, BAD)
    first = world.status.verification
    world.say(Command.RETRY, "v2")
    settle(world, GOOD, until=lambda w: w.stage is not None)
    assert (world.status.verification, world.condition(TYPE)) == (None, None)
    world.checks[V1] = None
    settle(world, BAD)
    passed = CheckResult(
        CheckName.GOLDEN, CheckVerdict.PASS, CheckReason.PREDICTIONS_REPRODUCED, "x"
    )
    late = Late(world, Inspected(V1, first.at, (passed,)))
    assert late.reconcile().status.verification.verdict == "Unknown"


class Late(Children):
    """A world in which an old answer arrives."""

    def __init__(self, world, answer):
        super().__init__(**vars(world))
        self.answer = answer

    def _inspected(self):
        return self.answer


def test_the_next_rollout_ends_it():
    world = world_in("Canary")
    settle(world, BAD)
    world.apply("v3")
    world.reconcile()
    assert (world.status.verification, world.condition(TYPE)) == (None, None)


def test_superseded_is_no_rollback():
    world = world_in("Canary")
    world.apply("v1")
    settle(world, GOOD)
    assert (world.stable, world.status.verification) == ("v1", None)


@pytest.mark.parametrize("checks", [(), (CheckName.MANIFEST,)])
def test_without_golden_in_the_spec_nothing_is_verified(checks):
    world = world_in("Canary", rollout=TWO_STEPS.model_copy(update={"checks": checks}))
    settle(world, BAD)
    assert (world.stable, world.status.verification) == ("v1", None)


def test_when_golden_leaves_the_spec_the_question_is_let_go():
    world = world_in("Canary")
    world.checks[V1] = None
    settle(world, BAD)
    world.apply(rollout=TWO_STEPS.model_copy(update={"checks": ()}))
    world.reconcile()
    assert (world.status.verification, world.condition(TYPE)) == (None, None)


def test_an_image_without_the_contract_leaves_nothing_to_verify():
    world = world_in("Canary")
    world.checks[V1] = None
    settle(world, BAD)
    answer = CheckResult(CheckName.GOLDEN, CheckVerdict.FAIL, CheckReason.NO_MANIFEST, "none")
    since = world.status.verification.at
    late = Late(world, Inspected(V1, since, (answer,)))
    late.reconcile()
    assert late.condition(TYPE) == ("Unknown", "NothingToVerify", "v1: none")
    assert late.told[-1] == Reason.ROLLED_BACK


def test_nothing_serves_so_nothing_is_verified():
    world = Children()
    settle(world, {"v1": Model.WRONG})
    assert world.status.verification is None
