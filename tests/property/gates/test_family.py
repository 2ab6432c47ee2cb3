"""Several gates on several channels: the panel is a function of the history, not of its pieces."""

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.gates.worlds import END, START, STEP, Children, scrapes, update, worlds

from davylamp.gates import (
    ERRORS,
    LATENCY,
    ErrorRate,
    JudgementContext,
    Latency,
    Query,
    QueryAnswers,
    Trial,
    judge,
    judge_all,
    open_family,
    start,
    take_in,
)

SOME = settings(max_examples=40, deadline=None)
AROUND = JudgementContext(END + 60, frozenset({"candidate-0"}), frozenset({"stable-0"}))


@dataclass(frozen=True)
class Rollout:
    """Two channels with histories of their own, a user's query, and four gates on them."""

    trials: dict[str, Trial]
    counted: Children
    timed: Children
    values: dict[float, float]


@st.composite
def rollouts(draw):
    counted, timed = draw(worlds()), draw(worlds())
    eager = ErrorRate(false_rollback=draw(st.sampled_from([0.01, 0.3])), min_blocks=1)
    rules = {
        "errors": counted.trial.rule,
        "eager": eager,
        "slow": Latency(over=0.1, false_rollback=0.3, warm_up=draw(st.sampled_from([0.0, 12.0]))),
        "own": Query(promql="up", highest=0.5, failures=4, interval=15.0),
    }
    trials = {name: replace(counted.trial, rule=rule) for name, rule in rules.items()}
    trials["slow"] = replace(trials["slow"], rolls_back=draw(st.booleans()))
    times = range(int(START), int(END), 15)
    values = {float(at): draw(st.sampled_from([0.0, 1.0])) for at in times}
    return Rollout(trials, counted, timed, values)


def seen(rollout, since, until, ahead=0.0):
    """What the sources tell about (since, until], some of it already beyond the watermark."""

    def part(world):
        return [each for each in world.events if since < each.sample.time <= until + ahead]

    timed = scrapes(until, [_timed(each) for each in part(rollout.timed)])
    own = {at: value for at, value in rollout.values.items() if since < at <= until + ahead}
    counters = {ERRORS: scrapes(until, part(rollout.counted)), LATENCY: timed}
    return counters, {"own": QueryAnswers(until, own)}


def _timed(event):
    """The same pod with its errors as slow answers."""
    fast = event.sample.requests - event.sample.errors
    parts = {"0.1": fast, "1": event.sample.requests}
    return replace(event, sample=replace(event.sample, errors=0.0, parts=parts))


def at_once(rollout):
    return take_in(rollout.trials, open_family(rollout.trials), *seen(rollout, -1.0, END + 60))


@SOME
@given(rollout=rollouts(), data=st.data())
def test_p5_in_pieces_is_as_at_once(rollout, data):
    """Any polls, each with an arbitrary overlap to the past and samples from the future."""
    polls = sorted(data.draw(st.lists(st.floats(START - 10, END + 50), max_size=10)))
    ahead = data.draw(st.sampled_from([0.0, STEP - 2, 40.0]))
    overlap = data.draw(st.sampled_from([0.0, 12.0, 1_000.0]))
    family, since = open_family(rollout.trials), -1.0
    for until in [*polls, END + 60]:
        family = take_in(rollout.trials, family, *seen(rollout, since - overlap, until, ahead))
        since = until
    assert family == at_once(rollout)
    assert judge_all(rollout.trials, family, AROUND) == judge_all(
        rollout.trials, at_once(rollout), AROUND
    )


@SOME
@given(rollout=rollouts())
def test_the_order_of_the_gates_does_not_matter(rollout):
    turned = replace(rollout, trials=dict(reversed(rollout.trials.items())))
    assert at_once(turned) == at_once(rollout)


@SOME
@given(world=worlds())
def test_one_gate_in_a_panel_is_the_gate_itself(world):
    alone = update(world.trial, start(world.trial), scrapes(END + 60, world.events))
    said = judge(world.trial, alone, AROUND)
    trials = {"errors": world.trial}
    counters = {ERRORS: scrapes(END + 60, world.events)}
    family = take_in(trials, open_family(trials), counters, {})
    assert family.states["errors"] == alone
    assert judge_all(trials, family, AROUND) == {"errors": said}


@SOME
@given(rollout=rollouts())
def test_nothing_new_changes_nothing(rollout):
    family = at_once(rollout)
    assert take_in(rollout.trials, family, *seen(rollout, -1.0, END + 60)) == family
    assert take_in(rollout.trials, family, {}, {}) == family
