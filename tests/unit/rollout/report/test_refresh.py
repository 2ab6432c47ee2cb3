"""Which changes of a status are written at once, and which wait."""

from datetime import timedelta

import pytest
from tests.support.nature import world_in
from tests.support.world import judgement, revision_of

from davylamp.api.status import ModelDeploymentStatus
from davylamp.api.status_parts import GateForecast
from davylamp.gates import Verdict
from davylamp.rollout.report.refresh import REFRESH, is_due

V2 = revision_of("v2")


def judged() -> tuple:
    """A world whose canary is judged, and its status as it was written."""
    world = world_in("Canary")
    world.answers[V2] = judgement(Verdict.UNDECIDED, requests=10)
    world.reconcile()
    return world, world.status


def changed(status: ModelDeploymentStatus, **changes: object) -> ModelDeploymentStatus:
    return status.model_copy(update={"candidate": status.candidate.model_copy(update=changes)})


def gate(status: ModelDeploymentStatus, **changes: object) -> ModelDeploymentStatus:
    return changed(status, gates=(status.candidate.gates[0].model_copy(update=changes),))


def spoken(status: ModelDeploymentStatus, message: str) -> ModelDeploymentStatus:
    first, *others = status.conditions
    return status.model_copy(
        update={"conditions": (first.model_copy(update={"message": message}), *others)}
    )


def test_what_does_not_differ_is_never_written():
    world, shown = judged()
    assert not is_due(shown, shown, world.now + timedelta(hours=1), rollouts=1)


def test_numbers_wait_and_come_twice_a_minute():
    world, shown = judged()
    world.wait(seconds=5)
    world.answers[V2] = judgement(Verdict.UNDECIDED, requests=20)
    world.reconcile()
    assert world.status.candidate.gates[0].requests == 20
    assert not is_due(shown, world.status, world.now, rollouts=1)
    assert is_due(shown, world.status, world.now + REFRESH, rollouts=1)


def test_with_many_rollouts_each_comes_less_often():
    world, shown = judged()
    more = gate(shown, requests=99)
    assert is_due(shown, more, world.now + timedelta(seconds=30), rollouts=150)
    assert not is_due(shown, more, world.now + timedelta(seconds=59), rollouts=300)
    assert is_due(shown, more, world.now + timedelta(seconds=60), rollouts=300)


@pytest.mark.parametrize(
    ("change", "is_news"),
    [
        (lambda s: gate(s, verdict="Pass", reason="Healthy"), True),
        (lambda s: gate(s, requests=11, message="0 of 11 requests failed"), False),
        (lambda s: gate(s, log10_e="0.20"), False),
        (lambda s: gate(s, log10_e="0.70"), True),
        (lambda s: changed(s, gates=()), True),
        (lambda s: changed(s, step=2), True),
        (lambda s: changed(s, actual_weight=51), True),
        (lambda s: changed(s, waiting_for="AwaitingTraffic"), True),
        (lambda s: changed(s, forecast=(GateForecast(name="errors", message="1"),)), True),
        (lambda s: s.model_copy(update={"ready_replicas": 3}), True),
        (lambda s: s.model_copy(update={"observed_generation": 9}), True),
        (lambda s: spoken(s, "step 1 has had 12 of 100 canary requests"), True),
    ],
)
def test_decisions_and_words_are_written_at_once(change, is_news):
    world, shown = judged()
    assert is_due(shown, change(shown), world.now, rollouts=1000) is is_news


def test_a_sentence_of_which_only_numbers_changed_is_no_news():
    world, shown = judged()
    first = spoken(shown, "step 1 has had 12 of 100 canary requests, 0.5 % failed")
    second = spoken(shown, "step 1 has had 57 of 100 canary requests, 12 % failed")
    assert not is_due(first, second, world.now, rollouts=1)


def test_the_first_requests_of_a_canary_are_shown_at_once():
    world, shown = judged()
    assert is_due(gate(shown, requests=0), shown, world.now, rollouts=1)


def test_without_gates_every_change_is_written():
    world = world_in("Serving")
    shown = spoken(world.status, "v1 is serving with 1 pod")
    assert is_due(shown, spoken(shown, "v1 is serving with 2 pods"), world.now, rollouts=1000)
