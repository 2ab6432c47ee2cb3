"""What a decision says about the attempt that it ended, and which flight records a history keeps."""

from datetime import timedelta

import pytest
from tests.support.nature import world_in
from tests.support.world import revision_of

from davylamp.api.names import Command
from davylamp.api.status import HistoryEntry, Stage
from davylamp.rollout.attempts import ended_attempt, marked, newest_recorded, recordings

V2 = revision_of("v2")


def aborted(stage):
    world = world_in(stage)
    world.wait(seconds=1)
    world.say(Command.ABORT, "v2")
    return world, world.decide().ended


@pytest.mark.parametrize("stage", ["Canary", "Step2", "Promoting"])
def test_an_attempt_with_traffic_is_told_with_what_it_was_judged_by(stage):
    world, ended = aborted(stage)
    candidate, now = world.status.candidate, world.observe().now
    assert (ended.entry.revision, ended.entry.outcome, ended.entry.at) == (V2, "Aborted", now)
    assert ended.stable.tag == "v1"
    assert (ended.plan, ended.weights) == (candidate.plan, candidate.weights)
    assert (ended.started_at, ended.canary_at) == (candidate.started_at, candidate.canary_at)
    assert not ended.in_probation


def test_a_probation_is_judged_alone_and_by_the_settings_of_the_moment():
    world, ended = aborted("Probation")
    assert ended.in_probation
    assert (ended.stable, ended.plan) == (None, None)
    assert ended.canary_at == world.status.stable.promoted_at
    assert [(change.weight, change.share) for change in ended.weights] == [(100, "1")]


@pytest.mark.parametrize("stage", ["Preparing", "Serving"])
def test_without_traffic_or_without_an_end_there_is_nothing_to_tell(stage):
    _, ended = aborted(stage)
    assert ended is None


@pytest.mark.parametrize("stage", ["Canary", "Promoting", "Probation"])
def test_a_pass_that_ends_nothing_tells_nothing(stage):
    assert world_in(stage).decide().ended is None


@pytest.mark.parametrize("stage", ["Canary", "Promoting"])
@pytest.mark.parametrize(("seconds", "is_told"), [(0, False), (1, True)])
def test_a_stage_that_begins_in_the_pass_that_ends_it_never_had_traffic(stage, seconds, is_told):
    status = world_in("Preparing").status
    now = status.candidate.stage_at
    began = {"stage": Stage(stage), "canary_at": now if stage == "Canary" else None}
    before = status.model_copy(update={"candidate": status.candidate.model_copy(update=began)})
    ending = entry(V2).model_copy(update={"at": now + timedelta(seconds=seconds)})
    assert bool(ended_attempt(before, ending, {})) is is_told


@pytest.mark.parametrize(("seconds", "is_told"), [(0, False), (1, True)])
def test_a_probation_that_ends_in_the_pass_that_promotes_leaves_the_canary_to_be_recorded(
    seconds, is_told
):
    before = world_in("Probation").status
    at = before.stable.promoted_at + timedelta(seconds=seconds)
    ending = entry(before.stable.revision).model_copy(update={"at": at})
    assert bool(ended_attempt(before, ending, {})) is is_told


def test_another_revision_that_ends_is_not_the_candidates_attempt():
    status = world_in("Canary").status
    later = entry("v9").model_copy(update={"at": status.candidate.stage_at + timedelta(hours=1)})
    assert ended_attempt(status, later, {}) is None


def test_it_carries_the_last_judgements_and_what_the_status_said_before():
    world = world_in("Canary")
    world.wait(seconds=20)
    world.sweep()
    world.controllers_run()
    observation = world.observe()
    world.say(Command.ABORT, "v2")
    ended = world.decide().ended
    assert ended.judgements == observation.judgements_of(V2)
    assert ended.gates == world.status.candidate.gates


def entry(revision, recording=None, day=0):
    world = world_in("Serving")
    at = world.observe().now + timedelta(days=day)
    given = {"revision": revision, "tag": revision, "featureSnapshot": "s", "seed": 1}
    return HistoryEntry(**given, outcome="Promoted", reason="Promoted", at=at, recording=recording)


def test_a_record_that_takes_the_place_of_an_older_one_is_named_once():
    new, old = entry("v2", day=1), entry("v2", "risk-v2-flight")
    assert [e.recording for e in marked((new, old), new, "risk-v2-flight")] == [
        "risk-v2-flight",
        None,
    ]


def test_the_newest_records_are_kept():
    history = (entry("v4", "d"), entry("v3"), entry("v2", "b"), entry("v1", "a"))
    assert [e.recording for e in newest_recorded(history, 2)] == ["d", None, "b", None]
    assert recordings(history) == {"a", "b", "d"}
