"""The state is a function of the history, not of how it arrived."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.gates.worlds import END, START, scrapes, update, worlds

from davylamp.gates import ErrorRate, JudgementContext, Sample, Verdict, judge, start
from davylamp.gates.samples import increment

SOME = settings(max_examples=60, deadline=None)


def replayed(world, until=END + 60):
    return update(world.trial, start(world.trial), scrapes(until, world.events))


def answer(world, state, now=END + 60):
    context = JudgementContext(now, frozenset({"candidate-0"}), frozenset({"stable-0"}))
    return judge(world.trial, state, context)


@SOME
@given(world=worlds(), data=st.data())
def test_p5_incremental_equals_replayed(world, data):
    """Any polls, each with an arbitrary overlap to the past and samples from the future."""
    polls = sorted(data.draw(st.lists(st.floats(START - 10, END + 50), max_size=12)))
    ahead = data.draw(st.sampled_from([0.0, 3.0, 40.0]))
    overlap = data.draw(st.sampled_from([0.0, 12.0, 1_000.0]))
    state, since = start(world.trial), -1.0
    for until in [*polls, END + 60]:
        seen = [e for e in world.events if since - overlap < e.sample.time <= until + ahead]
        state = update(world.trial, state, scrapes(until, seen))
        since = until
    assert state == replayed(world)
    assert answer(world, state) == answer(world, replayed(world))


@SOME
@given(world=worlds(), seed=st.integers(0, 2**32))
def test_order_of_pods_and_samples_does_not_matter(world, seed):
    mixed = random.Random(seed).sample(world.events, len(world.events))
    state = update(world.trial, start(world.trial), scrapes(END + 60, mixed))
    assert state == replayed(world)


@SOME
@given(world=worlds())
def test_names_of_pods_do_not_matter(world):
    renamed = [type(e)(e.arm, e.pod[::-1], e.sample) for e in world.events]
    state = update(world.trial, start(world.trial), scrapes(END + 60, renamed))
    assert state.account == replayed(world).account


@SOME
@given(world=worlds())
def test_a_state_never_counts_more_than_happened(world):
    """Resets and missed scrapes may hide requests and errors, never invent them."""
    state = replayed(world)
    assert 0 <= state.candidate.errors <= world.true_candidate_errors
    assert state.candidate.requests <= world.true_candidate_requests


@SOME
@given(world=worlds(candidate_errors=False))
def test_p2_a_canary_without_errors_never_fails(world):
    state = replayed(world)
    said = answer(world, state)
    assert said.verdict is not Verdict.FAIL
    if isinstance(world.trial.rule, ErrorRate):
        assert said.log10_rollback <= 1e-9


@SOME
@given(world=worlds(), data=st.data())
def test_a_failure_latches_at_its_first_crossing(world, data):
    moments = sorted(data.draw(st.lists(st.floats(START, END + 60), min_size=2, max_size=8)))
    answers = [answer(world, replayed(world, until), until) for until in moments]
    failed = [each for each in answers if each.verdict is Verdict.FAIL]
    assert all(each.verdict is Verdict.FAIL for each in answers[len(answers) - len(failed) :])
    assert len(
        {(e.decided_at, e.candidate.requests, e.candidate.errors) for e in failed}
    ) <= 1 or not isinstance(world.trial.rule, ErrorRate)


@SOME
@given(world=worlds())
def test_p3_nothing_new_changes_nothing(world):
    state = replayed(world)
    assert update(world.trial, state, scrapes(END + 60, world.events)) == state
    assert update(world.trial, state, scrapes(START, world.events)) == state


@given(
    values=st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e9)), min_size=2, max_size=2),
)
def test_an_increment_is_never_negative_and_never_more_errors_than_requests(values):
    before, now = (Sample(float(i), *pair) for i, pair in enumerate(values))
    count = increment(before, now)
    assert 0 <= count.errors <= count.requests <= now.requests + 1
