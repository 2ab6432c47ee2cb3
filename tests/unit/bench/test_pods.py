import random
from itertools import pairwise

import pytest
from bench.gates.pods import Pod, always, between, bursts

from davylamp.simulation.traffic import START


def test_a_pod_is_scraped_on_its_phase_and_counts_up():
    pod = Pod(100.0, always(0.5), phase=2.0, scraped=-2)
    samples = pod.until(20.0, random.Random(1))
    assert [s.time - START for s in samples] == [-8.0, -3.0, 2.0, 7.0, 12.0, 17.0]
    assert samples[0].requests == 0
    assert all(a.requests < b.requests for a, b in pairwise(samples))
    assert samples[-1].errors == pytest.approx(samples[-1].requests / 2, rel=0.1)


def test_a_rate_that_moves_inside_an_interval_is_followed():
    samples = Pod(1000.0, between(2.5, 1e9, 1.0, 0.0)).until(5.0, random.Random(1))
    assert samples[-1].errors == pytest.approx(2500, rel=0.1)


def test_clusters_come_whole():
    samples = Pod(100.0, always(0.05), cluster=5).until(600.0, random.Random(1))
    assert samples[-1].errors > 0
    assert all(each.errors % 5 == 0 for each in samples)


def test_bursts_are_the_same_for_the_same_seed_and_reach_back():
    rates = [bursts(4, 0.1, 0.5, 0.0) for _ in range(2)]
    times = range(-1800, 3600, 5)
    assert [rates[0](t) for t in times] == [rates[1](t) for t in times]
    assert sum(rates[0](t) > 0 for t in times) / len(times) == pytest.approx(0.1, abs=0.04)
