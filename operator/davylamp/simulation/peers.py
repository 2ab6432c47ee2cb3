"""The classic rules of other tools: an error rate over a window, looked at on a clock.

Sources: Argo Rollouts fails a metric when `failed > failureLimit`, counted over the whole analysis,
and takes an empty answer for success here; Flagger rolls back at `threshold` failed checks, also
counted over the whole canary, takes an empty answer for a failed check, and acts a tick later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from davylamp.gates import Count
from davylamp.gates.counts import NOTHING


@dataclass(frozen=True, slots=True)
class ClassicRule:
    """Every `interval` seconds the canary's error rate over `window` must be at most `max_rate`.

    The `failures`th failed check, counted from the start, rolls it back `delay` seconds later.
    """

    name: str
    interval: float
    window: float
    failures: int
    max_rate: float = 0.01
    empty_fails: bool = False
    bound_fails: bool = True
    """Whether a rate of exactly `max_rate` fails."""
    delay: float = 0.0


def argo(
    name: str, interval: float, window: float, limit: int, max_rate: float = 0.01
) -> ClassicRule:
    """Argo Rollouts with a `failureLimit`."""
    return ClassicRule(name, interval, window, limit + 1, max_rate)


def flagger(
    name: str, interval: float, window: float, threshold: int, max_rate: float = 0.01
) -> ClassicRule:
    """Flagger with a `threshold`: detected at one tick, rolled back at the next."""
    return ClassicRule(
        name,
        interval,
        window,
        threshold,
        max_rate,
        empty_fails=True,
        bound_fails=False,
        delay=interval,
    )


ARGO: Final = argo("Argo Rollouts, common", 60.0, 120.0, 1)
ARGO_FAST: Final = argo("Argo Rollouts, fast", 5.0, 30.0, 1)
FLAGGER: Final = flagger("Flagger, default", 60.0, 60.0, 5)
FLAGGER_FAST: Final = flagger("Flagger, fast", 10.0, 30.0, 2)
PEERS: Final = (ARGO, ARGO_FAST, FLAGGER, FLAGGER_FAST)


def rolled_back(rule: ClassicRule, counts: Sequence[Count], step: float) -> float | None:
    """When the rule rolls a canary back (seconds from its start), None if it does not.

    `counts` are what the canary did in consecutive intervals of `step` seconds.
    """
    sums = _sums(counts)
    failed, every, width = 0, round(rule.interval / step), round(rule.window / step)
    for end in range(every, len(counts) + 1, every):
        now, before = sums[end], sums[max(0, end - width)]
        failed += _fails(rule, now.requests - before.requests, now.errors - before.errors)
        if failed >= rule.failures:
            at = end * step + rule.delay
            return at if at <= len(counts) * step else None
    return None


def _fails(rule: ClassicRule, requests: int, errors: int) -> bool:
    if not requests:
        return rule.empty_fails
    rate = errors / requests
    return rate >= rule.max_rate if rule.bound_fails else rate > rule.max_rate


def _sums(counts: Sequence[Count]) -> list[Count]:
    """What was counted up to the beginning of each interval, and in all."""
    total, sums = NOTHING, [NOTHING]
    for count in counts:
        total = Count(total.requests + count.requests, total.errors + count.errors)
        sums.append(total)
    return sums
