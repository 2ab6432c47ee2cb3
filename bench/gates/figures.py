"""Cells of the tables: what was found, what the design found, and whether that is worse.

Worse means beyond Monte-Carlo noise: if the truth were the design's figure, so bad a result of so
many canaries would come in fewer than one of 1000 cells. The design's own noise is allowed
for, and one scrape where times are compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from davylamp.simulation.outcomes import quantile

DESIGN_RUNS = 1000
SURE = 0.001
_CELL = re.compile(
    r"(?P<median>[\d.]+|>1h|inf) / (?P<p95>[\d.]+|>1h|inf)(?: s)?(?: \((?P<found>\d+)%\))?"
)


@dataclass(frozen=True)
class Cell:
    """One figure beside the design's; empty `design` where it has none."""

    found: str
    design: str = ""
    is_worse: bool = False


def share_cell(hits: int, of: int, design: str, *, more_is_worse: bool = True) -> Cell:
    """A share of canaries."""
    found = f"{hits / of:.1%}"
    if not design:
        return Cell(found)
    share = float(design.rstrip("%")) / 100
    bad, chance = (hits, share) if more_is_worse else (of - hits, 1 - share)
    return Cell(found, design, at_least(bad, of, _allowed(chance)) < SURE)


def times_cell(times: Sequence[float | None], design: str, *, step: float) -> Cell:
    """Median and 95th percentile of seconds; None is beyond the hour."""
    known = sum(each is not None for each in times)
    found = f"{_spoken(quantile(times, 0.5))} / {_spoken(quantile(times, 0.95))}"
    if known < len(times):
        found += f" ({known / len(times):.0%})"
    match = _CELL.match(design)
    if not match:
        return Cell(found)
    pairs = ((_seconds(match["median"]), 0.5), (_seconds(match["p95"]), 0.05))
    slow = any(_slower(times, limit + step, chance) for limit, chance in pairs)
    share = float(match["found"] or 100) / 100
    missed = len(times) - known
    return Cell(found, design, slow or at_least(missed, len(times), _allowed(1 - share)) < SURE)


def at_least(hits: int, of: int, chance: float) -> float:
    """Probability of so many hits or more."""
    if hits <= 0:
        return 1.0
    terms = (math.comb(of, k) * chance**k * (1 - chance) ** (of - k) for k in range(hits))
    return max(0.0, 1 - math.fsum(terms))


def _slower(times: Sequence[float | None], limit: float, chance: float) -> bool:
    """Whether more canaries took longer than a quantile of the design than chance explains."""
    if not math.isfinite(limit):
        return False
    later = sum(each is None or each > limit for each in times)
    return at_least(later, len(times), _allowed(chance)) < SURE


def _allowed(chance: float) -> float:
    """The upper end of what the design's own number of canaries leaves open."""
    spread = math.sqrt(max(chance * (1 - chance), 1 / DESIGN_RUNS) / DESIGN_RUNS)
    return min(1.0, chance + 2 * spread)


def _seconds(text: str) -> float:
    return math.inf if text in {">1h", "inf"} else float(text)


def _spoken(value: float | None) -> str:
    return ">1h" if value is None else f"{value:.0f}"
