"""Errors, tested: the odds ratio against stable, and the canary's own rate against a bound.

What hits both revisions cancels in the first (Fisher's conditional test on each block's 2x2 table);
the second keeps a canary that is within its bound. Rolling back needs both, promoting needs their
average. Each is a mixture over effect sizes, so nobody has to guess how bad a bad model is. Where
errors come in bursts, so that requests of one block are not independent, whole blocks are bet on
instead: valid under any dependence inside a block, and slower.

Source: Fisher 1935 for the table; Waudby-Smith & Ramdas 2024 for the bets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence.bounds import RateBounds
from davylamp.gates.evidence.e_process import BETTER, WORSE, LogLikelihoodRatios
from davylamp.gates.evidence.fisher import Table
from davylamp.gates.evidence.odds import rate_gains, ratio_gains

RATIO: Final = "ratio"
RATE: Final = "rate"
"""The two claims."""

STAKES: Final = (0.4, 0.97)
"""Parts of the capital that are bet on each block. The larger is nearly all, as differences of rates
are small beside what can be lost; few, as each costs the others its part of the capital."""
TREND_STAKE: Final = 0.97
"""The part that is bet on a block while the blocks before it would have won: nothing is lost by a
canary that breaks late."""
MEMORY: Final = 20
"""Blocks that the moving averages reach back."""


@dataclass(frozen=True, slots=True)
class Lately:
    """Moving averages of both error rates: what a block is bet on by, so known before it."""

    candidate: float = 0.0
    stable: float = 0.0

    def after(self, block: Pair) -> Lately:
        """The averages with one more block; of who has no requests in it they stay."""
        return Lately(
            _moved(self.candidate, block.candidate),
            _moved(self.stable, block.stable),
        )


def gains(rule: RateBounds, block: Pair, lately: Lately | None = None) -> LogLikelihoodRatios:
    """What one block says in which both revisions served; with `lately` it is bet on as a whole."""
    candidate, stable = block.candidate, block.stable
    if lately is not None:
        return _bets(rule, block, lately)
    worse, better = _ratio(rule, Table.of(candidate, stable))
    own_worse, own_better = _rate(rule, candidate)
    return LogLikelihoodRatios({RATIO: worse, RATE: own_worse}, {RATIO: better, RATE: own_better})


def gains_alone(
    rule: RateBounds, candidate: Count, lately: Lately | None = None
) -> LogLikelihoodRatios:
    """What a block says in which stable had no pods: the canary's own rate stands for both claims.

    The ratio claim then also says "at most `max_rate` while there was nothing to compare with",
    which keeps it an e-process without starting anew.
    """
    if lately is not None:
        worse, better = _rate_bets(rule, candidate, lately)
        return LogLikelihoodRatios({RATIO: worse}, {RATIO: better, RATE: better})
    worse, better = _rate(rule, candidate)
    return LogLikelihoodRatios({RATIO: worse, RATE: worse}, {RATIO: better, RATE: better})


def _ratio(rule: RateBounds, table: Table) -> list[list[float]]:
    return ratio_gains(table, (rule.ratio, WORSE), (rule.promote_ratio, BETTER))


def _rate(rule: RateBounds, count: Count) -> list[list[float]]:
    return rate_gains(count, (rule.max_rate, WORSE), (rule.max_rate, BETTER))


def _moved(average: float, count: Count) -> float:
    return average + (count.rate - average) / MEMORY if count.requests else average


def _bets(rule: RateBounds, block: Pair, lately: Lately) -> LogLikelihoodRatios:
    """Bets on the difference of two rates; the tolerance is the bound of the rate itself.

    So one claim says both: a canary within that bound is at most that much above stable.
    """
    apart, before = block.candidate.rate - block.stable.rate, lately.candidate - lately.stable
    bound = rule.max_rate
    _, better = _rate_bets(rule, block.candidate, lately)
    return LogLikelihoodRatios(
        {RATIO: _bet(apart - bound, before - bound, most=1 + bound)},
        {RATIO: _bet(bound - apart, bound - before, most=1 + bound), RATE: better},
    )


def _rate_bets(rule: RateBounds, count: Count, lately: Lately) -> tuple[list[float], list[float]]:
    bound = rule.max_rate
    return (
        _bet(count.rate - bound, lately.candidate - bound),
        _bet(bound - count.rate, bound - lately.candidate),
    )


def _bet(won: float, before: float, *, most: float = 1.0) -> list[float]:
    """Log growth of the capital by stake.

    `before` is what the blocks before would have won on average, `most` the most that can be lost.
    """
    stakes = (*STAKES, TREND_STAKE if before > 0 else 0.0)
    return [math.log1p(stake / most * won) for stake in stakes]
