"""Do errors come one by one? Looked at on stable alone, before the canary has any traffic (A/A).

Correlated errors (retries, batches, a bad node) make a test that takes them as independent
too sure of itself. Two figures tell, both 1 for independent errors: how unevenly the errors of a
moment are spread over stable's pods, which measures clusters inside one revision and is blind for
what hits all pods at once; and how unevenly they are spread over time, which also sees bursts of a
whole revision. The first becomes the divisor of the evidence; either one, when extreme, has whole
blocks bet on instead.

Source: Pearson's chi-squared over its degrees of freedom, in cells of equal length.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from davylamp.gates.counts import NOTHING, Count

CELL: Final = 2.0
"""Length of a cell in scrape intervals: every pod is scraped in each."""
FEWEST_ERRORS: Final = 20
FEWEST_DEGREES: Final = 10
"""Below these nothing is concluded."""
ASSUMED_BURST: Final = 2.0
"""Size of clusters assumed where stable had too few errors to tell, for a rollback only: promotion
would take twice as long where stable has no errors at all."""
EXTREME: Final = 10.0
"""Dispersion from which on no divisor is trusted."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What stable did before the trial: the open cell by pod, and sums over the closed ones."""

    cell: int = 0
    open: Mapping[str, Count] = field(default_factory=dict)
    total: Count = NOTHING
    seconds: float = 0.0
    cells: int = 0
    """Cells with requests."""
    between: float = 0.0
    """Sum of Pearson's chi-squared over pods, within cells."""
    degrees: int = 0
    squares: float = 0.0
    """Sum over cells of errors squared by requests."""


@dataclass(frozen=True, slots=True)
class Dispersion:
    """Chi-squared by degrees of freedom; None where there was too little to tell."""

    between_pods: float | None = None
    over_time: float | None = None

    @property
    def largest(self) -> float | None:
        """The larger of the two."""
        known = [
            dispersion
            for dispersion in (self.between_pods, self.over_time)
            if dispersion is not None
        ]
        return max(known, default=None)


@dataclass(frozen=True, slots=True)
class DesignEffect:
    """How a trial treats clusters: divisors of the evidence, or whole blocks bet on."""

    burst: float = 1.0
    burst_better: float = 1.0
    betting: bool = False


def surveyed(survey: Survey, at: float, length: float, readings: Mapping[str, Count]) -> Survey:
    """Add what stable's pods did up to the moment `at`; cells are `length` seconds long."""
    cell = math.floor(at / length)
    if cell != survey.cell:
        survey = replace(_closed(survey, length), cell=cell, open={})
    merged = dict(survey.open)
    for pod, count in readings.items():
        merged[pod] = merged.get(pod, NOTHING) + Count(count.requests, count.errors)
    return replace(survey, open=merged)


def dispersion(survey: Survey) -> Dispersion:
    """What the closed cells show."""
    if survey.total.errors < FEWEST_ERRORS:
        return Dispersion()
    return Dispersion(
        _significant(survey.between, survey.degrees),
        _significant(_over_time(survey), survey.cells - 1),
    )


def estimated(survey: Survey) -> DesignEffect:
    """How much to trust the independence of errors, by what stable did.

    Where stable had no traffic before the trial at all, as in a file that begins with the canary,
    errors are taken as independent.
    """
    if not survey.cells:
        return DesignEffect()
    known = dispersion(survey)
    if known.largest is None:
        return DesignEffect(ASSUMED_BURST)
    if known.largest >= EXTREME:
        return DesignEffect(betting=True)
    within = known.between_pods if known.between_pods is not None else known.over_time
    burst = within or 1.0
    return DesignEffect(burst, burst)


def _closed(survey: Survey, length: float) -> Survey:
    """Add the open cell to the sums."""
    served = {pod: count for pod, count in survey.open.items() if count.requests}
    whole = sum(served.values(), NOTHING)
    if not whole.requests:
        return replace(survey, seconds=survey.seconds + length) if survey.open else survey
    mixed = 0 < whole.errors < whole.requests and len(served) > 1
    return replace(
        survey,
        total=survey.total + whole,
        seconds=survey.seconds + length,
        cells=survey.cells + 1,
        between=survey.between + (_chi_squared(whole, served) if mixed else 0.0),
        degrees=survey.degrees + (len(served) - 1 if mixed else 0),
        squares=survey.squares + whole.errors**2 / whole.requests,
    )


def _chi_squared(whole: Count, served: Mapping[str, Count]) -> float:
    """Pearson's statistic of one cell, corrected for margins that are taken as given."""
    rate = whole.rate
    spread = sum((c.errors - c.requests * rate) ** 2 / c.requests for c in served.values())
    return spread / (rate * (1 - rate)) * (whole.requests - 1) / whole.requests


def _over_time(survey: Survey) -> float:
    rate = survey.total.rate
    if not 0 < rate < 1:
        return 0.0
    spread = survey.squares - survey.total.errors**2 / survey.total.requests
    return spread / (rate * (1 - rate))


def _significant(chi_squared: float, degrees: int) -> float | None:
    """The quotient, 1 where it is within two standard deviations of what chance gives."""
    if degrees < FEWEST_DEGREES:
        return None
    quotient = chi_squared / degrees
    return quotient if quotient > 1 + 2 * math.sqrt(2 / degrees) else 1.0
