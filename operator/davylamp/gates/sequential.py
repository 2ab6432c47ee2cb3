"""The sequential test: e-processes for "the canary is worse" and for "the canary is fine".

Both directions combine two processes, one on the odds ratio against stable (an incident that hits
both revisions cancels) and one on the canary's own rate against a bound. Rolling back needs both,
promoting needs their average. Each is a mixture over effect sizes, so nobody has to guess how bad
a bad model is, and may be looked at after every block.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from davylamp.gates.fisher import Table, bernoulli, fisher, log_sum_exp, logit
from davylamp.gates.rules import Sequential
from davylamp.gates.verdicts import Count

WORSE: Final = tuple(math.log(odds) for odds in (2.0, 4.0, 10.0, 40.0, 1000.0))
"""Rollback alternatives: log odds multipliers above the bound, from 1.5x to 100 % errors."""

BETTER: Final = tuple(math.log(odds) for odds in (1 / 2, 1 / 4, 1 / 16))
"""Promotion alternatives: log odds multipliers below the bound."""

_ROUNDING: Final = 1e-9
_AT_ONCE: Final = 0.5
"""Prior mass of "bad from the first block"; the rest is spread over the horizon."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Log e-values by alternative: 16 numbers and the count of blocks they come from."""

    blocks: int = 0
    worse_ratio: tuple[float, ...] = (math.log(_AT_ONCE),) * len(WORSE)
    worse_rate: tuple[float, ...] = (math.log(_AT_ONCE),) * len(WORSE)
    better_ratio: tuple[float, ...] = (0.0,) * len(BETTER)
    better_rate: tuple[float, ...] = (0.0,) * len(BETTER)


PRIOR: Final = Evidence()


@dataclass(frozen=True, slots=True)
class Levels:
    """Natural logs of the two combined e-values."""

    rollback: float
    promote: float


def fold(rule: Sequential, evidence: Evidence, *, candidate: Count, stable: Count) -> Evidence:
    """Add one closed block in which both revisions served."""
    worse, better = _ratio_gains(rule, Table.of(candidate, stable))
    return _advance(rule, evidence, _Gains(worse, better, *_rate_gains(rule, candidate)))


def fold_alone(rule: Sequential, evidence: Evidence, candidate: Count) -> Evidence:
    """Add one block in which stable had no pods: the canary's own rate stands for both processes.

    The ratio process then also claims "at most `max_rate` while there was nothing to compare
    with", which keeps it an e-process without starting anew.
    """
    worse, better = _rate_gains(rule, candidate)
    return _advance(rule, evidence, _Gains(worse, better, worse, better))


def levels(rule: Sequential, evidence: Evidence) -> Levels:
    """Combine the processes: the smaller one speaks for a rollback, the average for promotion."""
    unspent = _log(_AT_ONCE * max(0.0, 1 - evidence.blocks / rule.horizon_blocks))
    rollback = min(
        log_sum_exp((log_sum_exp(each) - math.log(len(WORSE)), unspent))
        for each in (evidence.worse_ratio, evidence.worse_rate)
    )
    promote = log_sum_exp(evidence.better_ratio + evidence.better_rate)
    return Levels(rollback=rollback, promote=promote - math.log(2 * len(BETTER)))


def says_worse(rule: Sequential, at: Levels) -> bool:
    """Tell whether the evidence for a rollback has reached 1 / false_rollback."""
    return at.rollback >= math.log(1 / rule.false_rollback) - _ROUNDING


def says_fine(rule: Sequential, at: Levels) -> bool:
    """Tell whether the evidence for promotion has reached 1 / false_promotion."""
    return at.promote >= math.log(1 / rule.false_promotion)


@dataclass(frozen=True, slots=True)
class _Gains:
    """Log likelihood ratios of one block, by alternative."""

    worse_ratio: Sequence[float]
    better_ratio: Sequence[float]
    worse_rate: Sequence[float]
    better_rate: Sequence[float]


def _ratio_gains(rule: Sequential, table: Table) -> tuple[list[float], list[float]]:
    if table.lowest == table.highest:
        return [0.0] * len(WORSE), [0.0] * len(BETTER)
    worse, better = math.log(rule.ratio), math.log(rule.promote_ratio)
    odds = (worse, *(worse + g for g in WORSE), better, *(better + g for g in BETTER))
    logs = fisher(table, odds)
    split = 1 + len(WORSE)
    return _against(logs[0], logs[1:split]), _against(logs[split], logs[split + 1 :])


def _rate_gains(rule: Sequential, count: Count) -> tuple[list[float], list[float]]:
    return (
        _shifted(count, logit(rule.max_rate), WORSE),
        _shifted(count, logit(rule.tolerated_rate), BETTER),
    )


def _shifted(count: Count, bound: float, alternatives: Sequence[float]) -> list[float]:
    return _against(bernoulli(count, bound), [bernoulli(count, bound + g) for g in alternatives])


def _against(null: float, alternatives: Sequence[float]) -> list[float]:
    return [each - null for each in alternatives]


def _advance(rule: Sequential, evidence: Evidence, gains: _Gains) -> Evidence:
    block = evidence.blocks + 1
    late = _log((1 - _AT_ONCE) / rule.horizon_blocks if block <= rule.horizon_blocks else 0.0)
    cap = _cap(rule)

    def worse(old: Sequence[float], new: Sequence[float]) -> tuple[float, ...]:
        pairs = zip(old, new, strict=True)
        return tuple(log_sum_exp((a, late)) + min(b / rule.burst, cap) for a, b in pairs)

    def better(old: Sequence[float], new: Sequence[float]) -> tuple[float, ...]:
        return tuple(a + b / rule.burst for a, b in zip(old, new, strict=True))

    return Evidence(
        blocks=block,
        worse_ratio=worse(evidence.worse_ratio, gains.worse_ratio),
        worse_rate=worse(evidence.worse_rate, gains.worse_rate),
        better_ratio=better(evidence.better_ratio, gains.better_ratio),
        better_rate=better(evidence.better_rate, gains.better_rate),
    )


def _cap(rule: Sequential) -> float:
    """Most that one block may add, so that `agreeing_blocks` are needed, and enough at an outage.

    The first bound lets that many full blocks of a single alternative reach 1 / false_rollback,
    the second keeps one block fewer of all alternatives together below it.
    """
    blocks, bound = rule.agreeing_blocks, 1 / rule.false_rollback
    enough = math.log(2 * len(WORSE) * bound) / blocks
    if blocks == 1:
        return enough
    active = 1 + blocks / rule.horizon_blocks
    return min(enough, math.log((2 * bound - 1) / active) / (blocks - 1))


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf
