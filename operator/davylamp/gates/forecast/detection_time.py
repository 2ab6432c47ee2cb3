"""How much traffic a decision takes, before a rollout and while it runs.

Rule of thumb: the evidence grows by a Kullback-Leibler divergence per canary request, and the
mixture over effect sizes costs another factor of ten. It gives the median within a quarter for
canary shares up to 10 %, and is somewhat low above. Below the bounds nothing is ever detected.
"""

from __future__ import annotations

import math
from typing import Final

from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence.bounds import RateBounds
from davylamp.gates.evidence.e_process import LogEValues
from davylamp.gates.evidence.overdispersion import DesignEffect

_MIXTURE: Final = math.log(10)
_SLOWEST: Final = 1e-7
"""Evidence per request below which an estimate would only pretend to be one."""


def requests_to_detect(
    rule: RateBounds,
    weight: float,
    stable_rate: float,
    canary_rate: float,
    *,
    burst: float | None = None,
) -> int | None:
    """Median canary requests until a canary with this error rate is rolled back.

    `weight` is the canary's share of the traffic; rates are fractions. None if such a canary is
    within the rule's bounds.
    """
    gain = _worse_gain(rule, weight, stable=stable_rate, canary=canary_rate)
    return _needed(
        math.log(1 / rule.false_rollback) + _MIXTURE, gain / (burst or rule.burst or 1.0)
    )


def requests_still_needed(
    rule: RateBounds, weight: float, at: LogEValues, counted: Pair, effect: DesignEffect
) -> int | None:
    """Canary requests until a decision if both revisions go on as they have so far.

    None while there is no telling, also between the bounds, where no decision is due.
    """
    if not counted.candidate.requests:
        return None
    canary, reference = _smoothed(counted.candidate), _smoothed(counted.stable)
    gain = _worse_gain(rule, weight, stable=reference, canary=canary)
    if gain > _SLOWEST:
        return _needed(math.log(1 / rule.false_rollback) - at.rollback, gain / effect.burst)
    gain = _acceptable_gain(rule, weight, stable=reference, canary=canary)
    return _needed(math.log(1 / rule.false_promotion) - at.promote, gain / effect.burst_better)


def _worse_gain(rule: RateBounds, weight: float, *, stable: float, canary: float) -> float:
    """Evidence for a rollback per canary request: that of the slower of the two processes."""
    rate = _divergence(canary, rule.max_rate) if canary > rule.max_rate else 0.0
    return min(rate, _ratio_gain(rule.ratio, weight, stable, canary, above=True))


def _acceptable_gain(rule: RateBounds, weight: float, *, stable: float, canary: float) -> float:
    """Evidence for promotion per canary request: that of the faster of the two processes."""
    bound = rule.max_rate
    rate = _divergence(canary, bound) if canary < bound else 0.0
    return max(rate, _ratio_gain(rule.promote_ratio, weight, stable, canary, above=False))


def _ratio_gain(ratio: float, weight: float, stable: float, canary: float, *, above: bool) -> float:
    """Evidence from whose errors they are: a coin whose bias is the canary's share of them."""
    if weight >= 1 or canary + stable <= 0:
        return math.inf if above and canary > 0 else 0.0
    mine, theirs = weight * canary, (1 - weight) * stable
    share, bound = mine / (mine + theirs), ratio * weight / (ratio * weight + 1 - weight)
    if (share > bound) is not above:
        return 0.0
    return (mine + theirs) / weight * _divergence(share, bound)


def _divergence(p: float, q: float) -> float:
    """Kullback-Leibler divergence of a coin with rate `p` from one with rate `q`, in nats."""
    heads = p * math.log(p / q) if p > 0 else 0.0
    tails = (1 - p) * math.log((1 - p) / (1 - q)) if p < 1 else 0.0
    return heads + tails


def _smoothed(count: Count) -> float:
    return (count.errors + 0.5) / (count.requests + 1)


def _needed(missing: float, gain: float) -> int | None:
    if gain <= _SLOWEST:
        return None
    return max(1, math.ceil(missing / gain))
