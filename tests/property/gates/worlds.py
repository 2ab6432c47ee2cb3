"""Random histories of pods: resets, missed scrapes, pods that come and go, weight changes."""

from __future__ import annotations

import random
from dataclasses import dataclass

from hypothesis import strategies as st

from davylamp.gates import ErrorRate, Sample, Scrapes, ShareChange, Threshold, Trial
from davylamp.gates.samples import Arm
from davylamp.gates.states.history import advanced

START = 100_000.0
STEP = 5.0
END = START + 40 * STEP

RULES = st.sampled_from(
    [
        ErrorRate(),
        ErrorRate(max_rate=0.05, min_blocks=3, burst=2.0, horizon_blocks=20),
        Threshold(max_rate=0.05, failures=2, window=30.0, min_requests=5),
    ]
)


@dataclass(frozen=True)
class Event:
    """One sample on its way to the gate."""

    arm: Arm
    pod: str
    sample: Sample


@dataclass(frozen=True)
class Children:
    """A trial and everything that its pods were ever scraped with."""

    trial: Trial
    events: tuple[Event, ...]
    true_candidate_requests: int
    true_candidate_errors: int


@st.composite
def worlds(draw, *, most=60, candidate_errors=True):
    trial = Trial(draw(RULES), START, draw(_weights()), STEP)
    events, requests, errors = [], 0, 0
    for arm in Arm:
        for i in range(draw(st.integers(1, 3))):
            faulty = candidate_errors or arm is Arm.STABLE
            samples, did, failed = draw(_pod(arm, most if faulty else 0, most))
            events += [Event(arm, f"{arm.value}-{i}", each) for each in samples]
            if arm is Arm.CANDIDATE:
                requests, errors = requests + did, errors + failed
    return Children(trial, tuple(events), requests, errors)


@st.composite
def _weights(draw):
    times = sorted(draw(st.lists(st.floats(START + 1, END), max_size=3)))
    shares = draw(st.lists(st.sampled_from([0.05, 0.25, 0.5]), min_size=4, max_size=4))
    return tuple(ShareChange(at, w) for at, w in zip([START, *times], shares, strict=False))


@st.composite
def _pod(draw, arm, worst, most):
    """Scrape a pod on its own phase; counters of the truth, of the process, and what was seen."""
    seed = random.Random(draw(st.integers(0, 2**32)))
    rate = draw(st.sampled_from([0.0, 0.01, 0.2, 1.0])) if worst else 0.0
    first = draw(st.integers(-2, 20)) if arm is Arm.CANDIDATE else -2
    phase = draw(st.floats(0.0, STEP, exclude_max=True))
    reset, miss = draw(st.sampled_from([0.0, 0.1])), draw(st.sampled_from([0.0, 0.2, 0.6]))
    done = failed = requests = errors = 0
    samples = []
    for i in range(first, 40):
        time = START + i * STEP + phase
        before = time <= START
        if seed.random() < reset:
            requests = errors = 0
        did = 0 if before and arm is Arm.CANDIDATE else seed.randint(0, most)
        bad = sum(seed.random() < rate for _ in range(did))
        requests, errors = requests + did, errors + bad
        done, failed = done + did, failed + bad
        if seed.random() >= miss:
            samples.append(Sample(time, float(requests), float(errors)))
    return samples, done, failed


def scrapes(until, events):
    sides = {Arm.STABLE: {}, Arm.CANDIDATE: {}}
    for each in events:
        sides[each.arm].setdefault(each.pod, []).append(each.sample)
    return Scrapes(until, sides[Arm.STABLE], sides[Arm.CANDIDATE])


def update(a_trial, state, scrapes):
    """What a gate remembers after more samples."""
    return advanced(a_trial, state, scrapes)[0]
