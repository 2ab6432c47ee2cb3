"""Differences of means of things between 0 and 1: evidence, how much of it is needed, and estimates.

Let Z be a sum of means of independent numbers, each of a range of at most 1, with signs, minus what
is tolerated; n_i numbers are behind mean i. Hoeffding's lemma gives, for every l,
E[exp(l (Z - E[Z]))] <= exp(l^2 / 8 * sum of 1 / n_i). With n = 1 / (sum of 1 / n_i) and l = 4 t n,
exp(n (4 t Z - 2 t^2)) has an expectation of at most 1 wherever E[Z] <= 0: an e-value of one block,
and blocks multiply, whatever the distributions and however they change from block to block.

Source: Hoeffding 1963, lemma 1 and theorem 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from davylamp.gates.evidence.bounds import StatisticalBounds
from davylamp.gates.evidence.e_process import THETAS


def effective(*requests: float) -> float:
    """How many requests the noise of a sum of means is worth; 0 where a mean has none."""
    return 1 / sum(1 / n for n in requests) if all(n > 0 for n in requests) else 0.0


def log_gains(beyond: float, requests: float) -> list[float]:
    """Log e-values, by alternative, of a difference `beyond` what is tolerated."""
    return [requests * (4 * theta * beyond - 2 * theta**2) for theta in THETAS]


def silent() -> list[float]:
    """Log e-values of a block that says nothing."""
    return [0.0] * len(THETAS)


def effective_needed(rule: StatisticalBounds, effect: float, *, lines: int = 1) -> float:
    """Effective requests after which an `effect` beyond what is tolerated would have been found.

    The larger of two numbers, times the burst that is stated:

    - for the test: L / g, where g = max over theta of (4 theta effect - 2 theta^2) is what one
      effective request gains on average, and L = ln(2 x alternatives x lines / false_rollback) is
      what one alternative of one line has to gain, as it has half of its share of the prior;
    - for the estimate: ln(1 / false_promotion) / (2 effect^2), after which it says "tolerated" of
      such an effect with at most that probability (Hoeffding's inequality).

    An effect smaller than the smallest alternative is not looked for: that one counts instead.
    """
    effect = max(effect, THETAS[0])
    gain = max(4 * theta * effect - 2 * theta**2 for theta in THETAS)
    detectable = math.log(2 * len(THETAS) * lines / rule.false_rollback) / gain
    sure = math.log(1 / rule.false_promotion) / (2 * effect**2)
    return max(detectable, sure) * (rule.burst or 1.0)


def missing(requests: int, known: float, required: float, *, at_best: float = 1.0) -> int:
    """Canary requests until `known` effective requests are `required`, at the present split.

    While nothing is seen, an effective request takes `at_best` requests.
    """
    if known <= 0:
        return math.ceil(required * at_best)
    return math.ceil(max(0.0, requests * (required / known - 1)))


def unbiased(differences: Sequence[tuple[float, float, float]]) -> float:
    """Weighted sum of absolute differences, less what noise alone adds to it; at least 0.

    Each is the difference found, its weight, and the variance of what was found. A noisy difference
    is larger in absolute value than the true one. By how much is the mean of a folded normal
    distribution less its location, taken at differences that are shrunk by what part of their
    squares is noise (James and Stein): all noise is taken off where there is nothing but noise, and
    nothing where the differences are far above it.
    """
    squares = math.fsum(difference**2 for difference, _, _ in differences)
    noise = math.fsum(variance for _, _, variance in differences)
    kept = max(0.0, 1 - noise / squares) if squares else 0.0
    less = (
        w * _less_noise(abs(difference), kept, variance) for difference, w, variance in differences
    )
    return max(0.0, math.fsum(less))


def _less_noise(difference: float, kept: float, variance: float) -> float:
    """One absolute difference less what noise adds on average to one of `kept` times its size."""
    if not variance:
        return difference
    spread = kept * difference / math.sqrt(2 * variance)
    folded = math.sqrt(2 / math.pi * variance) * math.exp(-(spread**2))
    return difference - folded + kept * difference * math.erfc(spread)
