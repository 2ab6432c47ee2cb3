"""What a set of simulated rollouts has in common, and how sure a share of them is."""

from __future__ import annotations

import math
from collections.abc import Iterable

_95: float = 1.959964


def quantile(values: Iterable[float | None], share: float) -> float | None:
    """Quantile of times or counts; None if it lies among those that never came."""
    ordered = sorted(math.inf if value is None else value for value in values)
    at_share = ordered[min(len(ordered) - 1, int(share * len(ordered)))]
    return at_share if math.isfinite(at_share) else None


def interval(hits: int, of: int) -> tuple[float, float]:
    """95 % interval of a share; Wilson's, which holds at 0 and 1 too."""
    if not of:
        return 0.0, 1.0
    share, z = hits / of, _95**2 / of
    middle = (share + z / 2) / (1 + z)
    spread = math.sqrt(share * (1 - share) * z + z * z / 4) / (1 + z)
    return (0.0 if hits == 0 else middle - spread, 1.0 if hits == of else middle + spread)
