"""Small hand-made histories of counter samples for the gate tests."""

from __future__ import annotations

from davylamp.gates import (
    ErrorRate,
    Judgement,
    JudgementContext,
    Sample,
    Scrapes,
    ShareChange,
    Trial,
    judge,
    start,
)
from davylamp.gates.missing_data import unread
from davylamp.gates.states.history import advanced
from davylamp.gates.verdicts import SOURCE_DOWN

START = 1000.0


def trial(rule=None, *, weight=0.25, changes=(), interval=5.0):
    weights = (ShareChange(START, weight), *(ShareChange(at, w) for at, w in changes))
    return Trial(rule or ErrorRate(burst=1.0), START, weights, interval)


def pod(*steps, phase=0.0, every=5.0, base=(0.0, 0.0), first=START):
    """Samples of one pod: `base` at `first + phase`, then one scrape per (requests, errors)."""
    requests, errors = base
    samples = [Sample(first + phase, requests, errors)]
    for i, (more, bad) in enumerate(steps, 1):
        requests, errors = requests + more, errors + bad
        samples.append(Sample(first + phase + i * every, requests, errors))
    return samples


def steady(blocks, requests, errors=0, **kwargs):
    """Samples of a pod that does the same in every scrape interval."""
    return pod(*[(requests, errors)] * blocks, **kwargs)


def update(a_trial, state, scrapes):
    """What a gate remembers after more samples."""
    return advanced(a_trial, state, scrapes)[0]


def played(a_trial, *, stable, candidate, until=START + 10_000):
    return update(a_trial, start(a_trial), Scrapes(until, stable=stable, candidate=candidate))


def judged(a_trial, state, *, now=None, candidate=("c",), stable=("s",), error=None) -> Judgement:
    """Judge at the last sample unless told otherwise."""
    if now is None:
        now = max((each.time for each in state.last.values()), default=START)
    context = JudgementContext(now, frozenset(candidate), frozenset(stable))
    down = None if error is None else unread(SOURCE_DOWN, error)
    return judge(a_trial, state, context, unread=down)
