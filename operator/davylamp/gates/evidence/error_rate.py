"""Errors, tested: the odds ratio against stable, and the canary's own rate against a bound.

What hits both revisions cancels in the first (Fisher's conditional test on each block's 2x2 table);
the second keeps a canary that is within its bound. Rolling back needs both, promoting needs their
average. Each is a mixture over effect sizes, so nobody has to guess how bad a bad model is. Where
errors come in bursts, so that requests of one block are not independent, whole blocks are bet on
instead: valid under any dependence inside a block, and slower.

Source: gates of the design, sections 2.2 to 2.6; Waudby-Smith & Ramdas 2024 for the bets.
"""

from __future__ import annotations

import math
from typing import Final

from davylamp.gates.evidence.fisher import Table
from davylamp.gates.evidence.mixture import Gains
from davylamp.gates.evidence.odds import BETTER, WORSE, rate_gains, ratio_gains
from davylamp.gates.rules import ErrorRate
from davylamp.gates.verdicts import Count, Pair

RATIO: Final = "ratio"
RATE: Final = "rate"
"""The two claims."""

STAKES: Final = (0.1, 0.4, 0.97)
"""Parts of the capital that are bet on a block. The largest is nearly all, as differences of rates
are small beside what can be lost; few, as each costs the others its part of the capital."""


def gains(rule: ErrorRate, block: Pair, *, betting: bool = False) -> Gains:
    """What one block says in which both revisions served."""
    candidate, stable = block.candidate, block.stable
    if betting:
        return _bets(rule, candidate, stable)
    worse, better = _ratio(rule, Table.of(candidate, stable))
    own_worse, own_better = _rate(rule, candidate)
    return Gains({RATIO: worse, RATE: own_worse}, {RATIO: better, RATE: own_better})


def gains_alone(rule: ErrorRate, candidate: Count, *, betting: bool = False) -> Gains:
    """What a block says in which stable had no pods: the canary's own rate stands for both claims.

    The ratio claim then also says "at most `max_rate` while there was nothing to compare with",
    which keeps it an e-process without starting anew.
    """
    if betting:
        worse, better = _rate_bets(rule, candidate)
        return Gains({RATIO: worse}, {RATIO: better, RATE: better})
    worse, better = _rate(rule, candidate)
    return Gains({RATIO: worse, RATE: worse}, {RATIO: better, RATE: better})


def _ratio(rule: ErrorRate, table: Table) -> list[list[float]]:
    return ratio_gains(table, (rule.ratio, WORSE), (rule.promote_ratio, BETTER))


def _rate(rule: ErrorRate, count: Count) -> list[list[float]]:
    return rate_gains(count, (rule.max_rate, WORSE), (rule.tolerated_rate, BETTER))


def _bets(rule: ErrorRate, candidate: Count, stable: Count) -> Gains:
    """Bets on the difference of two rates; the tolerance is the bound of the rate itself.

    So one claim says both: a canary within that bound is at most that much above stable.
    """
    apart = candidate.rate - stable.rate
    _, better = _rate_bets(rule, candidate)
    return Gains(
        {RATIO: _bet(apart - rule.max_rate, 1 + rule.max_rate)},
        {RATIO: _bet(rule.tolerated_rate - apart, 1 + rule.tolerated_rate), RATE: better},
    )


def _rate_bets(rule: ErrorRate, count: Count) -> tuple[list[float], list[float]]:
    return (
        _bet(count.rate - rule.max_rate, 1.0),
        _bet(rule.tolerated_rate - count.rate, 1.0),
    )


def _bet(won: float, most: float) -> list[float]:
    """Log growth of the capital by stake; `most` is the most that can be lost."""
    return [math.log1p(stake / most * won) for stake in STAKES]
