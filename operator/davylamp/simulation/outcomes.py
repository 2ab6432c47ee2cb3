"""What became of simulated canaries, and how sure a share of them is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from davylamp.gates import Count
from davylamp.gates.verdicts import NOTHING

_95: float = 1.959964


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds from the start to the rollback and to the first pass; None if there was none.

    `seen` is what the canary had served when it was taken back, or at the end.
    """

    rolled_back: float | None
    passed: float | None
    seen: Count = NOTHING


def rolled_back(outcomes: Iterable[Outcome]) -> float:
    """Share of canaries that were rolled back."""
    found = [each.rolled_back is not None for each in outcomes]
    return sum(found) / len(found)


def quantile(values: Iterable[float | None], share: float) -> float | None:
    """Quantile of times or counts; None if it lies among those that never came."""
    ordered = sorted(math.inf if each is None else each for each in values)
    found = ordered[min(len(ordered) - 1, int(share * len(ordered)))]
    return found if math.isfinite(found) else None


def interval(hits: int, of: int) -> tuple[float, float]:
    """95 % interval of a share; Wilson's, which holds at 0 and 1 too."""
    if not of:
        return 0.0, 1.0
    share, z = hits / of, _95**2 / of
    middle = (share + z / 2) / (1 + z)
    spread = math.sqrt(share * (1 - share) * z + z * z / 4) / (1 + z)
    return (0.0 if hits == 0 else middle - spread, 1.0 if hits == of else middle + spread)


def mean(values: Sequence[float]) -> float:
    """Mean of some values, 0 for none."""
    return math.fsum(values) / len(values) if values else 0.0
