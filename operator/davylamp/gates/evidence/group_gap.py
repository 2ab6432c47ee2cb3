"""Groups of people, tested: are they treated more unequally than they may be?

Two claims, one line for each ordered pair of groups (a, b). With r the rate of a group, of the
canary (c) or of stable (s), and n the rows behind a rate:

- `bound`, null "no pair's gap is above max_gap": Z = r_c(a) - r_c(b) - max_gap,
  n_eff = 1 / (1/n_ca + 1/n_cb);
- `stable`, null "no pair's gap grew by more than increase":
  Z = (r_c(a) - r_c(b)) - (r_s(a) - r_s(b)) - increase, n_eff = 1 / (sum of the four 1/n).

Rows of a block, given how many there are of each group, are independent and 0 or 1, so Z is a sum of
independent means with signs, and E[Z] <= 0 under the null of every line: `hoeffding` makes an
e-value of each. A gap that grew shows in a pair that grew (the canary's widest, which was no wider
at stable than stable's widest), so nothing is missed. Lines of a claim share its null and are
averaged. Which pairs are looked at depends on names, never on answers.

Source: Hoeffding 1963; the rates are what training measures as error and selection rates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Final

from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence import hoeffding
from davylamp.gates.evidence.bounds import GapBounds
from davylamp.gates.evidence.e_process import LogLikelihoodRatios

BOUND: Final = "bound"
STABLE: Final = "stable"
"""The two claims."""

MOST_GROUPS: Final = 6
"""Groups that are tested, the first by name: each pair more takes power from the others."""
FEWEST: Final = 20
"""Rows of a group below which its rate is not estimated."""
SMALL: Final = 0.1
"""A group with a smaller share of the canary's rows holds no promotion up, unless it is one of two.

It is tested for being worse like every other.
"""
_NOISE: Final = 1e-6
"""Rounding that is let pass, relative to the rows."""


@dataclass(frozen=True, slots=True)
class WidestGap:
    """The groups with the largest and the smallest rate."""

    largest_group: str
    largest_rate: float
    smallest_group: str
    smallest_rate: float

    @property
    def size(self) -> float:
        """The largest rate minus the smallest."""
        return self.largest_rate - self.smallest_rate


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of some rows; 0 where there are none."""

    rows: float = 0.0
    share: float = 0.0


NO_ROWS: Final = Rate()
Rates = Mapping[str, Rate]


def gains(rule: GapBounds, block: Pair) -> LogLikelihoodRatios:
    """What a block says in which both revisions served.

    A pair of which it has no rows stands still, so that its claim and its weight are there from the
    first block on.
    """
    canary, stable = _rates(rule, block.candidate), _rates(rule, block.stable)
    names = _tested(canary.keys() & stable.keys())
    return _not_silent(
        _bound_lines(rule, canary, names) | _stable_lines(rule, canary, stable, names)
    )


def gains_alone(rule: GapBounds, block: Count) -> LogLikelihoodRatios:
    """What a block says in which stable had no pods: of the bound alone."""
    canary = _rates(rule, block)
    return _not_silent(_bound_lines(rule, canary, _tested(canary)))


def gap(rule: GapBounds, count: Count) -> WidestGap | None:
    """Estimate the gap between groups of at least 20 rows; None where there are not two."""
    return _widest(_estimable(_rates(rule, count)))


def enough(rule: GapBounds, past: Pair) -> bool:
    """Tell whether a gap clearly above what is tolerated would have been found.

    That is one `increase` above the tolerated increase (twice of it) or half of `max_gap` above
    `max_gap`, whichever is more, between any two groups that are not small
    (`hoeffding.effective_needed`, with the rows of both revisions).
    """
    return needed(rule, past) == 0


def accepts(rule: GapBounds, past: Pair) -> bool:
    """Tell whether enough was counted, and the gap is within the bound or close to stable's."""
    if not enough(rule, past):
        return False
    canary = _estimable(_rates(rule, past.candidate))
    stable = _estimable(_rates(rule, past.stable))
    widest = _widest(canary)
    before = _widest({name: rate for name, rate in stable.items() if name in canary})
    if widest is None:
        return False
    tolerated = max(rule.max_gap, before.size + rule.increase if before else 0.0)
    return widest.size <= tolerated


