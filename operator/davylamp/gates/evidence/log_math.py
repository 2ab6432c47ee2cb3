"""Sums and odds in logarithms, where probabilities would vanish."""

from __future__ import annotations

import math
from collections.abc import Sequence


def log_sum_exp(terms: Sequence[float]) -> float:
    """Give log(sum(exp(terms))) without overflow; -inf for terms that are all -inf."""
    top = max(terms)
    if math.isinf(top):
        return top
    return top + math.log(math.fsum(math.exp(term - top) for term in terms))


def log_add_exp(a: float, b: float) -> float:
    """Give log(exp(a) + exp(b)) without overflow; the sum of two, which is needed most."""
    high, low = (a, b) if a > b else (b, a)
    return high + math.log1p(math.exp(low - high)) if math.isfinite(low) else high


def log_mean_exp(terms: Sequence[float]) -> float:
    """Give log(mean(exp(terms))); 0 (even) for no terms."""
    return log_sum_exp(terms) - math.log(len(terms)) if terms else 0.0


def log(x: float) -> float:
    """Give the logarithm, -inf at and below 0."""
    return math.log(x) if x > 0 else -math.inf


def logit(rate: float) -> float:
    """Log-odds of a rate in (0, 1)."""
    return math.log(rate / (1 - rate))


def softplus(x: float) -> float:
    """Give log(1 + exp(x)) without overflow."""
    return x + math.log1p(math.exp(-x)) if x > 0 else math.log1p(math.exp(x))
