"""How large an effect is, with bounds that may be looked at at any time.

A confidence sequence holds for all numbers of requests at once: the probability that the true rate
is ever outside is at most 1 - confidence, so a rollout may be stopped because of what its interval
shows. Each request is taken to fail independently and at a constant rate: the interval is of the
mean over a trial for a reader, and no gate decides by it.

Source: Robbins 1970 (the beta-binomial mixture); Howard, Ramdas, McAuliffe, Sekhon 2021, whose
confidence sequences by mixtures these are; Waudby-Smith & Ramdas 2024 for the relation to betting.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from davylamp.gates.counts import Count, Pair

_PRIOR: Final = 0.5
"""Both parameters of the beta mixture (Jeffreys): the price of not knowing the rate is then about
log(n) / 2 at every rate, also at those near 0 that matter here."""
_LOG_PRIOR: Final = math.log(math.pi)
"""log B(1/2, 1/2)."""
_HALVINGS: Final = 50


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the ends of its confidence sequence; an end may be infinite."""

    estimate: float
    low: float
    high: float


def rate_interval(count: Count, confidence: float = 0.95) -> Interval:
    """The rate of errors: all p with mixture(e, n) / likelihood(e, n; p) <= 1 / (1 - confidence).

    [0, 1] where there are no requests. `confidence` lies between 0 and 1.
    """
    failed, fine = count.errors, count.requests - count.errors
    mixture = _log_beta(failed + _PRIOR, fine + _PRIOR) - _LOG_PRIOR
    lowest = mixture + math.log(1 - confidence)

    def plausible(p: float) -> bool:
        return lowest <= failed * math.log(p) + fine * math.log1p(-p)

    return Interval(
        estimate=count.rate,
        low=_end(plausible, count.rate, 0.0) if failed else 0.0,
        high=_end(plausible, count.rate, 1.0) if fine else 1.0,
    )


def ratio_interval(pair: Pair, confidence: float = 0.95) -> Interval:
    """The odds of an error on the canary as a multiple of stable's; 1.0 where nothing is known.

    Half of what the confidence leaves goes to each revision's rate, so the two need not fail
    independently of each other.
    """
    of_each_rate = (1 + confidence) / 2
    candidate = rate_interval(pair.candidate, of_each_rate)
    stable = rate_interval(pair.stable, of_each_rate)
    return Interval(
        estimate=_estimate(pair),
        low=_quotient(_odds(candidate.low), _odds(stable.high)),
        high=_quotient(_odds(candidate.high), _odds(stable.low)),
    )


def _end(plausible: Callable[[float], bool], inside: float, outside: float) -> float:
    """Bisect for the end of the plausible rates, and give a rate just outside.

    Likelihoods have one peak, so the plausible rates are one interval around the estimate.
    """
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if plausible(middle):
            inside = middle
        else:
            outside = middle
    return outside


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _estimate(pair: Pair) -> float:
    none_served = not pair.candidate.requests or not pair.stable.requests
    candidate, stable = _odds(pair.candidate.rate), _odds(pair.stable.rate)
    return 1.0 if none_served or candidate == stable else _quotient(candidate, stable)


def _odds(rate: float) -> float:
    return rate / (1 - rate) if rate < 1 else math.inf


def _quotient(a: float, b: float) -> float:
    """A quotient of odds that are not both 0 and not both infinite."""
    return a / b if b > 0 else math.inf
