"""Log likelihood ratios from counts of yes and no: against stable's odds, or against a bound of one's own.

Errors and slow answers are both of this kind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from davylamp.gates.counts import Count
from davylamp.gates.evidence.e_process import against
from davylamp.gates.evidence.fisher import Table, bernoulli, fisher
from davylamp.gates.evidence.log_math import logit

Test = tuple[float, Sequence[float]]
"""A bound, and the alternatives to it as log odds multipliers."""


def ratio_gains(table: Table, *tests: Test) -> list[list[float]]:
    """For each test, what a table says on the odds ratio; bounds are odds ratios."""
    if table.lowest == table.highest:
        return [[0.0] * len(alternatives) for _, alternatives in tests]
    grids = [_grid(math.log(bound), alternatives) for bound, alternatives in tests]
    logs = iter(fisher(table, [odds for grid in grids for odds in grid]))
    likelihoods = [[next(logs) for _ in grid] for grid in grids]
    return [against(null, rest) for null, *rest in likelihoods]


def rate_gains(count: Count, *tests: Test) -> list[list[float]]:
    """For each test, what a count says on its own rate; bounds are rates in (0, 1)."""
    grids = [_grid(logit(bound), alternatives) for bound, alternatives in tests]
    likelihoods = [[bernoulli(count, odds) for odds in grid] for grid in grids]
    return [against(null, rest) for null, *rest in likelihoods]


def _grid(bound: float, alternatives: Sequence[float]) -> list[float]:
    """Log odds of the bound, then those of its alternatives."""
    return [bound, *(bound + multiplier for multiplier in alternatives)]