def needed(rule: GapBounds, past: Pair) -> int:
    """Canary requests until `enough`, at the present split; at best, while nothing is seen.

    At best there are two groups of one size, and of stable as much as anybody could want.
    """
    canary, stable = _rates(rule, past.candidate), _rates(rule, past.stable)
    names = _tested(canary.keys() & stable.keys() if stable else canary)
    effect = min(max(rule.increase, rule.max_gap / 2), 1 - rule.max_gap)
    lines = max(2, len(names) * (len(names) - 1))
    required = hoeffding.effective_needed(rule, effect, lines=lines)
    effective = _seen([canary, stable] if stable else [canary], _weighty(canary, names))
    return hoeffding.missing(past.candidate.requests, effective, required, at_best=4.0)


def _bound_lines(rule: GapBounds, canary: Rates, names: Iterable[str]) -> dict[str, list[float]]:
    return {
        f"{BOUND}:{a}>{b}": _line((canary[a], canary[b]), rule.max_gap)
        for a, b in permutations(names, 2)
    }


def _stable_lines(
    rule: GapBounds, canary: Rates, stable: Rates, names: Iterable[str]
) -> dict[str, list[float]]:
    return {
        f"{STABLE}:{a}>{b}": _line((canary[a], canary[b], stable[b], stable[a]), rule.increase)
        for a, b in permutations(names, 2)
    }


def _line(rates: tuple[Rate, ...], tolerated: float) -> list[float]:
    """Log e-values of rates with alternating signs; even where one of them has no rows."""
    size = hoeffding.effective(*(rate.rows for rate in rates))
    apart = sum(rate.share for rate in rates[::2]) - sum(rate.share for rate in rates[1::2])
    return hoeffding.log_gains(apart - tolerated, size)


def _not_silent(lines: dict[str, list[float]]) -> LogLikelihoodRatios:
    return LogLikelihoodRatios(lines if any(any(line) for line in lines.values()) else {})


def _tested(names: Iterable[str]) -> list[str]:
    return sorted(names)[:MOST_GROUPS]


def _weighty(canary: Rates, names: Iterable[str]) -> list[str]:
    """The two groups with the most rows, and all others that are not small."""
    by_rows = sorted((name for name in names if canary[name].rows), key=lambda n: -canary[n].rows)
    least = SMALL * sum(canary[name].rows for name in by_rows)
    return by_rows[:2] + [name for name in by_rows[2:] if canary[name].rows >= least]


def _seen(revisions: list[Rates], names: list[str]) -> float:
    """Effective rows of the pair of groups that has the fewest; 0 where there is no pair."""
    return min(
        (
            hoeffding.effective(*(rates[name].rows for rates in revisions for name in pair))
            for pair in combinations(names, 2)
        ),
        default=0.0,
    )


def _estimable(rates: Rates) -> Rates:
    return {name: rate for name, rate in rates.items() if rate.rows >= FEWEST}


def _widest(rates: Rates) -> WidestGap | None:
    if len(rates) < 2:
        return None
    by_share = sorted(rates, key=lambda name: (rates[name].share, name))
    first, last = by_share[-1], by_share[0]
    return WidestGap(first, rates[first].share, last, rates[last].share)


def _rates(rule: GapBounds, count: Count) -> Rates:
    """Read the rate of each group that is named, whether or not it has rows."""
    part, whole = ("positive", "answered") if rule.positive else ("failed", "rows")
    names = {group for name in count.parts if (group := _group(name, whole)) is not None}
    return {
        name: _rate(count.part(f"{name}/{part}"), count.part(f"{name}/{whole}")) for name in names
    }


def _group(name: str, whole: str) -> str | None:
    """Give the group of a part that says how many rows it has; None for other parts."""
    group, slash, kind = name.rpartition("/")
    return group if slash and kind == whole else None


def _rate(part: float, rows: float) -> Rate:
    """No rows where the numbers contradict each other."""
    sound = 0 < rows < math.inf and -_NOISE * rows <= part <= rows * (1 + _NOISE)
    return Rate(rows, min(1.0, max(0.0, part / rows))) if sound else NO_ROWS
