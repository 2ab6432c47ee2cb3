"""P5: with the operator killed again and again, rollouts end where they would have ended."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.nature import Model, settle
from tests.support.world import Children

from davylamp.api.spec import Rollout, Step

PLAN = Rollout(
    steps=(Step(weight=25, hold="10s"), Step(weight=50, hold="10s")),
    probation="30s",
    progress_deadline="1m",
)
models = st.sampled_from(
    [Model.GOOD, Model.ERRORS, Model.CRASHES, Model.UNREADY, Model.WRONG, Model.SILENT]
)
scripts = st.lists(st.tuples(st.sampled_from(["v2", "v3", "v4"]), models), min_size=1, max_size=5)
crashes = st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=60)


def played(script, killed):
    """The end of a story: each tag is applied when the one before has come to its end."""
    schedule = iter(killed)
    world = Children(rollout=PLAN)
    settle(world, {"v1": Model.GOOD}, crash=lambda: next(schedule, None))
    known = {"v1": Model.GOOD}
    for tag, model in script:
        known.setdefault(tag, model)  # a tag is one model, for good
        world.apply(tag)
        settle(world, known, crash=lambda: next(schedule, None))
    return world


def end(world):
    running = {revision for revision, pods in world.scale.items() if pods}
    outcomes = [(entry.tag, entry.outcome) for entry in world.status.history]
    return (
        world.stable,
        world.candidate,
        world.rejected,
        world.serving(),
        running,
        outcomes,
        world.records,
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=scripts, killed=crashes)
def test_p5_killed_anywhere_any_number_of_times_it_ends_the_same(script, killed):
    assert end(played(script, killed)) == end(played(script, []))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=scripts)
def test_the_end_is_a_good_revision_that_serves_alone(script):
    world = played(script, [])
    known = {"v1": Model.GOOD}
    for tag, model in script:
        known.setdefault(tag, model)
    applied = ["v1", *(tag for tag, _ in script)]
    good = [tag for tag in applied if known[tag] is Model.GOOD]
    assert world.stable == good[-1]
    assert world.rejected == {tag for tag in applied if known[tag] is not Model.GOOD}
    assert len(world.serving()) == 1
