"""The marks in the tables of `make gates`: what counts as worse than the design, and what does not."""

import random

import pytest
from bench.gates import costs, design, gates, scenarios
from bench.gates.detection import MOST_OVER, STABLE, requests_taken
from bench.gates.figures import at_least, share_cell, times_cell

from davylamp.gates import ErrorRate
from davylamp.gates.forecast.detection_time import requests_to_detect
from davylamp.simulation.outcomes import quantile


@pytest.mark.parametrize(
    ("hits", "said", "is_worse"),
    [(0, "0.0%", False), (1, "0.0%", False), (5, "0.0%", True), (100, "100.0%", False),
     (30, "18.5%", False), (45, "18.5%", True)],
)  # fmt: skip
def test_more_rollbacks_than_chance_explains_are_marked(hits, said, is_worse):
    assert share_cell(hits, 100, said).is_worse is is_worse


def test_fewer_promotions_are_marked_where_more_are_wanted():
    assert share_cell(80, 100, "100.0%", more_is_worse=False).is_worse
    assert not share_cell(100, 100, "100.0%", more_is_worse=False).is_worse


@pytest.mark.parametrize(
    ("times", "said", "is_worse"),
    [
        ([10.0] * 40, "10 / 10", False),
        ([15.0] * 40, "10 / 10", False),
        ([20.0] * 40, "10 / 10", True),
        ([10.0] * 38 + [500.0] * 2, "10 / 15", False),
        ([10.0] * 20 + [None] * 20, "10 / 15", True),
        ([None] * 40, ">1h / >1h (3%)", False),
        ([None] * 40, ">1h / >1h (34%)", True),
        ([40.0] * 40, "60 / 190 s", False),
    ],
)
def test_later_rollbacks_than_chance_explains_are_marked(times, said, is_worse):
    assert times_cell(times, said, step=5.0).is_worse is is_worse


def test_a_cell_without_a_figure_is_never_worse():
    assert not share_cell(100, 100, "").is_worse
    assert times_cell([None], "", step=5.0).found == ">1h / >1h (0%)"


def test_tail_probabilities():
    assert at_least(0, 10, 0.1) == 1
    assert at_least(1, 10, 0.1) == pytest.approx(1 - 0.9**10)
    assert at_least(10, 10, 0.5) == pytest.approx(0.5**10)


@pytest.mark.parametrize(
    ("found", "text", "columns"),
    [
        (scenarios.healthy(), design.HEALTHY, (*gates.PRODUCT, *gates.CLASSIC)),
        (scenarios.broken(), design.BROKEN, (*gates.PRODUCT, *gates.CLASSIC)),
        (scenarios.boundaries(), design.BOUNDARIES, gates.AT_BOUNDS),
        (scenarios.promotions(), design.PROMOTION, ()),
        (scenarios.clusters(), design.CLUSTERS, gates.IN_CLUSTERS),
        (scenarios.misaligned(), design.MISALIGNED, gates.OUT_OF_STEP),
    ],
    ids=["5.1", "5.2", "5.3", "5.4", "5.5", "5.6"],
)
def test_every_figure_of_the_design_has_its_counterpart(found, text, columns):
    """Scenarios by name, and gates but for the one that is new and those that are not built."""
    figures = design.table(text)
    assert set(found) == set(figures)
    named = {gate.name for gate in columns} - {"auto", "auto 5s"}
    assert named <= set(next(iter(figures.values())))


@pytest.mark.parametrize("rate", [0.05, 0.20])
@pytest.mark.parametrize("split", [0.05, 0.10])
def test_detection_takes_at_most_1_3_times_the_information_limit(rate, split):
    rule = ErrorRate(max_rate=0.005, burst=1.0, min_blocks=1)
    taken = [float(requests_taken(rule, split, rate, random.Random(seed))) for seed in range(200)]
    limit = requests_to_detect(rule, split, STABLE, rate)
    assert quantile(taken, 0.5) <= MOST_OVER * limit


def test_memory_of_a_rollout_does_not_grow_with_its_length():
    sizes = [costs.size(costs.panel_after(blocks)) for blocks in (40, 120)]
    assert sizes[1] <= 1.05 * sizes[0] < 20_000
