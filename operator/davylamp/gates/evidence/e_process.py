"""E-processes as mixtures over alternatives: what all the sequential tests have in common.

A line is one null hypothesis' process, a tuple of log e-values by alternative. A claim is what must
be shown: lines called `claim` or `claim:detail` are averaged (they share a null), and the smallest
claim speaks, as all of them must be shown. Ville's inequality makes 1 / bound the level to reach,
looked at as often as wanted.

Source: Howard, Ramdas et al. 2021; Shin, Ramdas, Rinaldo 2024 (start later than the first block).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from davylamp.gates.evidence.bounds import StatisticalBounds
from davylamp.gates.evidence.log_math import log, log_add_exp, log_mean_exp

FROM_THE_START: Final = 0.5
"""Prior mass of "bad from the first block"; the rest is spread over the horizon."""
_ROUNDING: Final = 1e-9

WORSE: Final = tuple(math.log(odds) for odds in (2.0, 4.0, 10.0, 40.0, 1000.0))
"""Rollback alternatives: log odds multipliers above the bound, from 1.5x to 100 % errors."""

BETTER: Final = tuple(math.log(odds) for odds in (1 / 2, 1 / 4, 1 / 16))
"""Promotion alternatives: log odds multipliers below the bound."""

THETAS: Final = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Rollback alternatives of differences: by how much one is above what is tolerated."""

MOST: Final = max(len(WORSE), len(THETAS))
"""Rollback alternatives of a line at most; they share its prior."""

Line = tuple[float, ...]
"""Log e-values by alternative."""


@dataclass(frozen=True, slots=True)
class EvidenceLines:
    """What the blocks so far say, by line: for "worse" and for "acceptable"."""

    blocks: int = 0
    worse: Mapping[str, Line] = field(default_factory=dict)
    better: Mapping[str, Line] = field(default_factory=dict)


PRIOR: Final = EvidenceLines()


@dataclass(frozen=True, slots=True)
class LogLikelihoodRatios:
    """Log likelihood ratios (or log bets) of one block, by line and alternative."""

    worse: Mapping[str, Sequence[float]]
    better: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EvidenceCap:
    """How fast evidence may grow: divisors for clusters, and how many blocks must agree."""

    burst: float = 1.0
    burst_better: float = 1.0
    agreeing: int = 2


@dataclass(frozen=True, slots=True)
class LogEValues:
    """Natural logs of the two combined e-values."""

    rollback: float
    promote: float


def advance(
    rule: StatisticalBounds, evidence: EvidenceLines, gains: LogLikelihoodRatios, pace: EvidenceCap
) -> EvidenceLines:
    """Add one closed block.

    A line that the block says nothing about stays as it is. One that is new begins where its claim
    stands, so that the claim's mean does not jump; the first ones of a claim have stood at 1.
    """
    block = evidence.blocks + 1
    late = log((1 - FROM_THE_START) / rule.horizon_blocks if block <= rule.horizon_blocks else 0.0)
    cap = _cap(rule, pace.agreeing)
    worse = dict(evidence.worse)
    for name, ratios in gains.worse.items():
        old = worse.get(name) or _beginning(rule, evidence, name, len(ratios))
        worse[name] = tuple(
            log_add_exp(a, late) + min(b / pace.burst, cap)
            for a, b in zip(old, ratios, strict=True)
        )
    for name in worse.keys() - gains.worse.keys():
        worse[name] = tuple(log_add_exp(a, late) for a in worse[name])
    better = dict(evidence.better)
    for name, ratios in gains.better.items():
        old = better.get(name) or (0.0,) * len(ratios)
        better[name] = tuple(a + b / pace.burst_better for a, b in zip(old, ratios, strict=True))
    return EvidenceLines(block, worse, better)


def levels(rule: StatisticalBounds, evidence: EvidenceLines) -> LogEValues:
    """Combine the lines: the smallest claim speaks for a rollback, the average for promotion.

    Both are 0 (even) before the first block.
    """
    unspent = log((1 - FROM_THE_START) * max(0.0, 1 - evidence.blocks / rule.horizon_blocks))
    claims: dict[str, list[float]] = {}
    for name, line in evidence.worse.items():
        claims.setdefault(claim_of(name), []).extend(line)
    rollback = min(
        (log_add_exp(log_mean_exp(values), unspent) for values in claims.values()), default=0.0
    )
    promote = log_mean_exp([value for line in evidence.better.values() for value in line])
    return LogEValues(rollback=rollback, promote=promote)


def claim_of(line: str) -> str:
    """The claim that a line belongs to."""
    return line.partition(":")[0]


def says_worse(rule: StatisticalBounds, at: LogEValues) -> bool:
    """Tell whether the evidence for a rollback has reached 1 / false_rollback."""
    return at.rollback >= math.log(1 / rule.false_rollback) - _ROUNDING


def says_acceptable(rule: StatisticalBounds, at: LogEValues) -> bool:
    """Tell whether the evidence for promotion has reached 1 / false_promotion."""
    return at.promote >= math.log(1 / rule.false_promotion)


def against(null: float, alternatives: Iterable[float]) -> list[float]:
    """Log likelihood ratios of alternatives against a null, from log likelihoods."""
    return [log_likelihood - null for log_likelihood in alternatives]


def _beginning(
    rule: StatisticalBounds, evidence: EvidenceLines, name: str, alternatives: int
) -> Line:
    """The value of a line that is new: its claim's mean, or that of blocks with nothing in them."""
    claim = claim_of(name)
    known = [
        v for line, values in evidence.worse.items() if claim_of(line) == claim for v in values
    ]
    if known:
        return (log_mean_exp(known),) * alternatives
    begun = FROM_THE_START + (1 - FROM_THE_START) * min(1.0, evidence.blocks / rule.horizon_blocks)
    return (math.log(begun),) * alternatives


def _cap(rule: StatisticalBounds, agreeing: int) -> float:
    """Most that one block may add, so that `agreeing` blocks are needed, and enough at an outage.

    The first bound lets that many full blocks of a single alternative reach 1 / false_rollback,
    the second keeps one block fewer of all alternatives together below it.
    """
    bound = 1 / rule.false_rollback
    enough = math.log(2 * MOST * bound) / agreeing
    if agreeing == 1:
        return enough
    active = 1 + agreeing / rule.horizon_blocks
    return min(enough, math.log((2 * bound - 1) / active) / (agreeing - 1))
